"""`manage.py load_catalogue`: define the commodities that the system knows."""

from typing import Any

from django.core.management.base import BaseCommand

from common import clock
from parties.actors import system_actor
from risk.services.commodities import load_catalogue


class Command(BaseCommand):
    help = "Define the catalogue's commodities and currencies; those that exist stay as they are."

    def handle(self, **options: Any) -> None:
        loaded = load_catalogue(actor=system_actor("load_catalogue"), now=clock.now())
        for commodity in loaded:
            self.stdout.write(f"{commodity.code}: {commodity.name}")

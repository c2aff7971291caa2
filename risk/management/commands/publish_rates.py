"""`manage.py publish_rates`: publish pledge rates from the recorded prices."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from common import clock
from parties.actors import system_actor
from risk.management.options import iso_date
from risk.services.rates import publish_rates, publish_rates_range


class Command(BaseCommand):
    help = "Publish the pledge rates of a day (default: today), or of every day of a range."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=iso_date, help="the day (default: today)")
        parser.add_argument("--from", dest="from_on", type=iso_date, help="first day of a range")

    def handle(self, **options: Any) -> None:
        actor, now = system_actor("publish_rates"), clock.now()
        as_of = options["as_of"] or now.date()
        if options["from_on"]:
            outcome = publish_rates_range(
                from_on=options["from_on"], until_on=as_of, actor=actor, now=now
            )
        else:
            outcome = publish_rates(as_of=as_of, actor=actor, now=now)
        line = {
            "as_of": as_of.isoformat(),
            "published": outcome.published,
            "unchanged": outcome.unchanged,
            "skipped": outcome.skipped,
        }
        self.stdout.write(json.dumps(line))

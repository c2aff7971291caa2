"""`manage.py verify`: every invariant on the live database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.proofs import prove_all


class Command(BaseCommand):
    help = "Prove every invariant on the live database; name the rows that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for proof in prove_all():
            verdict = "holds " if proof.holds else "BROKEN"
            self.stdout.write(
                f"{verdict} {proof.room}.{proof.invariant.name}: {proof.invariant.sentence}"
            )
            for row, what in proof.breaches:
                self.stdout.write(f"         {row}: {what}")
            broken += not proof.holds
        if broken:
            raise CommandError(f"{broken} invariants are broken")
        self.stdout.write("All invariants hold.")

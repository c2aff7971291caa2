"""`manage.py story`: the whole case on one database, on real prices."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import Refusal
from portal.story.scenes import STEPS
from portal.story.telling import StoryBreach, tell

BAR = 32


class Command(BaseCommand):
    help = "Play the case through the public services; resumes where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", type=int, choices=sorted(STEPS), help="last step to play")
        parser.add_argument(
            "--check", action="store_true", help="prove every invariant after every scene"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        seen: set[int] = set()
        try:
            for part, place, count in tell(until=options["until"], check=options["check"]):
                if part.step not in seen:
                    seen.add(part.step)
                    self._line(f"Step {part.step}: {STEPS[part.step]}")
                self._bar(place, count, f"{part.on} {part.title}")
        except StoryBreach as breach:
            self._line("")
            raise CommandError(str(breach)) from breach
        except Refusal as refusal:
            self._line("")
            raise CommandError(f"{refusal.code}: {refusal.message}") from refusal
        self._line("The story is told." + (" Every invariant holds." if options["check"] else ""))

    def _bar(self, place: int, count: int, title: str) -> None:
        if not sys.stdout.isatty():
            return
        filled = BAR * place // count
        self.stdout.write(
            f"\r[{'█' * filled}{'·' * (BAR - filled)}] {place}/{count} {title[:48]:<48}", ending=""
        )
        self.stdout.flush()

    def _line(self, text: str) -> None:
        self.stdout.write(("\r\033[K" if sys.stdout.isatty() else "") + text)

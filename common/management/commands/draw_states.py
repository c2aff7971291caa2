"""Write, or check, the diagrams of states under docs/states."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from common.diagrams import draw_all


class Command(BaseCommand):
    help = "Draw every model's states into docs/states/<app>.<model>.md (Mermaid)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "states"
        with translation.override("en"):
            wanted = draw_all()
        found = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
        drifted = sorted(
            name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
        )
        if check and drifted:
            raise CommandError(f"run manage.py draw_states: {', '.join(drifted)}")
        for name in drifted:
            _put(folder / name, wanted.get(name))
        self.stdout.write(f"{len(wanted)} diagrams, {len(drifted)} written")


def _put(path: Path, text: str | None) -> None:
    """Write a page, or remove one whose model is gone."""
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")

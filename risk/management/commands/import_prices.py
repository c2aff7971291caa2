"""`manage.py import_prices PATH…`: record price files, one commodity a file."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import clock
from parties.actors import system_actor
from risk.price_files import find_price_files
from risk.services.commodities import load_catalogue
from risk.services.prices import FileImport, import_prices

SHOWN_PROBLEMS = 20


class Command(BaseCommand):
    help = "Record CSV files date,price,currency,unit; the file's name is the commodity's code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
        parser.add_argument("--source", default="file", help="who observed the prices")

    def handle(self, **options: Any) -> None:
        actor, now = system_actor("import_prices"), clock.now()
        paths = _files(options["paths"])
        # What the system knows needs no definition by hand; other names are refused with advice.
        load_catalogue(actor=actor, now=now, codes={path.stem for path in paths})
        refused = 0
        for path in paths:
            imports = import_prices(paths=[path], source=options["source"], actor=actor, now=now)
            for outcome in imports:
                self.stdout.write(json.dumps(_summary(outcome), ensure_ascii=False))
                refused += outcome.refused
        if refused:
            message = f"{refused} rows refused; the reasons are above"
            raise CommandError(message)


def _files(paths: list[Path]) -> list[Path]:
    """Return the files that the paths name, or refuse with the reason."""
    try:
        return [file for path in paths for file in find_price_files(path)]
    except FileNotFoundError as error:
        raise CommandError(str(error)) from error


def _summary(outcome: FileImport) -> dict[str, Any]:
    """Return one file's line: counts, and the first reasons of very many."""
    return {
        "file": outcome.file,
        "commodity": outcome.commodity,
        "status": outcome.status,
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "corrected": outcome.corrected,
        "refused": outcome.refused,
        "reasons": [str(problem) for problem in outcome.problems[:SHOWN_PROBLEMS]],
    }

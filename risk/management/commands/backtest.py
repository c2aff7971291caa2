"""`manage.py backtest`: models walked forward over histories, judged by what prices then did."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from common import clock
from parties.actors import system_actor
from risk.backtests.report import charts_source, write_report
from risk.backtests.runner import ENTRANTS, Entry, Series, run
from risk.backtests.table import table_lines
from risk.management.options import iso_date, names
from risk.management.progress import ProgressBar
from risk.pledge_rates import RateParameters
from risk.price_files import find_price_files, read_price_file
from risk.services.backtests import record_backtest


class Command(BaseCommand):
    help = "Walk the rate models forward over price files, or over the prices on record."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--prices", type=Path, help="folder or CSV file (default: the prices on record)"
        )
        parser.add_argument("--models", type=names, default=list(ENTRANTS), help="a,b,…")
        parser.add_argument("--series", type=names, default=[], help="codes, such as wti,brent")
        parser.add_argument("--until", type=iso_date, help="last day (prices on record)")
        parser.add_argument("--horizon", type=int, default=10, help="trading days (files)")
        parser.add_argument("--confidence", type=float, default=0.99, help="(files)")
        parser.add_argument("--out", type=Path, help="folder for results.csv and report.html")
        parser.add_argument("--workers", type=int, help="processes for the GARCH fits")

    def handle(self, **options: Any) -> None:
        unknown = set(options["models"]) - set(ENTRANTS)
        if unknown:
            raise CommandError(f"no such model: {', '.join(sorted(unknown))}")
        if options["prices"]:
            self._over_files(**options)
        else:
            self._over_records(**options)

    def _over_files(self, **options: Any) -> None:
        """Print the table; write the report if a folder is named."""
        try:
            parameters = RateParameters(
                horizon=options["horizon"], confidence=options["confidence"]
            )
            series = read_series(options["prices"], options["series"])
            if options["out"]:
                charts_source()
        except (ValueError, FileNotFoundError) as error:
            raise CommandError(str(error)) from error
        entries = run(
            series,
            options["models"],
            parameters,
            workers=options["workers"],
            progress=ProgressBar(sys.stderr),
        )
        self._tell(entries)
        if options["out"]:
            for path in write_report(options["out"], series, entries, parameters):
                self.stdout.write(f"wrote {path}")

    def _over_records(self, **options: Any) -> None:
        """Judge every commodity at its own horizon and confidence, and keep the rows."""
        now = clock.now()
        stored, entries = record_backtest(
            codes=options["series"],
            entrants=options["models"],
            until_on=options["until"] or now.date(),
            actor=system_actor("backtest"),
            now=now,
            workers=options["workers"],
            progress=ProgressBar(sys.stderr),
        )
        self._tell(entries)
        self.stdout.write(f"kept as run {stored.pk}: {len(entries)} rows")

    def _tell(self, entries: list[Entry]) -> None:
        if not entries:
            raise CommandError("no series is long enough: 1515 rows at a horizon of ten")
        for line in table_lines(entries):
            self.stdout.write(line)


def read_series(path: Path, codes: list[str]) -> list[Series]:
    """Return the histories of a folder or file, those of `codes` alone if any are named.

    Raises:
        FileNotFoundError: nothing there. ValueError: a file with a bad row.

    """
    found = []
    for file in find_price_files(path):
        if codes and file.stem not in codes:
            continue
        prices = read_price_file(file, today=clock.now().date())
        if prices.problems:
            raise ValueError(str(prices.problems[0]))
        values = np.array([float(row.price) for row in prices.rows])
        found.append(Series(prices.code, [row.observed_on for row in prices.rows], values))
    return found

"""`manage.py pledge_rates`: the pledge-rate model on price files, without a database."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from common import clock
from risk.management.options import holdings, iso_date, names
from risk.pledge_rates import RateParameters, walk_forward
from risk.portfolio_rate import Holding, portfolio_rate
from risk.price_files import (
    PriceFile,
    RowProblem,
    find_price_files,
    keep_denomination,
    read_price_file,
)

SHOWN_PROBLEMS = 20

Rate = tuple[str, date, float]


class Command(BaseCommand):
    help = "Print commodity,date,rate at full precision for every price file of a folder."
    requires_system_checks: list[str] = []  # it must work before anything is configured

    def add_arguments(self, parser: ArgumentParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--prices", type=Path, help="folder or one CSV file")
        source.add_argument(
            "--reproduce",
            action="store_true",
            help="compute the published rates again from what was kept with them",
        )
        parser.add_argument("--series", type=names, help="codes of the rates to reproduce")
        parser.add_argument("--from", dest="from_on", type=iso_date, help="first day to reproduce")
        days = parser.add_mutually_exclusive_group()
        days.add_argument(
            "--as-of",
            type=iso_date,
            help="rate of the last row at or before this date (default: the last row)",
        )
        days.add_argument("--all-dates", action="store_true", help="the rate of every row")
        parser.add_argument(
            "--portfolio",
            type=holdings,
            help="also the rate of goods held together: values by code, gold_comex=30,wti=70",
        )
        parser.add_argument("--horizon", type=int, default=10, help="trading days to sell")
        parser.add_argument("--confidence", type=float, default=0.99, help="such as 0.99")

    def handle(self, **options: Any) -> None:
        if options["reproduce"]:
            self._reproduce(options["series"], options["from_on"], options["as_of"])
        else:
            self._compute(options)

    def _reproduce(
        self, codes: list[str] | None, from_on: date | None, until_on: date | None
    ) -> None:
        """Name each rate that does not come out again to the last digit, and fail if any."""
        from risk.services.reproduction import reproduce_rates

        count = wrong = 0
        for one in reproduce_rates(codes=codes, from_on=from_on, until_on=until_on):
            count += 1
            if one.problem:
                wrong += 1
                self.stderr.write(f"{one.rate} ({one.rate.model}): {one.problem}")
        self.stdout.write(f"{count - wrong} of {count} published rates come out again exactly")
        if wrong:
            raise CommandError(f"{wrong} do not; the reasons are above")

    def _compute(self, options: dict[str, Any]) -> None:
        parameters = _parameters(options["horizon"], options["confidence"])
        problems: list[RowProblem] = []
        short: list[str] = []
        good: list[PriceFile] = []
        out = csv.writer(self.stdout, lineterminator="\n")
        out.writerow(("commodity", "date", "rate"))
        files = _files(options["prices"])
        for path in files:
            prices = _read(path)
            problems += prices.problems
            if prices.problems:
                continue  # a rate from a damaged history would look like a good one
            rates = list(_rates(prices, parameters, options["as_of"], options["all_dates"]))
            out.writerows((code, day.isoformat(), repr(rate)) for code, day, rate in rates)
            good.append(prices)
            if not rates:
                short.append(_too_short(prices, options["as_of"], parameters))
        if options["portfolio"]:
            out.writerow(_together(good, options["portfolio"], options["as_of"], parameters))
        for line in short:
            self.stderr.write(line)
        if problems:
            raise CommandError(_summary(problems))
        if len(short) == len(files):
            raise CommandError("no file has enough rows for a rate")


def _parameters(horizon: int, confidence: float) -> RateParameters:
    """Return the parameters of the plain model: no factors, no cap."""
    try:
        return RateParameters(horizon=horizon, confidence=confidence)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _files(path: Path) -> list[Path]:
    """Return the price files, or refuse with the reason."""
    try:
        return find_price_files(path)
    except FileNotFoundError as error:
        raise CommandError(str(error)) from error


def _read(path: Path) -> PriceFile:
    """Return a file's rows, all in the currency and unit of the first."""
    prices = read_price_file(path, today=clock.now().date())
    if prices.rows:
        unit = prices.rows[0].unit
        keep_denomination(prices, currency=prices.rows[0].currency, is_unit=unit.__eq__, unit=unit)
    return prices


def _rates(
    prices: PriceFile, parameters: RateParameters, as_of: date | None, all_dates: bool
) -> Iterator[Rate]:
    """Yield the rates of one file: of every row, or of the last row up to a date."""
    rows = [row for row in prices.rows if as_of is None or row.observed_on <= as_of]
    if not rows:
        return
    first = 0 if all_dates else len(rows) - 1
    path = walk_forward([float(row.price) for row in rows], parameters, first_row=first)
    for index in range(first, len(rows)):
        rate = float(path.rate[index])
        if not np.isnan(rate):
            yield prices.code, rows[index].observed_on, rate


def _holding(prices: PriceFile, value: float, as_of: date | None) -> Holding:
    """Return goods worth a value with their prices up to a date."""
    rows = [row for row in prices.rows if as_of is None or row.observed_on <= as_of]
    found = np.array([float(row.price) for row in rows])
    return Holding(value, [row.observed_on for row in rows], found)


def _together(
    files: list[PriceFile],
    values: dict[str, float],
    as_of: date | None,
    parameters: RateParameters,
) -> tuple[str, str, str]:
    """Return the row of the goods held together, or refuse with the reason."""
    held = [_holding(one, values[one.code], as_of) for one in files if one.code in values]
    if len(held) < len(values):
        raise CommandError(f"--portfolio: {len(held)} of {len(values)} codes have a price file")
    try:
        rate = portfolio_rate(held, parameters)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if np.isnan(rate):
        raise CommandError("--portfolio: 250 common dates are needed, and a rate of each part")
    return "portfolio", max(one.days[-1] for one in held).isoformat(), repr(rate)


def _too_short(prices: PriceFile, as_of: date | None, parameters: RateParameters) -> str:
    """Return why a file gives no rate."""
    count = sum(1 for row in prices.rows if as_of is None or row.observed_on <= as_of)
    until = f" up to {as_of}" if as_of else ""
    needed = parameters.horizon + 250
    return f"{prices.name}: no rate: {count} rows{until}, {needed} rows with moves are needed"


def _summary(problems: list[RowProblem]) -> str:
    """Return the problems, one a line, the first of very many."""
    lines = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"... and {len(problems) - SHOWN_PROBLEMS} more")
    files = ", ".join(sorted({problem.file for problem in problems}))
    lines.append(f"{len(problems)} bad rows; no rate was computed for {files}")
    return "\n".join(lines)

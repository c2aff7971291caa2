"""The backtest's table: its columns, the rows of the result file, and the mean over series."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import fmean
from typing import TextIO

from risk.backtests.runner import Entry
from risk.backtests.statistics import SIGNIFICANCE

MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a row: its name in files, and how people read it."""

    name: str
    label: str
    of: Callable[[Entry], float]
    show: Callable[[float], str]


def _of(name: str) -> Callable[[Entry], float]:
    return attrgetter(f"score.{name}")


def _per_cent(value: float) -> str:
    return f"{100 * value:.2f}"


def _points(value: float) -> str:
    return f"{100 * value:.3f}"


def _plain(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{digits}f}"


COLUMNS: tuple[Column, ...] = (
    Column("days", "days", _of("days"), _plain(0)),
    Column("exceedance", "exceed %", _of("exceedance"), _per_cent),
    Column("kupiec_p", "Kupiec p", _of("kupiec"), _plain(2)),
    Column("kupiec_accepted", "accepted", _of("kupiec_share"), _plain(2)),
    Column("conditional_p", "cond. cov. p", _of("conditional"), _plain(2)),
    Column("conditional_accepted", "accepted", _of("conditional_share"), _plain(2)),
    Column("mean_rate", "mean rate %", _of("mean_rate"), _per_cent),
    Column("matched_rate", "matched rate %", _of("matched_rate"), _per_cent),
    Column("skill", "skill", attrgetter("skill"), _plain(3)),
    Column("worst_shortfall", "worst %", _of("worst"), _per_cent),
    Column("daily_move", "daily move pp", _of("daily_move"), _points),
    Column("fall_5d", "5-day fall pp", _of("fall_5d"), _per_cent),
    Column("haircut_ratio", "peak/trough", _of("haircut_ratio"), _plain(2)),
    Column("calls_a_year", "calls a year", _of("calls"), _plain(1)),
)
PASSES = ("kupiec_passes", "conditional_passes")


@dataclass(frozen=True, slots=True)
class Summary:
    """One entrant over all series: the mean of each column, and how many series passed."""

    entrant: str
    series: int
    means: dict[str, float]
    kupiec_passes: int
    conditional_passes: int


def summaries(entries: Sequence[Entry]) -> list[Summary]:
    """Return each entrant's means and passes, in the order of the entries."""
    found = []
    for entrant in dict.fromkeys(entry.entrant for entry in entries):
        mine = [entry for entry in entries if entry.entrant == entrant]
        found.append(
            Summary(
                entrant=entrant,
                series=len(mine),
                means={column.name: fmean(map(column.of, mine)) for column in COLUMNS},
                kupiec_passes=sum(one.score.kupiec > SIGNIFICANCE for one in mine),
                conditional_passes=sum(one.score.conditional > SIGNIFICANCE for one in mine),
            )
        )
    return found


def write_csv(entries: Sequence[Entry], out: TextIO) -> None:
    """Write one row per model and series at full precision, then the means over series."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(("model", "series", *(one.name for one in COLUMNS), "traffic_light", *PASSES))
    for entry in entries:
        values = [repr(column.of(entry)) for column in COLUMNS]
        lines.writerow((entry.entrant, entry.series, *values, entry.score.light, "", ""))
    for one in summaries(entries):
        values = [repr(one.means[column.name]) for column in COLUMNS]
        passes = (one.kupiec_passes, one.conditional_passes)
        lines.writerow((one.entrant, MEAN, *values, "", *passes))


def table_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the table of means as the design page has it, as text."""
    layout = "{:<15}" + " {:>14}" * (len(COLUMNS) - 1) + " {:>8} {:>10}"
    shown = [column for column in COLUMNS if column.name != "days"]
    labels = [column.label for column in shown]
    yield layout.format("model", *labels, "Kupiec", "cond. cov.")
    for one in summaries(entries):
        passes = (f"{one.kupiec_passes}/{one.series}", f"{one.conditional_passes}/{one.series}")
        values = [column.show(one.means[column.name]) for column in shown]
        yield layout.format(one.entrant, *values, *passes)

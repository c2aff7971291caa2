"""What if: a book at other prices and rates, once, day by day through a crisis, or many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from pledges.rules.stress import Verdict
from pledges.services.what_if import LoadedBook
from pledges.states import Band
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import localised
from portal.tables import Column, Table, Text
from risk.scenarios import Futures

ZERO = Decimal(0)
CENT = Decimal("0.01")
BANDS = (Band.COVERED, Band.WATCH, Band.CALLED, Band.CLOSE_OUT)
MOST_BARS = 12
BUCKETS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """What the scenarios do to one facility; amounts in its currency."""

    facility: Facility
    exposure: Decimal
    band: str
    short: Decimal
    loss: Decimal
    mean_loss: Decimal
    call_share: Decimal
    first_called: date | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a crisis told again."""

    on: date
    short: Decimal
    called: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many futures lose so much."""

    up_to: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """Another view of the page."""

    name: Text
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class StressBoard:
    """What the page shows."""

    facts: list[Fact]
    notes: list[str]
    tables: dict[str, Table]
    charts: dict[str, Any]
    mode: str
    links: Sequence[Sequence[Link]] = ()
    query: str = ""
    form: forms.Form | None = field(default=None)


def stress_board(
    mode: str, facilities: Sequence[Facility], book: LoadedBook, futures: Futures, verdict: Verdict
) -> StressBoard:
    """Return the page for scenarios that have been judged; mode is shock, crisis or futures."""
    currency = facilities[0].currency if facilities else ""
    lines = _lines(facilities, book, futures, verdict)
    tables = {"facilities": _table(lines, mode, currency)}
    charts = {"facilities": _secured(lines, currency)}
    if mode == "crisis":
        days = _days(futures, verdict)
        tables["days"] = _days_table(days, currency)
        charts["days"] = _days_chart(days, currency)
    if mode == "futures":
        buckets = _buckets(verdict)
        tables["losses"] = _losses_table(buckets, currency)
        charts["losses"] = _losses_chart(buckets)
    return StressBoard(
        facts=_facts(mode, lines, futures, verdict, currency),
        notes=_notes(book, futures),
        tables=tables,
        charts=charts,
        mode=mode,
    )


def _lines(
    facilities: Sequence[Facility], book: LoadedBook, futures: Futures, verdict: Verdict
) -> list[Line]:
    by_id = {one.pk: one for one in facilities}
    lines = [
        Line(
            facility=by_id[pk],
            exposure=_cents(book.book.exposure[row]),
            band=str(BANDS[verdict.worst_band[row]]),
            short=_cents(verdict.worst_short[row]),
            loss=_cents(verdict.worst_loss[row]),
            mean_loss=_cents(verdict.mean_loss[row]),
            call_share=Decimal(str(round(float(verdict.call_share[row]), 6))),
            first_called=_day(futures, int(verdict.first_call[row])),
        )
        for row, pk in enumerate(book.facility_ids)
    ]
    return sorted(lines, key=lambda line: (-line.short, line.facility.name))


def _cents(value: float) -> Decimal:
    return Decimal(str(float(value))).quantize(CENT)


def _day(futures: Futures, row: int) -> date | None:
    return futures.days[row] if futures.days and row >= 0 else None


def _facts(
    mode: str, lines: Sequence[Line], futures: Futures, verdict: Verdict, currency: str
) -> list[Fact]:
    called = sum(line.band in {Band.CALLED, Band.CLOSE_OUT} for line in lines)
    worst = _cents(verdict.total_short.max(initial=0.0))
    loss = _cents(verdict.total_loss.max(initial=0.0))
    first = min((line for line in lines if line.first_called), key=_first_called, default=None)
    facts = [
        money_fact(_("Exposure"), sum((line.exposure for line in lines), ZERO), currency),
        Fact(
            _("Margin calls"),
            f"{called:,}",
            note=ngettext("of %(count)s facility", "of %(count)s facilities", len(lines))
            % {"count": f"{len(lines):,}"},
            tone="bad" if called else "good",
        ),
        money_fact(
            _("Cash missing at worst"),
            worst,
            currency,
            note=_("to cover every facility again"),
            tone="warn" if worst else "good",
        ),
        money_fact(
            _("Lost at worst"),
            loss,
            currency,
            note=_("if all goods were sold then, less the cost of it"),
            tone="bad" if loss else "good",
        ),
    ]
    if mode == "futures":
        mean = _cents(verdict.total_loss.mean() if len(verdict.total_loss) else 0.0)
        facts.insert(2, money_fact(_("Lost on average"), mean, currency))
    if mode == "crisis" and first is not None:
        facts.append(
            Fact(_("First margin call"), formats.day(first.first_called), note=first.facility.name)
        )
    return facts


def _first_called(line: Line) -> tuple[date, str]:
    return line.first_called or date.max, line.facility.name


def _notes(book: LoadedBook, futures: Futures) -> list[str]:
    borrowed = [one for one in book.priced if one.id in futures.borrowed]
    if not borrowed:
        return []
    names = ", ".join(localised(one.name, one.name_zh) for one in borrowed)
    told = _("Without prices of their own there, moved like their class: %(names)s.")
    return [told % {"names": names}]


def _table(lines: Sequence[Line], mode: str, currency: str) -> Table:
    shown: list[Column] = [
        columns.words(_("Facility"), "facility.name"),
        columns.amount(_("Exposure"), "exposure", currency),
        columns.band(_("Worst band"), "band"),
        columns.amount(_("Cash missing at worst"), "short", currency),
        columns.amount(_("Lost at worst"), "loss", currency),
    ]
    if mode == "futures":
        shown += [
            columns.meter(_("Chance of a margin call"), "call_share"),
            columns.amount(_("Lost on average"), "mean_loss", currency),
        ]
    if mode == "crisis":
        shown.append(columns.day(_("First called on"), "first_called"))
    return Table(
        key="facilities",
        title=_("Facilities"),
        columns=shown,
        rows=lines,
        empty=_("No facility owes anything here."),
    )


def _secured(lines: Sequence[Line], currency: str) -> dict[str, Any]:
    chosen = [line for line in lines if line.exposure][:MOST_BARS]
    return bars(
        names=[line.facility.name for line in chosen],
        series=[
            (_("Covered"), "right-pledge", [line.exposure - line.short for line in chosen]),
            (_("Missing"), "band-close_out", [line.short for line in chosen]),
        ],
        unit=currency,
    )


# --- a crisis, day by day -----------------------------------------------------------------------


def _days(futures: Futures, verdict: Verdict) -> list[Day]:
    return [
        Day(on, _cents(short), int(called))
        for on, short, called in zip(futures.days, verdict.total_short, verdict.called, strict=True)
    ]


def _days_table(days: Sequence[Day], currency: str) -> Table:
    return Table(
        key="days",
        title=_("Day by day"),
        columns=[
            columns.day(_("Day"), "on"),
            columns.amount(_("Cash missing"), "short", currency),
            columns.count(_("Margin calls"), "called"),
        ],
        rows=days,
        empty=_("Nobody has recorded prices of that time for what this book holds."),
    )


def _days_chart(days: Sequence[Day], currency: str) -> dict[str, Any]:
    return {
        "name": _("Cash missing"),
        "unit": currency,
        "step": False,
        "points": [[day.on.isoformat(), float(day.short)] for day in days],
    }


# --- many futures -------------------------------------------------------------------------------


def _buckets(verdict: Verdict) -> list[Bucket]:
    """Return how the losses lie: none, then ten equal steps up to the worst."""
    losses = np.round(verdict.total_loss, 2)
    none = Bucket(ZERO, int((losses == 0).sum()))
    if none.count == len(losses):
        return [none]
    counts, edges = np.histogram(losses[losses > 0], bins=BUCKETS, range=(0, losses.max()))
    steps = zip(edges[1:], counts, strict=True)
    return [none, *(Bucket(_cents(edge), int(number)) for edge, number in steps)]


def _losses_table(buckets: Sequence[Bucket], currency: str) -> Table:
    return Table(
        key="losses",
        title=_("How the losses lie"),
        columns=[
            columns.amount(_("Lost, up to"), "up_to", currency),
            columns.count(_("Futures"), "count"),
        ],
        rows=buckets,
        empty=_("No future was drawn."),
    )


def _losses_chart(buckets: Sequence[Bucket]) -> dict[str, Any]:
    return bars(
        names=[
            formats.large_money(one.up_to) if one.up_to else _("nothing lost") for one in buckets
        ],
        series=[(_("Futures"), "band-called", [Decimal(one.count) for one in buckets])],
        unit=_("futures"),
    )

"""Scenarios of prices: a crisis replayed on today's prices, or futures drawn from the past.

All return factors, price over today's price: scenarios (or days) × commodities, in floats. A series
that says nothing about a window takes the mean move of the others of its class, and is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from risk.histories import PriceHistory
from risk.pledge_rates import modelled_prices, walk_forward

Floats = npt.NDArray[np.float64]
_OLDEST = 2500  # rows of the past that futures are drawn from, ten years
_LEAST = 250  # rows that a scale needs


@dataclass(frozen=True, slots=True)
class Crisis:
    """A stretch of the past that is told again."""

    code: str
    name: str | Promise
    first: date
    last: date


CRISES = (
    Crisis(
        "2008",
        _("Financial crisis, July to December 2008"),
        date(2008, 7, 3),
        date(2008, 12, 31),
    ),
    Crisis(
        "2014",
        _("Fall of oil and metals, June 2014 to February 2016"),
        date(2014, 6, 20),
        date(2016, 2, 11),
    ),
    Crisis("2020", _("Pandemic, January to April 2020"), date(2020, 1, 6), date(2020, 4, 28)),
)


@dataclass(frozen=True, slots=True)
class Futures:
    """Factors by scenario and commodity, in the order asked for.

    days: the day of each scenario, where they are days of a replay. borrowed: the commodities
    that have no series of their own there and follow their class.
    """

    factors: Floats
    days: tuple[date, ...] = ()
    borrowed: tuple[int, ...] = ()


def replay(
    histories: Mapping[int, PriceHistory], classes: Mapping[int, str], crisis: Crisis
) -> Futures:
    """Return the crisis day by day, from its first day's prices to its last.

    Commodities as in `classes` (commodity → class), the columns' order. A price that fell to zero
    or below is zero: there is nothing to lend on.
    """
    inside = {pk: _within(histories[pk], crisis) if pk in histories else {} for pk in classes}
    days = sorted({day for moves in inside.values() for day in moves})
    columns = {pk: _carried(moves, days) for pk, moves in inside.items() if moves}
    factors, borrowed = _filled(columns, classes, len(days))
    return Futures(factors, tuple(days), borrowed)


def _within(history: PriceHistory, crisis: Crisis) -> dict[date, float]:
    """Return price over the price on the crisis's first day; nothing without one."""
    first = history.first_row(crisis.first)
    stop = history.first_row(crisis.last)
    rows = range(max(first - 1, 0), min(stop + 1, len(history.days)))
    known = [row for row in rows if history.days[row] <= crisis.last]
    if not known or (history.days[known[0]] - crisis.first).days > 7:
        return {}
    start = history.values[known[0]]
    if start <= 0:
        return {}
    return {
        max(history.days[row], crisis.first): max(history.values[row], 0.0) / start for row in known
    }


def _carried(moves: Mapping[date, float], days: Sequence[date]) -> Floats:
    """Return the factor of every day; between prices, the last one."""
    column, last = np.empty(len(days)), 1.0
    for row, day in enumerate(days):
        last = moves.get(day, last)
        column[row] = last
    return column


def draw(
    histories: Mapping[int, PriceHistory],
    classes: Mapping[int, str],
    *,
    horizon: int,
    count: int,
    seed: int,
) -> Futures:
    """Draw futures `horizon` trading days ahead: past moves of one day together, scaled to today.

    Filtered historical simulation over joint dates: a drawn day u gives every commodity its own
    R_u / (s_u √h) · s_now √h, so that what fell together then falls together here; scales s as in
    the rate model (risk.md 2.1). The same seed draws the same futures.
    """
    standard = {
        pk: _standardised(histories[pk], horizon)
        for pk in classes
        if pk in histories and len(histories[pk].days) > _LEAST + horizon
    }
    days = sorted({day for moves in standard.values() for day in moves})[-_OLDEST:]
    if not days:
        return Futures(np.ones((count, len(classes))), borrowed=tuple(classes))
    picks = np.random.default_rng(seed).integers(len(days), size=count)
    columns = {
        pk: np.exp(np.array([moves.get(day, 0.0) for day in days])[picks])
        for pk, moves in standard.items()
    }
    factors, borrowed = _filled(columns, classes, count)
    return Futures(factors, borrowed=borrowed)


def _standardised(history: PriceHistory, horizon: int) -> dict[date, float]:
    """Return the log move over the horizon from each day on, scaled to today's scale."""
    logs = np.log(modelled_prices(history.prices))
    scale = walk_forward(history.prices).scale
    moves = (logs[horizon:] - logs[:-horizon]) / scale[:-horizon] * scale[-1]
    return {
        day: float(move)
        for day, move in zip(history.days, moves, strict=False)
        if np.isfinite(move)
    }


def _filled(
    columns: Mapping[int, Floats], classes: Mapping[int, str], rows: int
) -> tuple[Floats, tuple[int, ...]]:
    """Return one column a commodity; those without one follow the mean log move of their class."""
    borrowed = tuple(pk for pk in classes if pk not in columns)
    return np.column_stack(
        [columns[pk] if pk in columns else _peers(columns, classes, pk, rows) for pk in classes]
    ) if classes else np.ones((rows, 0)), borrowed


def _peers(columns: Mapping[int, Floats], classes: Mapping[int, str], pk: int, rows: int) -> Floats:
    peers = [column for other, column in columns.items() if classes[other] == classes[pk]]
    chosen = peers or list(columns.values())
    if not chosen:
        return np.ones(rows)
    logs = np.log(np.maximum(np.column_stack(chosen), 1e-9))
    return np.asarray(np.exp(logs.mean(axis=1)))

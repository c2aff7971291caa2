"""How a cut of the pledge rate reaches loans that are outstanding: by a glide, day by day.

Drawing and release go by the rate that is published (the live rate) at once. The lines at which a
loan that stands is watched and called go by the glided rate, the mean of what was live on the last
`glide_days` weekdays: a cut by a counts in full on the n-th of n days, a/n more on each of them. A
rise needs no glide, so the glided rate is never below the live one. A fall of the price has none:
values are always at the live price, and a live rate of zero (a price at or below zero, none, or a
stale one) is zero at once. The function `risk_quotes` computes the same.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

STEP = Decimal("0.000001")


def glide_window(as_of: date, days: int) -> list[date]:
    """Return the last `days` weekdays up to a date, the latest first; a weekend ends on Friday."""
    window: list[date] = []
    while len(window) < days:
        if as_of.weekday() < 5:
            window.append(as_of)
        as_of -= timedelta(days=1)
    return window


def glided_rate(live: Decimal, window: Sequence[Decimal]) -> Decimal:
    """Return the rate that lines go by, from the live one and those live on the window's days.

    Days before a commodity's first rate are left out of the window.
    """
    if live == 0 or not window:
        return live
    mean = (sum(window, Decimal(0)) / len(window)).quantize(STEP, rounding=ROUND_HALF_UP)
    return max(live, mean)

"""Cover: exposure against market and lending value, and what the difference means.

Formulas: domain.md, "Bands of a facility". With default lines w = θ + (1−θ)/3 and
c = θ + 2(1−θ)/3 the line values are linear in the totals: Σ wV = ΣLV + (ΣV − ΣLV)/3, where
θ is the glided rate (risk/glide.py), so that a cut of the rate alone moves them slowly.
The SQL function `pledges_cover` computes the same; a test holds the two equal.
"""

from dataclasses import dataclass
from decimal import Decimal

from pledges.states import Band

THIRD = Decimal(3)


@dataclass(frozen=True, slots=True)
class Cover:
    """How one facility stands at one instant; amounts in the facility's currency.

    glided_value: the lending value at the glided rates, which only the lines go by.
    """

    exposure: Decimal
    market_value: Decimal
    lending_value: Decimal
    band: Band
    limit: Decimal = Decimal(0)
    glided_value: Decimal = Decimal(0)

    @property
    def shortfall(self) -> Decimal:
        """Return the cash that would cover the facility: max(0, E − ΣLV)."""
        return max(Decimal(0), self.exposure - self.lending_value)

    @property
    def headroom(self) -> Decimal:
        """Return what may still be drawn: min(limit, ΣLV) − E, never below zero."""
        return max(Decimal(0), min(self.limit, self.lending_value) - self.exposure)

    @property
    def ratio(self) -> Decimal | None:
        """Return the coverage ΣLV ÷ E, or None while nothing is owed."""
        return self.lending_value / self.exposure if self.exposure else None


def line_values(
    *,
    market_value: Decimal,
    lending_value: Decimal,
    watch_line: Decimal | None,
    call_line: Decimal | None,
    glided_value: Decimal = Decimal(0),
) -> tuple[Decimal, Decimal]:
    """Return (Σ wV, Σ cV): the exposures at which watch ends and close-out begins.

    A facility's own lines are shares of market value; they never lie below the lending value, nor
    below the glided one.
    """
    base = max(lending_value, glided_value)
    gap = market_value - base
    watch = base + gap / THIRD if watch_line is None else market_value * watch_line
    call = base + gap * 2 / THIRD if call_line is None else market_value * call_line
    watch = max(watch, base)
    return watch, max(call, watch)


def band_of(
    *, exposure: Decimal, lending_value: Decimal, watch_value: Decimal, call_value: Decimal
) -> Band:
    """Return the band of an exposure; a line itself still belongs to the calmer band."""
    if exposure <= lending_value:
        return Band.COVERED
    if exposure <= watch_value:
        return Band.WATCH
    return Band.CALLED if exposure <= call_value else Band.CLOSE_OUT


def goods_needed(*, shortfall: Decimal, rate: Decimal) -> Decimal:
    """Return the market value of goods that cures a shortfall: (E − ΣLV) ÷ r.

    Measuring a cure at full value under-cures: the goods lend only r of what they are worth.
    """
    if rate <= 0:
        raise ValueError("goods that lend nothing cure nothing")
    return shortfall / rate


def price_drop_to(*, rate: Decimal, line: Decimal) -> Decimal:
    """Return the fall from drawdown that reaches a line, as a share of the price: 1 − θ/w."""
    return 1 - rate / line

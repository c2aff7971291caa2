"""How fast goods sell, how sure that is, and when a stock will be sold out.

Sales come in lumps. Recent ones count more: a lump of age d days weighs 2^(−d ÷ half-life). With
the weighted number of lumps N and the weighted days T, the rate of lumps is Gamma(N + ½, T)
(Jeffreys: half a lump of prior knowledge). A stock of n lumps is sold out after a Gamma(n) number
of lump-times, so the days are T × BetaPrime(n, N + ½), whose quantiles are known in closed form. A
lump is Σq² ÷ Σq, the size by which uneven sales count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from scipy.special import betaincinv

HISTORY_DAYS = 180
HALF_LIFE_DAYS = 45
PRIOR_LUMPS = Decimal("0.5")
LONGEST = Decimal(9_999)
TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Sale:
    """Goods that left for a buyer on a day, in the item's unit."""

    on: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Turnover:
    """What is known of an item's sales: the data, and the rate it supports.

    `history_days` is how long the item was watched, `weighted_days` what of it counts.
    """

    history_days: int
    sales: int
    quantity: Decimal
    lump: Decimal
    weighted_lumps: Decimal
    weighted_days: Decimal

    @property
    def a_day(self) -> Decimal:
        """Return the expected quantity a day; zero if nothing was ever sold."""
        if not self.quantity:
            return Decimal(0)
        lumps = self.weighted_lumps + PRIOR_LUMPS
        return (lumps * self.lump / self.weighted_days).quantize(Decimal("0.000001"))

    def days(self, stock: Decimal, share: str) -> Decimal | None:
        """Return the days within which the stock sells out with this probability ("0.1").

        None if nothing was ever sold; 9,999 at most.
        """
        if not self.quantity:
            return None
        if stock <= 0:
            return Decimal(0)
        lumps = float(stock / self.lump)
        found = betaincinv(lumps, float(self.weighted_lumps + PRIOR_LUMPS), float(share))
        if found >= 1:
            return LONGEST
        days = float(self.weighted_days) * float(found) / (1 - float(found))
        return min(LONGEST, Decimal(repr(days)).quantize(TENTH))


@dataclass(frozen=True, slots=True)
class SellOut:
    """Days until a stock is sold out: early (one chance in ten), likely, late; None if never."""

    early: Decimal | None
    likely: Decimal | None
    late: Decimal | None


def turnover_of(sales: Sequence[Sale], *, first_on: date, on: date) -> Turnover:
    """Return what the sales of the last half year say, of an item watched since `first_on`.

    The day itself counts: sales of `on` are the newest.
    """
    days = min(HISTORY_DAYS, (on - first_on).days + 1)
    seen = [sale for sale in sales if 0 <= (on - sale.on).days < days and sale.quantity > 0]
    quantity = sum((sale.quantity for sale in seen), Decimal(0))
    squares = sum((sale.quantity * sale.quantity for sale in seen), Decimal(0))
    lump = (squares / quantity).quantize(Decimal("0.000001")) if quantity else Decimal(0)
    weighted = sum((sale.quantity * _weight((on - sale.on).days) for sale in seen), Decimal(0))
    return Turnover(
        history_days=max(days, 1),
        sales=len(seen),
        quantity=quantity,
        lump=lump,
        weighted_lumps=(weighted / lump).quantize(Decimal("0.000001")) if lump else Decimal(0),
        weighted_days=_weighted_days(max(days, 1)),
    )


def sell_out_of(turnover: Turnover, stock: Decimal) -> SellOut:
    """Return when a stock will be sold out, with its uncertainty."""
    return SellOut(*(turnover.days(stock, share) for share in ("0.1", "0.5", "0.9")))


def _weight(age_days: int) -> Decimal:
    return Decimal(2) ** (-Decimal(age_days) / HALF_LIFE_DAYS)


def _weighted_days(days: int) -> Decimal:
    """Return Σ 2^(−d ÷ half-life) over the days watched."""
    step = _weight(1)
    return ((1 - step**days) / (1 - step)).quantize(Decimal("0.000001"))

"""What a change of a margin call's need is made of: cash, goods, price, charges, a write-off.

Between two lines of a call's history the market moves first (lending value by prices, rates and
time; exposure by interest and fees), then an act may change both. Need = max(0, E − ΣLV), so the
parts sum to the fall of the need exactly; what an act brought beyond the need cured nothing.
"""

from dataclasses import dataclass
from decimal import Decimal

from pledges.rules.cover import Cover
from pledges.states import Cure

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """Exposure and lending value at one instant."""

    exposure: Decimal
    lending_value: Decimal

    @property
    def need(self) -> Decimal:
        """Return max(0, E − ΣLV)."""
        return max(ZERO, self.exposure - self.lending_value)


@dataclass(frozen=True, slots=True)
class Parts:
    """How much of the need each cause took away; negative where it added to it."""

    cash: Decimal = ZERO
    goods: Decimal = ZERO
    price: Decimal = ZERO
    charges: Decimal = ZERO
    write_off: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Return by how much the need fell."""
        return self.cash + self.goods + self.price + self.charges + self.write_off

    @property
    def cure(self) -> Cure:
        """Name what cured: the act's cash, goods or both, a write-off, or else the price."""
        if self.cash > 0 and self.goods > 0:
            return Cure.MIXED
        if self.cash > 0:
            return Cure.CASH
        if self.goods > 0:
            return Cure.GOODS
        return Cure.WRITE_OFF if self.write_off > 0 else Cure.PRICE


def standing_of(cover: Cover) -> Standing:
    """Return what of a cover the need depends on."""
    return Standing(cover.exposure, cover.lending_value)


def parts_of_act(*, last: Standing, before: Standing, after: Standing, cash_only: bool) -> Parts:
    """Return the parts of a change by an act that was measured before and after itself.

    cash_only: the act only collected or applied money; what that did to the lending value is cash.
    What an act adds to the exposure (a fee, money drawn in a sale) is a charge.
    """
    cash = before.exposure - after.exposure
    goods = after.lending_value - before.lending_value
    if cash_only:
        cash, goods = cash + goods, ZERO
    charges = last.exposure - before.exposure
    if cash < 0:
        cash, charges = ZERO, charges + cash
    parts = Parts(cash, goods, before.lending_value - last.lending_value, charges)
    return _without_excess(parts, last.need - after.need)


def parts_of_move(
    *, last: Standing, after: Standing, paid: Decimal = ZERO, write_off: Decimal = ZERO
) -> Parts:
    """Return the parts of a change without an act on goods.

    It is the market's, and a payment's or a write-off's if there was one.
    """
    parts = Parts(
        cash=paid,
        price=after.lending_value - last.lending_value,
        charges=last.exposure - after.exposure - paid - write_off,
        write_off=write_off,
    )
    return _without_excess(parts, last.need - after.need)


def _without_excess(parts: Parts, fall: Decimal) -> Parts:
    """Take what was more than enough off the parts that came last."""
    excess = parts.total - fall
    kept = {}
    for name in ("write_off", "goods", "cash", "price", "charges"):
        part = getattr(parts, name)
        taken = max(ZERO, min(excess, part))
        kept[name] = part - taken
        excess -= taken
    return Parts(**kept)

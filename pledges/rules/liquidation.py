"""How much must be sold so that the rest covers what is still owed.

A unit is worth v, lends ℓ = θv and brings p = s v after the costs of selling it. Selling q units
leaves exposure E − qp against lending value ΣLV − qℓ, so that E' ≤ ΣLV' needs
q (p − ℓ) ≥ E − ΣLV: each unit closes the gap by what it brings beyond what it lent. Where s ≤ θ
selling closes nothing, and all of it is for sale.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from math import ceil

from common.money import MINOR_UNITS, minor_step
from risk.units import get_unit

CENT = Decimal("0.01")
FINE = Decimal("0.001")
ZERO = Decimal(0)
ROUNDING = Fraction(2, 100)
MOST_TRIED = 4096


def smallest_part(unit: str) -> Decimal:
    """Return the smallest quantity that is sold of a unit: a cent, a piece, a thousandth."""
    if unit in MINOR_UNITS:  # a money claim, counted in its currency
        return minor_step(unit)
    return Decimal(1) if get_unit(unit).measure == "count" else FINE


def restoring_quantity(
    *, shortfall: Decimal, price: Decimal, lending: Decimal, step: Decimal
) -> Decimal:
    """Return the smallest multiple of `step` whose sale restores the cover.

    `price` is what a unit brings after costs, `lending` its lending value. The price is counted
    down to the cent and the lending value up, as the books and the cover do. ValueError where a
    unit brings no more than it lends: no quantity restores then.
    """
    if price <= lending:
        raise ValueError("what brings no more than it lends restores nothing")
    gain = (Fraction(price) - Fraction(lending)) * Fraction(step)
    fewest = max(ceil(Fraction(shortfall) / gain), 0)
    # Rounding costs less than a cent on either side, so that two cents more are always enough.
    enough = max(ceil((Fraction(shortfall) + ROUNDING) / gain), 0)
    for count in range(fewest, min(enough, fewest + MOST_TRIED)):
        if closes(count * step, price=price, lending=lending) >= shortfall:
            return count * step
    return enough * step


def closes(quantity: Decimal, *, price: Decimal, lending: Decimal) -> Decimal:
    """Return by how much selling a quantity closes a shortfall, to the cent, never too much."""
    brought = (quantity * price).quantize(CENT, rounding=ROUND_FLOOR)
    lent = (quantity * lending).quantize(CENT, rounding=ROUND_CEILING)
    return brought - lent


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that may be sold: how much there is of it, and what one unit brings and lends."""

    key: Hashable
    quantity: Decimal
    step: Decimal
    market: Decimal
    lending: Decimal
    net_share: Decimal

    @property
    def price(self) -> Decimal:
        """What a unit brings after the costs of selling it."""
        return self.market * self.net_share

    @property
    def helps(self) -> bool:
        """Whether selling it closes a shortfall at all: s > θ."""
        return self.price > self.lending


@dataclass(frozen=True, slots=True)
class Plan:
    """What to sell; `left` is the shortfall that remains if even all of it does not restore."""

    parts: tuple[tuple[Asset, Decimal], ...]
    shortfall: Decimal
    left: Decimal

    @property
    def restores(self) -> bool:
        """Whether the cover is restored by it."""
        return self.left == 0

    def quantity_of(self, key: Hashable) -> Decimal:
        """Return how much of one asset the plan sells."""
        return sum((quantity for asset, quantity in self.parts if asset.key == key), ZERO)


def restoring_plan(assets: Sequence[Asset], *, shortfall: Decimal) -> Plan:
    """Return the least that restores, what gives most per unit of market value first.

    If all that helps together does not restore, everything is for sale: the plan names all of
    every asset, and what would still be missing.
    """
    if shortfall <= 0:
        return Plan((), ZERO, ZERO)
    helpful = [asset for asset in assets if asset.helps and asset.quantity > 0]
    helpful.sort(key=lambda asset: (asset.price - asset.lending) / asset.market, reverse=True)
    left, parts = shortfall, []
    for asset in helpful:
        needed = restoring_quantity(
            shortfall=left, price=asset.price, lending=asset.lending, step=asset.step
        )
        quantity = min(needed, asset.quantity)
        parts.append((asset, quantity))
        left = max(ZERO, left - closes(quantity, price=asset.price, lending=asset.lending))
        if left == 0:
            return Plan(tuple(parts), shortfall, ZERO)
    everything = tuple((asset, asset.quantity) for asset in assets if asset.quantity > 0)
    return Plan(everything, shortfall, left)

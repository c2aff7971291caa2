"""Terms: what one unit of a thing weighs in each price basis."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

STEP = Decimal("0.000000000001")


@dataclass(frozen=True, slots=True)
class Term:
    """Weight of one unit in one basis: for its market value, and for its lending value."""

    basis_id: int
    market_per_unit: Decimal
    lending_per_unit: Decimal


@dataclass(frozen=True, slots=True)
class Content:
    """A commodity in one unit of an item, in the commodity's own base unit."""

    basis_id: int
    quantity: Decimal


def term(basis_id: int, market: Decimal, rate: Decimal) -> Term:
    """Return a term at the stored precision; the lending side is cut, never rounded up."""
    weight = market.quantize(STEP, rounding=ROUND_HALF_EVEN)
    return Term(basis_id, weight, min(weight, (weight * rate).quantize(STEP, rounding=ROUND_DOWN)))


def terms_of_goods(
    *,
    contents: Iterable[Content],
    rate_factor: Decimal,
    premium: Decimal,
    premium_rate: Decimal,
    money_basis_id: int,
    quality_deduction: Decimal,
) -> list[Term]:
    """Return the terms of one unit of an item: Σ content × commodity + premium.

    Everything is cut by the quality deduction first (domain.md, lending value). Commodity
    content lends at the pledge rate × `rate_factor` (g (1 − δ), risk.md 2.1 step 6), the
    premium at its own fixed rate in the money basis.
    """
    kept = 1 - quality_deduction
    terms = [term(content.basis_id, content.quantity * kept, rate_factor) for content in contents]
    if premium:
        terms.append(term(money_basis_id, premium * kept, premium_rate))
    return [one for one in terms if one.market_per_unit > 0]


def terms_of_money(*, money_basis_id: int, advance_rate: Decimal) -> list[Term]:
    """Return the terms of one currency unit of a claim that lends at a fixed advance rate."""
    return [term(money_basis_id, Decimal(1), advance_rate)]

"""Pure calculations on orders: what a line costs, how stages split, what a delivery discharges."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.exact import EXACT
from common.money import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    allocate,
    minor_step,
    round_money,
)

ZERO = Decimal(0)
PRICE_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class StageAmounts:
    """What is due to the supplier at one stage, and who pays which part of it."""

    amount: Decimal
    lender_amount: Decimal

    @property
    def own_amount(self) -> Decimal:
        """Return the buyer's own part."""
        return self.amount - self.lender_amount


def is_price(price: Decimal) -> bool:
    """Tell whether a unit price is positive and has at most 8 decimals."""
    return price.is_finite() and price > 0 and price == EXACT.quantize(price, PRICE_STEP)


def line_amount(quantity: Decimal, unit_price: Decimal, currency: str) -> Decimal:
    """Return what a line costs in whole minor units; halves go up, as invoices are written."""
    return round_money(EXACT.multiply(quantity, unit_price), currency, ROUND_HALF_UP)


def split_stages(
    amount: Decimal, *, share: Decimal, fractions: Sequence[Decimal], currency: str
) -> list[StageAmounts]:
    """Split an order's amount by stages (largest remainder), and each stage between the payers.

    The lender's part is `share` of the stage, rounded to the minor unit; the rest is the buyer's,
    so that the two make the stage and the stages make the order, to the cent.
    """
    parts = allocate(amount, fractions, step=minor_step(currency))
    return [
        StageAmounts(part, round_money(EXACT.multiply(part, share), currency, ROUND_HALF_EVEN))
        for part in parts
    ]


def value_received(
    line_amount: Decimal, *, ordered: Decimal, received: Decimal, currency: str
) -> Decimal:
    """Return the value of what was received of a line so far; all of it is the line's amount.

    Cut to the minor unit and counted from the start of the line: the values of its deliveries
    sum to the amount, however many there are.
    """
    if received == ordered:
        return line_amount
    exact = EXACT.divide(EXACT.multiply(line_amount, received), ordered)
    return round_money(exact, currency, ROUND_DOWN)


def discharged(
    remaining: Decimal, *, arriving: Decimal, awaited: Decimal, step: Decimal
) -> Decimal:
    """Return how much of a claim a delivery discharges: remaining × arriving ÷ awaited.

    `awaited` is the value of all that was still to come before the delivery. Cut to the step;
    the delivery that brings all that is awaited takes what remains, exactly.
    """
    if arriving >= awaited:
        return remaining
    exact = EXACT.divide(EXACT.multiply(remaining, arriving), awaited)
    return exact.quantize(step, rounding=ROUND_DOWN, context=EXACT)


def claim_on_payment(
    paid: Decimal, *, awaited: Decimal, ordered: Decimal, currency: str
) -> Decimal:
    """Return the claim on the supplier that a payment makes: the share of goods not yet delivered.

    What was delivered before is in the pool as goods and must not count a second time.
    """
    return round_money(EXACT.divide(EXACT.multiply(paid, awaited), ordered), currency, ROUND_DOWN)

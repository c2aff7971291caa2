"""Pure calculations of credit: who is paid first, what accrues, what may still be drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from common.daycounts import DayCount, year_fraction
from common.exact import EXACT
from common.money import ROUND_HALF_UP, round_money
from lending.states import Component

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Debt:
    """What one loan owes, by component."""

    loan_id: int
    owed: Mapping[Component, Decimal]


@dataclass(frozen=True, slots=True)
class Share:
    """The part of an amount that pays one component of one loan."""

    loan_id: int
    component: Component
    amount: Decimal


def total_owed(debts: Iterable[Debt]) -> Decimal:
    """Return the sum of all components of all debts."""
    return sum((part for debt in debts for part in debt.owed.values()), ZERO)


def share_out(
    amount: Decimal, debts: Sequence[Debt], waterfall: Sequence[Component]
) -> list[Share]:
    """Pay component by component in the waterfall's order, within one the earlier debt first.

    The shares sum to `amount`; ValueError if it is more than all debts together.
    """
    left = amount
    shares = []
    for component in waterfall:
        for debt in debts:
            part = min(left, debt.owed.get(component, ZERO))
            if part > 0:
                shares.append(Share(debt.loan_id, component, part))
                left -= part
    if left:
        raise ValueError(f"{left} is left over after all debts")
    return shares


def is_complete_waterfall(waterfall: Sequence[str]) -> bool:
    """Return whether the order names every component once: money must not pass one by."""
    return sorted(waterfall) == sorted(Component.values)


@dataclass(frozen=True, slots=True)
class Accrual:
    """The terms and the state of a loan's interest: enough to count it to any later day.

    `interest_base` and `penalty_base` are the unrounded interest of the time before
    `accrues_from`; since then the principal has stood as it is.
    """

    principal: Decimal
    annual_rate: Decimal
    penalty_rate: Decimal
    day_count: DayCount
    accrues_from: date
    due_on: date
    stops_on: date | None
    interest_base: Decimal = ZERO
    penalty_base: Decimal = ZERO

    def interest_through(self, day: date) -> Decimal:
        """Return the unrounded interest since drawing: base + principal × rate × year fraction."""
        return self.interest_base + self._of_period(self.annual_rate, self.accrues_from, day)

    def penalty_through(self, day: date) -> Decimal:
        """Return the unrounded penalty since drawing; it runs from the due date, on principal.

        A payment on the due date is in time, one on the day after is one day late.
        """
        late_from = max(self.accrues_from, self.due_on)
        return self.penalty_base + self._of_period(self.penalty_rate, late_from, day)

    def _of_period(self, rate: Decimal, start: date, day: date) -> Decimal:
        fraction = counted_fraction(self.day_count, start, counted_until(day, self.stops_on))
        times_days = EXACT.multiply(
            EXACT.multiply(self.principal, rate), Decimal(fraction.numerator)
        )
        # Division last: a third of 0.015 is a half cent, but 0.015 times 0.333… falls below it.
        return EXACT.divide(times_days, Decimal(fraction.denominator))


def counted_until(day: date, stops_on: date | None) -> date:
    """Return the last day that interest is counted to: the stop date, once it is reached."""
    return day if stops_on is None else min(day, stops_on)


def counted_fraction(convention: DayCount | str, start: date, end: date) -> Fraction:
    """Return the part of a year from `start` to `end`; nothing for a period not yet begun."""
    return year_fraction(convention, start, end) if start < end else Fraction(0)


def payable(exact: Decimal, currency: str) -> Decimal:
    """Return accrued interest in minor units; halves go up, as the accrual's SQL rounds."""
    return round_money(exact, currency, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How a facility's limit is used at one moment, all in its currency."""

    limit: Decimal
    exposure: Decimal
    undrawn: Decimal = ZERO

    def above(self, asked: Decimal) -> Decimal:
        """Return by how much the limit would be passed; nothing if it would not."""
        return max(ZERO, self.exposure + self.undrawn + asked - self.limit)


def within_tolerance(debt: Debt, tolerance: Decimal) -> bool:
    """Return whether a rest is small enough to be let go by rule."""
    return ZERO < total_owed([debt]) <= tolerance

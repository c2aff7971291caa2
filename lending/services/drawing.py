"""Put a drawing on a loan: what a payment out and a refinancing have in common."""

from datetime import date
from decimal import Decimal

from lending.models import Facility, Loan
from lending.refusals import (
    AboveAgreed,
    AboveLimit,
    AlreadyCounted,
    FacilityNotActive,
    LoanNotDrawable,
    require_payable,
)
from lending.rules import LimitUse
from lending.states import DRAWABLE, FacilityState, LoanState


def require_drawable(facility: Facility, loan: Loan, amount: Decimal) -> None:
    """Refuse a drawing that neither facility nor loan allow, whatever the day and the limit."""
    if facility.state != FacilityState.ACTIVE:
        raise FacilityNotActive.of(facility)
    if loan.state not in DRAWABLE:
        raise LoanNotDrawable.of(loan)
    require_payable(amount, facility.currency)
    if amount > loan.undrawn:
        raise AboveAgreed.of(loan, loan.undrawn, amount, facility.currency)


def require_below_limit(facility: Facility, amount: Decimal) -> None:
    """Refuse a drawing that would lift exposure above the limit; exposure must be fresh.

    Other loans' undrawn amounts do not count here: they were promised room when agreed, and
    interest that has used it up meanwhile is refused to whoever draws last.
    """
    use = LimitUse(facility.limit, facility.exposure)
    if use.above(amount):
        raise AboveLimit.of(use, amount, facility.currency)


def draw(loan: Loan, amount: Decimal, *, on: date) -> None:
    """Raise what the loan has drawn and owes, from a day on that its interest is counted to.

    Saves the loan; the caller holds the facility's lock, posts to the ledger and refreshes the
    exposure. Raises LoanNotDrawable past the due date, AlreadyCounted for too early a day.
    """
    if on > loan.due_on:
        raise LoanNotDrawable.of(loan)
    earliest = loan.accrued_through or loan.agreed_on
    if on < earliest:
        raise AlreadyCounted.of(loan, on, earliest=earliest, field="on")
    change_principal(loan, amount, on=on)
    loan.drawn += amount
    if loan.state == LoanState.AGREED:
        loan.draw()
    loan.save()


def change_principal(loan: Loan, by: Decimal, *, on: date) -> None:
    """Raise or cut the principal, closing the period over which it stood; does not save.

    Interest must be counted exactly to `on`, or never have begun.
    """
    if loan.accrues_from is None:
        loan.accrued_through = on
    else:
        terms = loan.accrual
        loan.interest_exact = terms.interest_through(on)
        loan.penalty_exact = terms.penalty_through(on)
    loan.accrues_from = on
    loan.owed_principal += by

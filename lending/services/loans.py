"""Agree a loan under a facility, give up what is not drawn, stop its interest."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from common.errors import constraint_refusals
from lending.models import Facility, Loan
from lending.refusals import (
    AboveLimit,
    AlreadyCounted,
    FacilityNotActive,
    FacilityPastMaturity,
    LoanStillOwes,
    NotInThisFacility,
    NumberTaken,
    ProductNotAllowed,
    TermsUnsound,
    require_payable,
)
from lending.rules import ZERO
from lending.services.acts import Trace, lock_facility, require_lender
from lending.services.exposure import limit_use
from lending.states import DisbursementState, FacilityState, LoanState
from parties.actors import Actor
from parties.roles import Role


def agree_loan(
    *,
    facility: Facility,
    product: str,
    principal: Decimal,
    due_on: date,
    on: date,
    actor: Actor,
    now: datetime,
    number: str | None = None,
    annual_rate: Decimal | None = None,
    refinances: Sequence[Loan] = (),
) -> Loan:
    """Agree a loan; the limit must hold it beside exposure and what else is agreed and undrawn.

    `annual_rate` is the facility's unless stated; `number` is made from the facility's code.
    What the loan is to repay (`refinances`) does not count beside it. Raises FacilityNotActive,
    FacilityPastMaturity, ProductNotAllowed, AboveLimit, NotAnAmount, NumberTaken, NotYourFacility.
    """
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.PREPARER, Role.APPROVER)
        _require_room(locked, product, principal, on=on, due_on=due_on, refinances=refinances)
        loan = _insert_loan(
            locked,
            number=number,
            product=product,
            principal=principal,
            annual_rate=locked.annual_rate if annual_rate is None else annual_rate,
            agreed_on=on,
            due_on=due_on,
        )
        detail = {"facility": locked.code, "loan": loan.number, "principal": principal}
        Trace(locked.tenant_id, actor, now, on).leave(
            loan, action="agree_loan", topic="loan_agreed", detail=detail
        )
        return loan


def _require_room(
    facility: Facility,
    product: str,
    principal: Decimal,
    *,
    on: date,
    due_on: date,
    refinances: Sequence[Loan],
) -> None:
    if facility.state != FacilityState.ACTIVE:
        raise FacilityNotActive.of(facility)
    if product not in facility.products:
        raise ProductNotAllowed.of(facility, product)
    require_payable(principal, facility.currency, field="principal")
    for field, day in (("on", on), ("due_on", due_on)):
        if not facility.opened_on <= day <= facility.matures_on:
            raise FacilityPastMaturity.of(facility, day, field=field)
    if due_on <= on:
        raise TermsUnsound(message=f"due on {due_on}, not after {on}", field="due_on")
    use = limit_use(facility, on=on, replaced=min(principal, _owed_by(facility, refinances)))
    if use.above(principal):
        raise AboveLimit.of(use, principal, facility.currency)


def _owed_by(facility: Facility, loans: Sequence[Loan]) -> Decimal:
    """Return what loans of the facility owe now, read under its lock."""
    for loan in loans:
        if loan.facility_id != facility.pk:
            raise NotInThisFacility.of(loan, facility)
    own = facility.loans.filter(pk__in=[loan.pk for loan in loans])
    return sum((loan.owed_total for loan in own), ZERO)


def _insert_loan(facility: Facility, *, number: str | None, **columns: Any) -> Loan:
    chosen = number or _next_number(facility)
    with constraint_refusals(
        {"loan_number_unique": lambda: NumberTaken.of(chosen, field="number")}
    ):
        return Loan.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            number=chosen,
            penalty_rate=facility.penalty_rate,
            **columns,
        )


def _next_number(facility: Facility) -> str:
    """Count the facility's loans; a long code would not fit before the count."""
    prefix = facility.code if len(facility.code) <= 25 else f"F{facility.pk}"
    return f"{prefix}-{facility.loans.count() + 1:04d}"


def cancel_loan(*, loan: Loan, reason: str, actor: Actor, now: datetime) -> Loan:
    """Give up a loan of which nothing was drawn, with its open payment requests.

    Raises LoanStillOwes (a fee was charged) and TransitionRefused (it was drawn).
    """
    with transaction.atomic():
        facility = lock_facility(loan.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.APPROVER)
        locked = facility.loans.get(pk=loan.pk)
        if locked.owed_total:
            raise LoanStillOwes.of(locked, facility.currency)
        locked.cancel()
        locked.save(update_fields=["state"])
        _refuse_requests(locked, reason)
        Trace(facility.tenant_id, actor, now).leave(
            locked,
            action="cancel_loan",
            topic="loan_cancelled",
            detail={"facility": facility.code, "loan": locked.number},
            reason=reason,
        )
        return locked


def give_up_undrawn(*, loan: Loan, on: date, reason: str, actor: Actor, now: datetime) -> Loan:
    """Cut the agreed amount of a drawn loan down to what was drawn; the limit is free again.

    A loan that owes nothing is repaid by that. TransitionRefused if it was never drawn (cancel
    it instead) or is finished.
    """
    with transaction.atomic():
        facility = lock_facility(loan.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.APPROVER)
        locked = facility.loans.get(pk=loan.pk)
        if locked.state == LoanState.AGREED:
            return cancel_loan(loan=locked, reason=reason, actor=actor, now=now)
        given_up = locked.undrawn
        if locked.owed_total == 0:
            locked.finish()
        # All payments may have come back from the bank: an agreed amount is never nothing.
        locked.principal = locked.drawn or locked.principal
        locked.save(update_fields=["principal", "state"])
        _refuse_requests(locked, reason)
        Trace(facility.tenant_id, actor, now, on).leave(
            locked,
            action="give_up_undrawn",
            topic="undrawn_given_up",
            detail={"facility": facility.code, "loan": locked.number, "given_up": given_up},
            reason=reason,
        )
        return locked


def _refuse_requests(loan: Loan, reason: str) -> None:
    for request in loan.disbursements.filter(state=DisbursementState.REQUESTED).order_by("pk"):
        request.refuse(reason=reason[:140])
        request.save(update_fields=["state", "reason"])


def finish_if_settled(loan: Loan, *, on: date) -> None:
    """Let a loan end that owes nothing and of which nothing more can be drawn; does not save.

    A staged loan whose first stage is repaid early stays open for the second until its due date.
    """
    if loan.owed_total == 0 and (loan.undrawn == 0 or on >= loan.due_on):
        loan.finish()


def stop_interest(*, loan: Loan, stops_on: date, reason: str, actor: Actor, now: datetime) -> Loan:
    """Let no interest and no penalty accrue after a date (peer scenario 9).

    AlreadyCounted if interest stands counted beyond that date, or an earlier stop has passed: it
    is not undone, the time since stays free of interest.
    """
    with transaction.atomic():
        facility = lock_facility(loan.facility_id)
        require_lender(actor, facility, Role.RISK_OFFICER, Role.APPROVER)
        locked = facility.loans.get(pk=loan.pk)
        earliest = locked.accrued_through or locked.agreed_on
        before, locked.interest_stops_on = locked.interest_stops_on, stops_on
        if stops_on < earliest or (before and before < earliest):
            raise AlreadyCounted.of(locked, stops_on, earliest=earliest, field="stops_on")
        locked.save(update_fields=["interest_stops_on"])
        Trace(facility.tenant_id, actor, now, stops_on).leave(
            locked,
            action="stop_interest",
            topic="interest_stopped",
            detail={"loan": locked.number, "stops_on": stops_on, "before": before},
            reason=reason,
        )
        return locked

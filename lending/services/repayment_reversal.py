"""Take a repayment back that was booked by mistake or bounced: what it paid is owed again.

Nothing is erased. The books mirror the repayment's entries on the day of the reversal and name the
day the money had counted from; the interest that its principal would have borne since is counted
from that day, in the loan's own convention. Later repayments stand as they were shared out.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from ledger.models import Entry
from ledger.services.posting import post
from ledger.services.reversal import reverse
from lending.models import Facility, Loan, Repayment, RepaymentReversal
from lending.refusals import AlreadyCounted, ReasonMissing, RepaymentNotReversible
from lending.rules import ZERO, Share
from lending.services.accrual import count_interest
from lending.services.acts import Trace, lock_facility, person_of, require_lender
from lending.services.drawing import change_principal
from lending.services.exposure import tell_exposure
from lending.services.settlement import CHANGED, Settlement, correction_lines, count_to
from lending.states import Component, FacilityState, LoanState, RepaymentSource
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person

_OVER = (LoanState.WRITTEN_OFF, LoanState.CANCELLED)


def reverse_repayment(
    *,
    repayment: Repayment,
    maker_id: int,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
    within_collection: bool = False,
) -> RepaymentReversal:
    """Take a repayment back: each loan owes again what it paid and waived, with interest since.

    The act's actor is the checker, another person than the maker, with authority for the amount.
    A loan that it ended is open again, overdue if its day has passed. Nobody chose that money is
    missing: the exposure is judged and called, but never refused. Proceeds of a collection are
    put back by the factoring room, which passes `within_collection`. Raises SamePerson,
    BeyondAuthority, ReasonMissing, RepaymentNotReversible, AlreadyCounted, NotYourFacility.
    """
    checker_id = person_of(actor, _("Reversing a repayment"))
    with transaction.atomic():
        facility = lock_facility(repayment.facility_id)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        require_other_person(actor, maker_id=maker_id)
        require_authority(actor, Act.DISBURSE, repayment.amount, facility.currency)
        _require_reversible(facility, repayment, reason, on, within_collection)
        again = RepaymentNotReversible.of(_("%s was taken back already.") % repayment)
        with constraint_refusals({"lending_repaymentreversal_repayment_id_key": again}):
            reversal = RepaymentReversal.objects.create(
                tenant_id=facility.tenant_id,
                repayment=repayment,
                reversed_on=on,
                reason=reason.strip(),
                maker_id=maker_id,
                checker_id=checker_id,
                recorded_at=now,
            )
        settlement = _owed_again(facility, repayment, on, actor, now)
        _book(settlement, reversal, actor, now)
        tell_exposure([facility.pk], cause="unpay", on=on, actor=actor, now=now)
        _trace(settlement, reversal, actor)
        return reversal


def _require_reversible(
    facility: Facility, repayment: Repayment, reason: str, on: date, within_collection: bool
) -> None:
    if not reason.strip():
        raise ReasonMissing.of("reason")
    if facility.state == FacilityState.CLOSED:
        raise RepaymentNotReversible.of(_("Facility %s is closed.") % facility.code)
    if repayment.source == RepaymentSource.REFINANCE:
        raise RepaymentNotReversible.of(_("No money came in: repay the loan that paid it instead."))
    if repayment.source == RepaymentSource.PROCEEDS and not within_collection:
        raise RepaymentNotReversible.of(_("It was paid from proceeds: take their use back."))
    if on < repayment.received_on:
        raise RepaymentNotReversible.of(
            _("The money came in on %s: it cannot be taken back before.") % repayment.received_on
        )


def _owed_again(
    facility: Facility, repayment: Repayment, on: date, actor: Actor, now: datetime
) -> Settlement:
    """Return the loans as they stand without the repayment, saved."""
    count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
    paid = list(repayment.allocations.order_by("loan_id", "id"))
    waived = list(repayment.waivers.order_by("loan_id", "id"))
    ids = {one.loan_id for one in paid}
    loans = {loan.pk: loan for loan in facility.loans.filter(pk__in=ids).select_related("facility")}
    settlement = Settlement(facility, loans, {}, {one.loan_id: one.counted_on for one in paid})
    settlement.shares = [_share(one.loan_id, one.component, one.amount) for one in paid]
    settlement.waived = [_share(one.loan_id, one.component, one.amount) for one in waived]
    for loan in loans.values():
        _require_open(loan, on)
        _owe(settlement, loan, on)
    Loan.objects.bulk_update(loans.values(), CHANGED)
    return settlement


def _share(loan_id: int, component: str, amount: Decimal) -> Share:
    return Share(loan_id, Component(component), amount)


def _require_open(loan: Loan, on: date) -> None:
    if loan.state in _OVER:
        raise RepaymentNotReversible.of(
            _("Loan %(loan)s is %(state)s: it owes nothing again.")
            % {"loan": loan.number, "state": LoanState(loan.state).label}
        )
    if loan.accrued_through is not None and on < loan.accrued_through:
        raise AlreadyCounted.of(loan, on, earliest=loan.accrued_through, field="on")


def _owe(settlement: Settlement, loan: Loan, on: date) -> None:
    """Raise what the loan owes by all that it was relieved of, and count its interest anew."""
    shares: Sequence[Share] = [*settlement.shares, *settlement.waived]
    principal = ZERO
    for share in shares:
        if share.loan_id != loan.pk:
            continue
        if share.component == Component.PRINCIPAL:
            principal += share.amount
        else:
            column = f"owed_{share.component.value}"
            setattr(loan, column, getattr(loan, column) + share.amount)
    if loan.accrues_from is not None:
        _lend_again(loan, principal, since=settlement.counted_on[loan.pk], on=on)
        count_to(settlement, loan, on)
    is_late = loan.due_on < on
    if loan.state == LoanState.REPAID:
        loan.reopen_late() if is_late else loan.reopen()
    elif loan.state == LoanState.DRAWN and is_late:
        loan.fall_overdue()


def _lend_again(loan: Loan, principal: Decimal, *, since: date, on: date) -> None:
    """Add principal as if it had never been repaid on the day `since`.

    Interest is linear in the principal: what it would have borne is added to what the rest bore.
    """
    if not principal:
        return
    missing = replace(
        loan.accrual,
        principal=principal,
        accrues_from=since,
        interest_base=ZERO,
        penalty_base=ZERO,
    )
    change_principal(loan, principal, on=on)
    loan.interest_exact += missing.interest_through(on)
    loan.penalty_exact += missing.penalty_through(on)


def _book(settlement: Settlement, reversal: RepaymentReversal, actor: Actor, now: datetime) -> None:
    """Mirror the repayment's entries and post the interest since, on the day of the reversal."""
    repayment, facility, on = reversal.repayment, settlement.facility, reversal.reversed_on
    words = f"{reversal.reason} (value date {repayment.received_on})"
    key = f"repayment:{repayment.pk}"
    entries = Entry.objects.filter(
        tenant_id=facility.tenant_id, idempotency_key__in=[key, f"{key}:waiver"]
    )
    for entry in entries.order_by("pk"):
        reverse(entry=entry, reason=words, booked_on=on, actor=actor, now=now)
    if lines := correction_lines(settlement):
        post(
            tenant_id=facility.tenant_id,
            currency=facility.currency,
            kind="interest_corrected",
            booked_on=on,
            lines=lines,
            reference=repayment.reference,
            narrative=words,
            idempotency_key=f"{key}:reversed",
            actor=actor,
            now=now,
        )


def _trace(settlement: Settlement, reversal: RepaymentReversal, actor: Actor) -> None:
    numbers = {pk: loan.number for pk, loan in settlement.loans.items()}
    repayment = reversal.repayment
    detail = {
        "facility": settlement.facility.code,
        "repayment": repayment.pk,
        "amount": repayment.amount,
        "value_date": repayment.received_on,
        "owed_again": [
            [numbers[share.loan_id], share.component.value, share.amount]
            for share in [*settlement.shares, *settlement.waived]
        ],
        "interest_since": sum(settlement.corrections.values(), ZERO),
    }
    Trace(settlement.facility.tenant_id, actor, reversal.recorded_at, reversal.reversed_on).leave(
        reversal,
        action="reverse_repayment",
        topic="repayment_reversed",
        detail=detail,
        reason=reversal.reason,
    )

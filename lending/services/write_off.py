"""Write a loan off the books by two people, keep the claim, and book what comes in on it later."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from ledger.services.posting import Line, post
from lending.models import Facility, Loan, Recovery, WriteOff, WriteOffPart
from lending.refusals import (
    LoanOwesNothing,
    MoreThanClaimed,
    NotInDefault,
    ReasonMissing,
    ReferenceTaken,
    WriteOffAsked,
    require_payable,
)
from lending.rules import ZERO
from lending.services.accrual import count_interest
from lending.services.acts import Trace, lock_facility, person_of, require_lender
from lending.services.drawing import change_principal
from lending.services.exposure import tell_exposure
from lending.states import OWING, Component, FacilityState, WriteOffState
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person


def request_write_off(*, loan: Loan, reason: str, actor: Actor, now: datetime) -> WriteOff:
    """Ask for a loan of a facility in default to be written off, with all that it owes.

    Raises NotInDefault, LoanOwesNothing, WriteOffAsked, ReasonMissing, NotYourFacility,
    NotAllowed.
    """
    maker_id = person_of(actor, _("Asking for a write-off"))
    with transaction.atomic():
        facility = lock_facility(loan.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.RISK_OFFICER)
        if not reason.strip():
            raise ReasonMissing.of("reason")
        fresh = _writable(facility, loan)
        with constraint_refusals({"loan_written_off_once": lambda: WriteOffAsked.of(fresh)}):
            write_off = WriteOff.objects.create(
                tenant_id=facility.tenant_id,
                loan=fresh,
                amount=fresh.owed_total,
                reason=reason.strip(),
                maker_id=maker_id,
                requested_at=now,
            )
        _trace(write_off, "request_write_off", "write_off_requested", actor, now)
        return write_off


def _writable(facility: Facility, loan: Loan) -> Loan:
    """Return the loan as it stands under the facility's lock, or refuse it."""
    if facility.state != FacilityState.DEFAULTED:
        raise NotInDefault.of(facility)
    fresh = facility.loans.select_related("facility").get(pk=loan.pk)
    if fresh.state not in OWING or fresh.owed_total == 0:
        raise LoanOwesNothing.of(fresh)
    return fresh


def approve_write_off(*, write_off: WriteOff, on: date, actor: Actor, now: datetime) -> WriteOff:
    """Write the loan off with all that it owes on a day: Dr write_off_expense Cr its accounts.

    Interest is counted to the day first; the checker needs the authority for the whole. What was
    written off stays claimed, off balance. Raises SamePerson, BeyondAuthority, NotInDefault,
    LoanOwesNothing (paid meanwhile), TransitionRefused, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Approving a write-off"))
    with transaction.atomic():
        facility = lock_facility(write_off.loan.facility_id)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        locked = _lock(write_off)
        require_other_person(actor, maker_id=locked.maker_id)
        count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
        loan = _writable(facility, locked.loan)
        owed = {component: amount for component, amount in loan.owed.items() if amount}
        total = sum(owed.values(), ZERO)
        require_authority(actor, Act.WRITE_OFF, total, facility.currency)
        locked.book(checker_id=checker_id, amount=total, on=on, now=now)
        locked.save()
        WriteOffPart.objects.bulk_create(
            WriteOffPart(write_off=locked, component=component, amount=amount)
            for component, amount in owed.items()
        )
        _clear(loan, on=on)
        _post(facility, locked, loan, owed, actor=actor, now=now)
        tell_exposure([facility.pk], cause="write_off", on=on, actor=actor, now=now)
        _trace(locked, "approve_write_off", "loan_written_off", actor, now, on=on)
        return locked


def _lock(write_off: WriteOff) -> WriteOff:
    return lock_one(WriteOff.objects.select_related("loan__facility"), write_off.pk)


def _clear(loan: Loan, *, on: date) -> None:
    """Let the loan owe nothing any more: the parts of its write-off say what it owed."""
    change_principal(loan, -loan.owed_principal, on=loan.accrued_through or on)
    for component in Component:
        setattr(loan, f"owed_{component.value}", ZERO)
    loan.be_written_off()
    loan.save()


def _post(
    facility: Facility,
    write_off: WriteOff,
    loan: Loan,
    owed: dict[Component, Decimal],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    assert write_off.booked_on is not None
    post(
        tenant_id=facility.tenant_id,
        currency=facility.currency,
        kind="write_off",
        booked_on=max(write_off.booked_on, loan.accrued_through or write_off.booked_on),
        lines=[
            Line("write_off_expense", f"{component.value}:{loan.number}", amount)
            for component, amount in owed.items()
        ],
        reference=loan.number,
        narrative=write_off.reason,
        idempotency_key=f"write_off:{write_off.pk}",
        actor=actor,
        now=now,
    )


def refuse_write_off(*, write_off: WriteOff, actor: Actor, now: datetime) -> WriteOff:
    """Turn a request down; the loan stays in the books. TransitionRefused once it is booked."""
    checker_id = person_of(actor, _("Refusing a write-off"))
    with transaction.atomic():
        facility = lock_facility(write_off.loan.facility_id)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        locked = _lock(write_off)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id, now=now)
        locked.save()
        _trace(locked, "refuse_write_off", "write_off_refused", actor, now)
        return locked


def record_recovery(
    *,
    write_off: WriteOff,
    amount: Decimal,
    received_on: date,
    reference: str,
    actor: Actor,
    now: datetime,
    debit_code: str = "cash",
) -> Recovery:
    """Book money that came in on a written-off claim: Dr `debit_code` Cr recovery_income.

    Raises MoreThanClaimed with the numbers (also before it is booked), ReferenceTaken,
    NotAnAmount, NotYourFacility, NotAllowed.
    """
    with transaction.atomic():
        facility = lock_facility(write_off.loan.facility_id)
        require_lender(actor, facility, Role.OPERATIONS, Role.PREPARER, Role.APPROVER)
        require_payable(amount, facility.currency)
        locked = _lock(write_off)
        if amount > locked.claimed:
            raise MoreThanClaimed.of(
                claimed=locked.claimed, paid=amount, currency=facility.currency
            )
        locked.recovered += amount
        locked.save(update_fields=["recovered"])
        with constraint_refusals(
            {"recovery_reference_unique": lambda: ReferenceTaken.of(reference)}
        ):
            recovery = Recovery.objects.create(
                write_off=locked,
                tenant_id=locked.tenant_id,
                amount=amount,
                received_on=received_on,
                reference=reference.strip(),
                recorded_at=now,
            )
        post(
            tenant_id=facility.tenant_id,
            currency=facility.currency,
            kind="recovery",
            booked_on=received_on,
            lines=[Line(debit_code, "recovery_income", amount)],
            reference=recovery.reference,
            narrative=locked.loan.number,
            idempotency_key=f"recovery:{recovery.pk}",
            actor=actor,
            now=now,
        )
        _trace(locked, "record_recovery", "recovery_recorded", actor, now, on=received_on)
        return recovery


def claimed_after_write_off(facility: Facility) -> Decimal:
    """Return what is still claimed from the borrower, off balance (one query)."""
    booked = WriteOff.objects.filter(loan__facility=facility, state=WriteOffState.BOOKED)
    return sum((one.claimed for one in booked), ZERO)


def _trace(
    write_off: WriteOff,
    action: str,
    topic: str,
    actor: Actor,
    now: datetime,
    *,
    on: date | None = None,
) -> None:
    detail = {
        "facility": write_off.loan.facility.code,
        "loan": write_off.loan.number,
        "amount": write_off.amount,
        "recovered": write_off.recovered,
        "claimed": write_off.claimed,
    }
    Trace(write_off.tenant_id, actor, now, on).leave(
        write_off, action=action, topic=topic, detail=detail, reason=write_off.reason
    )

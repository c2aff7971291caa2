"""Money out: request, approve by a second person, confirm, refuse, take back what bounced."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from ledger.services.posting import Line, post
from lending.models import Disbursement, Facility, Loan
from lending.refusals import (
    AlreadyCounted,
    BankReferenceMissing,
    MoreThanOwed,
    NotPayeesAccount,
    PayeeIsBorrower,
    WrongCurrency,
)
from lending.services.accrual import count_interest
from lending.services.acts import Trace, act_once, lock_facility, person_of, require_lender
from lending.services.drawing import change_principal, draw, require_below_limit, require_drawable
from lending.services.exposure import refresh_exposure, tell_exposure
from lending.states import Product
from parties.actors import Actor
from parties.models import BankAccount, Organisation
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person


def request_disbursement(
    *,
    loan: Loan,
    payee: Organisation,
    account: BankAccount,
    amount: Decimal,
    purpose: str,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Disbursement:
    """Ask for a payment under a loan; it changes no exposure until another person approves it.

    Raises PayeeIsBorrower, NotPayeesAccount, WrongCurrency, AboveAgreed, NotAnAmount,
    FacilityNotActive, LoanNotDrawable, NotYourFacility and NotAllowed.
    """
    maker_id = person_of(actor, _("Asking for a payment"))
    payload = {
        "loan": loan.pk,
        "payee": payee.pk,
        "account": account.pk,
        "amount": amount,
        "purpose": purpose,
    }
    with act_once(
        service="request_disbursement",
        tenant_id=loan.tenant_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return Disbursement.objects.get(pk=once.response["disbursement"])
        fresh = Loan.objects.select_related("facility").get(pk=loan.pk)
        require_lender(actor, fresh.facility, Role.PREPARER)
        require_drawable(fresh.facility, fresh, amount)
        _require_payable_to(fresh, payee, account)
        disbursement = _insert(fresh, payee, account, amount, purpose, maker_id, now)
        _trace(disbursement, actor, now, "request_disbursement", "disbursement_requested")
        once.store({"disbursement": disbursement.pk})
        return disbursement


def _require_payable_to(loan: Loan, payee: Organisation, account: BankAccount) -> None:
    facility = loan.facility
    if loan.product == Product.ORDER and payee.pk == facility.borrower_id:
        raise PayeeIsBorrower.of(loan)
    if account.organisation_id != payee.pk:
        raise NotPayeesAccount.of(account.number, payee)
    if account.currency != facility.currency:
        raise WrongCurrency.of(expected=facility.currency, found=account.currency)


def _insert(
    loan: Loan,
    payee: Organisation,
    account: BankAccount,
    amount: Decimal,
    purpose: str,
    maker_id: int,
    now: datetime,
) -> Disbursement:
    refusals = {
        "disbursement_of_order_finance_not_to_borrower": lambda: PayeeIsBorrower.of(loan),
        "disbursement_copies_agree_with_loan": lambda: NotPayeesAccount.of(account.number, payee),
    }
    with constraint_refusals(refusals):
        return Disbursement.objects.create(
            tenant_id=loan.tenant_id,
            loan=loan,
            product=loan.product,
            borrower_id=loan.facility.borrower_id,
            payee=payee,
            account=account,
            amount=amount,
            purpose=purpose,
            maker_id=maker_id,
            requested_at=now,
        )


def approve_disbursement(
    *,
    disbursement: Disbursement,
    on: date,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Disbursement:
    """Instruct a requested payment for value on a day: from then on the loan owes it.

    Under the facility's lock: counts interest through `on`, checks the second hand, the
    authority, the loan and the limit, posts Dr principal Cr clearing, refreshes the exposure and
    lets the rooms above judge it. Raises SamePerson, BeyondAuthority, AboveLimit, AboveAgreed,
    FacilityNotActive, LoanNotDrawable, AlreadyCounted, TransitionRefused, NotYourFacility.
    """
    with act_once(
        service="approve_disbursement",
        tenant_id=disbursement.tenant_id,
        key=idempotency_key,
        payload={"disbursement": disbursement.pk, "on": on},
        now=now,
    ) as once:
        if once.replayed:
            return Disbursement.objects.get(pk=disbursement.pk)
        facility, locked = _lock(disbursement)
        checker_id = _require_checker(facility, locked, actor)
        locked.instruct(checker_id=checker_id, value_on=on, now=now)
        locked.save()
        count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
        _draw_for(facility, locked, on=on, actor=actor, now=now)
        tell_exposure([facility.pk], cause="draw", on=on, actor=actor, now=now)
        _trace(locked, actor, now, "approve_disbursement", "disbursement_instructed", on=on)
        once.store({"disbursement": locked.pk})
        return locked


def _lock(disbursement: Disbursement) -> tuple[Facility, Disbursement]:
    """Lock the facility; only its holder changes loans and payments, so they are read after it."""
    facility = lock_facility(disbursement.loan.facility_id)
    payments = Disbursement.objects.select_related("loan", "payee")
    return facility, payments.get(pk=disbursement.pk)


def _require_checker(facility: Facility, disbursement: Disbursement, actor: Actor) -> int:
    checker_id = person_of(actor, _("Approving a payment"))
    require_lender(actor, facility, Role.APPROVER)
    require_other_person(actor, maker_id=disbursement.maker_id)
    require_authority(actor, Act.DISBURSE, disbursement.amount, facility.currency)
    return checker_id


def _draw_for(
    facility: Facility, disbursement: Disbursement, *, on: date, actor: Actor, now: datetime
) -> None:
    loan = facility.loans.get(pk=disbursement.loan_id)
    amount = disbursement.amount
    require_drawable(facility, loan, amount)
    refresh_exposure([facility.pk])
    facility.refresh_from_db(fields=["exposure"])
    require_below_limit(facility, amount)
    draw(loan, amount, on=on)
    post(
        tenant_id=facility.tenant_id,
        currency=facility.currency,
        kind="disbursement_instructed",
        booked_on=on,
        lines=[Line(f"principal:{loan.number}", "clearing", amount)],
        reference=loan.number,
        narrative=disbursement.purpose,
        idempotency_key=f"disbursement:{disbursement.pk}:instructed",
        actor=actor,
        now=now,
    )


def confirm_payment(
    *,
    disbursement: Disbursement,
    bank_reference: str,
    paid_on: date,
    actor: Actor,
    now: datetime,
) -> Disbursement:
    """Note that the bank has paid an instructed disbursement: Dr clearing Cr cash.

    Raises TransitionRefused for a payment that is not instructed (or is paid already),
    BankReferenceMissing.
    """
    if not bank_reference.strip():
        raise BankReferenceMissing(
            message=_("A paid disbursement needs the bank's reference."), field="bank_reference"
        )
    with transaction.atomic():
        facility, locked = _lock(disbursement)
        require_lender(actor, facility, Role.OPERATIONS, Role.PREPARER)
        locked.confirm(paid_on=paid_on, bank_reference=bank_reference)
        locked.save()
        post(
            tenant_id=facility.tenant_id,
            currency=facility.currency,
            kind="disbursement_paid",
            booked_on=paid_on,
            lines=[Line("clearing", "cash", locked.amount)],
            reference=bank_reference,
            narrative=locked.purpose,
            idempotency_key=f"disbursement:{locked.pk}:paid",
            actor=actor,
            now=now,
        )
        _trace(locked, actor, now, "confirm_payment", "disbursement_paid", on=paid_on)
        return locked


def refuse_disbursement(
    *, disbursement: Disbursement, reason: str, actor: Actor, now: datetime
) -> Disbursement:
    """Turn a request down, or take it back; nothing was owed yet."""
    with transaction.atomic():
        facility, locked = _lock(disbursement)
        require_lender(actor, facility, Role.APPROVER, Role.PREPARER)
        locked.refuse(reason=reason)
        locked.save()
        _trace(locked, actor, now, "refuse_disbursement", "disbursement_refused", reason=reason)
        return locked


def return_payment(
    *, disbursement: Disbursement, reason: str, on: date, actor: Actor, now: datetime
) -> Disbursement:
    """Take an instructed payment back that the bank did not make: Dr clearing Cr principal.

    The amount may be drawn again; interest counted meanwhile stays owed. Raises
    TransitionRefused (paid already), MoreThanOwed (repaid meanwhile), AlreadyCounted.
    """
    with transaction.atomic():
        facility, locked = _lock(disbursement)
        require_lender(actor, facility, Role.OPERATIONS, Role.APPROVER)
        locked.send_back(reason=reason)
        locked.save()
        count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
        loan = facility.loans.get(pk=locked.loan_id)
        _undraw(loan, locked.amount, facility.currency, on=on)
        post(
            tenant_id=facility.tenant_id,
            currency=facility.currency,
            kind="disbursement_returned",
            booked_on=on,
            lines=[Line("clearing", f"principal:{loan.number}", locked.amount)],
            reference=loan.number,
            narrative=reason,
            idempotency_key=f"disbursement:{locked.pk}:returned",
            actor=actor,
            now=now,
        )
        tell_exposure([facility.pk], cause="repay", on=on, actor=actor, now=now)
        _trace(locked, actor, now, "return_payment", "disbursement_returned", on=on, reason=reason)
        return locked


def _undraw(loan: Loan, amount: Decimal, currency: str, *, on: date) -> None:
    if amount > loan.owed_principal:
        raise MoreThanOwed.of(owed=loan.owed_principal, paid=amount, currency=currency)
    earliest = loan.accrued_through or loan.agreed_on
    if on < earliest:
        raise AlreadyCounted.of(loan, on, earliest=earliest, field="on")
    change_principal(loan, -amount, on=on)
    loan.drawn -= amount
    loan.save()


def _trace(
    disbursement: Disbursement,
    actor: Actor,
    now: datetime,
    action: str,
    topic: str,
    *,
    on: date | None = None,
    reason: str = "",
) -> None:
    detail = {
        "disbursement": disbursement.pk,
        "loan": disbursement.loan.number,
        "payee": disbursement.payee.code,
        "amount": disbursement.amount,
        "state": disbursement.state,
    }
    Trace(disbursement.tenant_id, actor, now, on).leave(
        disbursement, action=action, topic=topic, detail=detail, reason=reason
    )

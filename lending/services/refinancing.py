"""Repay old loans by drawing a new one: no cash moves."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from lending.models import Facility, Loan, Repayment
from lending.queries import principal_drawn
from lending.refusals import AboveLimit, NotInThisFacility
from lending.services.acts import act_once, lock_facility, person_of, require_lender
from lending.services.drawing import draw, require_drawable
from lending.services.repayment import finish_repayment, insert_repayment
from lending.services.settlement import open_settlement, pay, refinancing_lines, write
from lending.states import RepaymentSource
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person


def refinance(
    *,
    new_loan: Loan,
    amount: Decimal,
    old_loans: Sequence[Loan],
    on: date,
    maker: Actor,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Repayment:
    """Draw `amount` of a new loan and pay old ones of the same facility with it, by the waterfall.

    `actor` approves what `maker` prepared. Interest of the old loans is counted first. Exposure
    stays as it was, so that only principal is held to the limit. Agree the new loan with
    `refinances=old_loans`, or the old ones will stand in its way. Raises SamePerson,
    BeyondAuthority, MoreThanOwed, AboveAgreed, AboveLimit, NotInThisFacility, FacilityNotActive,
    LoanNotDrawable, AlreadyCounted, NotAnAmount, NotYourFacility.
    """
    payload = {
        "new_loan": new_loan.pk,
        "amount": amount,
        "old_loans": sorted(loan.pk for loan in old_loans),
        "on": on,
        "maker": maker.person_id,
    }
    with act_once(
        service="refinance",
        tenant_id=new_loan.tenant_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return Repayment.objects.get(pk=once.response["repayment"])
        facility = lock_facility(new_loan.facility_id)
        _require_hands(facility, amount, maker=maker, actor=actor)
        repayment = _refinance(facility, new_loan, amount, old_loans, on=on, actor=actor, now=now)
        once.store({"repayment": repayment.pk})
        return repayment


def _require_hands(facility: Facility, amount: Decimal, *, maker: Actor, actor: Actor) -> None:
    maker_id = person_of(maker, _("Preparing a refinancing"))
    person_of(actor, _("Approving a refinancing"))
    require_lender(maker, facility, Role.PREPARER)
    require_lender(actor, facility, Role.APPROVER)
    require_other_person(actor, maker_id=maker_id)
    require_authority(actor, Act.DISBURSE, amount, facility.currency)


def _refinance(
    facility: Facility,
    new_loan: Loan,
    amount: Decimal,
    old_loans: Sequence[Loan],
    *,
    on: date,
    actor: Actor,
    now: datetime,
) -> Repayment:
    if any(loan.pk == new_loan.pk for loan in old_loans):
        raise NotInThisFacility(
            message=_("Loan %s cannot repay itself.") % new_loan.number, field="old_loans"
        )
    settlement = open_settlement(facility, old_loans, on=on, actor=actor, now=now)
    fresh = facility.loans.select_related("facility").get(pk=new_loan.pk)
    require_drawable(facility, fresh, amount)
    draw(fresh, amount, on=on)
    pay(settlement, amount, on=on)
    repayment = insert_repayment(
        facility,
        amount=amount,
        received_on=on,
        source=RepaymentSource.REFINANCE,
        refinanced_by=fresh,
        reference=_reference(fresh),
        recorded_at=now,
    )
    lines = refinancing_lines(settlement, fresh)
    write(settlement, repayment, lines=lines, actor=actor, now=now)
    _require_principal_below_limit(facility)
    finish_repayment(settlement, repayment, action="refinance", actor=actor, now=now)
    return repayment


def _reference(loan: Loan) -> str:
    return f"refinance:{loan.number}:{loan.refinancings.count() + 1}"


def _require_principal_below_limit(facility: Facility) -> None:
    """Refuse interest being turned into more principal than the limit allows."""
    principal = principal_drawn(facility)
    if principal > facility.limit:
        raise AboveLimit.of_principal(facility, principal)

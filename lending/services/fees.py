"""Charge a loan with a fee, or with a cost that the lender paid for the borrower."""

from datetime import date, datetime
from decimal import Decimal

from ledger.services.posting import Line, post
from lending.models import Loan
from lending.refusals import LoanNotOpen, TermsUnsound, require_payable
from lending.services.acts import Trace, act_once, lock_facility, require_lender
from lending.services.exposure import tell_exposure
from lending.states import OPEN, Component
from parties.actors import Actor
from parties.roles import Role

# A fee is earned; a cost was paid out to somebody else and is only asked back.
_CREDITED = {Component.FEES: "fee_income", Component.COSTS: "cash"}


def charge_fee(
    *,
    loan: Loan,
    amount: Decimal,
    component: str,
    on: date,
    narrative: str,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Loan:
    """Add a fee (`component` fees) or a cost advanced (costs) to what an open loan owes.

    Posts Dr fees:<loan> Cr fee_income, or Dr costs:<loan> Cr cash; no interest runs on either.
    Raises TermsUnsound for another component, LoanNotOpen, NotAnAmount, NotYourFacility.
    """
    charged = _chargeable(component)
    payload = {"loan": loan.pk, "amount": amount, "component": component, "on": on}
    with act_once(
        service="charge_fee",
        tenant_id=loan.tenant_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return Loan.objects.get(pk=loan.pk)
        facility = lock_facility(loan.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.APPROVER, Role.OPERATIONS)
        require_payable(amount, facility.currency)
        locked = facility.loans.get(pk=loan.pk)
        if locked.state not in OPEN:
            raise LoanNotOpen.of(locked)
        column = f"owed_{charged.value}"
        setattr(locked, column, getattr(locked, column) + amount)
        locked.save(update_fields=[column])
        post(
            tenant_id=facility.tenant_id,
            currency=facility.currency,
            kind="fee_charged" if charged == Component.FEES else "cost_charged",
            booked_on=on,
            lines=[Line(f"{charged.value}:{locked.number}", _CREDITED[charged], amount)],
            reference=locked.number,
            narrative=narrative,
            actor=actor,
            now=now,
        )
        tell_exposure([facility.pk], cause="fee", on=on, actor=actor, now=now)
        Trace(facility.tenant_id, actor, now, on).leave(
            locked, action="charge_fee", topic="fee_charged", detail=payload, reason=narrative
        )
        once.store({"loan": locked.pk})
        return locked


def _chargeable(component: str) -> Component:
    if component in _CREDITED:
        return Component(component)
    raise TermsUnsound(
        message=f"a fee is charged to {' or '.join(_CREDITED)}, not to {component}",
        field="component",
    )

"""Money back: shared out by the facility's waterfall, any day, early or late."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from common.errors import constraint_refusals
from lending.models import Facility, Loan, Repayment
from lending.queries import quote_payoff
from lending.refusals import ReferenceTaken, require_payable
from lending.services.acts import Trace, act_once, lock_facility, require_lender
from lending.services.exposure import tell_exposure
from lending.services.settlement import (
    Settlement,
    credit_lines,
    open_settlement,
    pay,
    write,
)
from lending.states import LoanState
from outbox.services import NewEvent, emit_many
from parties.actors import Actor
from parties.roles import Role

__all__ = ["quote_payoff", "repay"]


def repay(
    *,
    facility: Facility,
    amount: Decimal,
    received_on: date,
    source: str,
    debit_code: str,
    reference: str,
    actor: Actor,
    now: datetime,
    loans: Sequence[Loan] | None = None,
    idempotency_key: str | None = None,
) -> Repayment:
    """Pay loans of a facility with money that arrived on a day; all open loans if none are named.

    `debit_code` is the account the money stands on (`cash`, `proceeds:<facility>`). Interest is
    counted to `received_on`, forward or (for money recorded late) back, before the waterfall
    runs; a rest within the facility's tolerance is waived. Raises MoreThanOwed with the numbers,
    ReferenceTaken, NotInThisFacility, NotAnAmount, NotYourFacility, NotAllowed.
    """
    payload = {
        "facility": facility.pk,
        "amount": amount,
        "received_on": received_on,
        "source": str(source),
        "debit_code": debit_code,
        "reference": reference,
        "loans": None if loans is None else sorted(loan.pk for loan in loans),
    }
    with act_once(
        service="repay",
        tenant_id=facility.tenant_id,
        key=idempotency_key,
        payload=payload,
        now=now,
    ) as once:
        if once.replayed:
            return Repayment.objects.get(pk=once.response["repayment"])
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.OPERATIONS, Role.PREPARER, Role.APPROVER)
        require_payable(amount, locked.currency)
        settlement = open_settlement(locked, loans, on=received_on, actor=actor, now=now)
        pay(settlement, amount, on=received_on)
        repayment = insert_repayment(
            locked,
            amount=amount,
            received_on=received_on,
            source=source,
            reference=reference,
            recorded_at=now,
        )
        lines = credit_lines(settlement, debit_code)
        write(settlement, repayment, lines=lines, actor=actor, now=now)
        finish_repayment(settlement, repayment, action="repay", actor=actor, now=now)
        once.store({"repayment": repayment.pk})
        return repayment


def insert_repayment(facility: Facility, **columns: Any) -> Repayment:
    """Write the repayment down; ReferenceTaken if the lender has one of this reference."""
    taken = {"repayment_reference_unique": lambda: ReferenceTaken.of(columns["reference"])}
    with constraint_refusals(taken):
        return Repayment.objects.create(tenant_id=facility.tenant_id, facility=facility, **columns)


def finish_repayment(
    settlement: Settlement, repayment: Repayment, *, action: str, actor: Actor, now: datetime
) -> None:
    """Refresh and show the exposure, and leave the traces of what was paid."""
    facility, on = settlement.facility, repayment.received_on
    tell_exposure([facility.pk], cause="repay", on=on, actor=actor, now=now)
    trace = Trace(facility.tenant_id, actor, now, on)
    numbers = {pk: loan.number for pk, loan in settlement.loans.items()}
    detail = {
        "facility": facility.code,
        "repayment": repayment.pk,
        "amount": repayment.amount,
        "source": repayment.source,
        "paid": [[numbers[s.loan_id], s.component.value, s.amount] for s in settlement.shares],
        "waived": [[numbers[s.loan_id], s.component.value, s.amount] for s in settlement.waived],
    }
    trace.leave(repayment, action=action, topic="repayment_recorded", detail=detail)
    _announce_repaid(settlement, now)


def _announce_repaid(settlement: Settlement, now: datetime) -> None:
    """Tell of the loans that this repayment ended; the journal has them under the repayment."""
    events = [
        NewEvent("lending.loan_repaid", "lending.loan", pk, {"loan": loan.number}, loan.tenant_id)
        for pk, loan in settlement.loans.items()
        if loan.state == LoanState.REPAID
    ]
    if events:
        emit_many(events, now=now)

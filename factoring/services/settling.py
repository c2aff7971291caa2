"""The end of a receivable: nothing owed, nothing held, nothing left to draw."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from factoring.models import Receivable
from factoring.rules import ZERO
from factoring.services.acts import leave_trace, lock_receivable
from factoring.states import ReceivableState
from lending.services.loans import give_up_undrawn
from lending.states import OWING, LoanState
from parties.actors import Actor, system_actor


def settle_if_done(receivable: Receivable, *, on: date, now: datetime) -> bool:
    """Settle a locked receivable that is collected, owes nothing and holds no proceeds.

    What was agreed on it and never drawn is given up: there is nothing behind it any more. Both
    follow from what was just done; nobody decides them. Tells whether it is settled by this call.
    """
    if receivable.state != ReceivableState.COLLECTED or held(receivable) > 0:
        return False
    loan = receivable.loan
    actor = system_actor("factoring")
    if loan is not None:
        loan.refresh_from_db()
        if loan.owed_total:
            return False
        if loan.state in (LoanState.AGREED, LoanState.DRAWN):
            reason = f"invoice {receivable.invoice_number} is paid"
            give_up_undrawn(loan=loan, on=on, reason=reason, actor=actor, now=now)
    receivable.settle()
    receivable.save(update_fields=["state"])
    leave_trace(
        receivable,
        action="settle_receivable",
        topic="receivable_settled",
        detail={"invoice": receivable.invoice_number},
        tenant_id=receivable.tenant_id,
        actor=actor,
        now=now,
        on=on,
    )
    return True


def advances_owed_again(
    *, facility_ids: Sequence[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Reopen, in lending's transaction, the settled receivables whose advance is owed again.

    Called with every exposure that moved; only a repayment taken back makes an ended loan owe.
    One query if there is none.
    """
    if cause != "unpay":
        return
    settled = Receivable.objects.filter(
        facility_id__in=facility_ids, state=ReceivableState.SETTLED, loan__state__in=OWING
    )
    for receivable in settled.order_by("pk"):
        locked = lock_receivable(receivable.pk)
        locked.reopen()
        locked.save(update_fields=["state"])
        leave_trace(
            locked,
            action="reopen_receivable",
            topic="receivable_reopened",
            detail={"invoice": locked.invoice_number},
            tenant_id=locked.tenant_id,
            actor=actor,
            now=now,
            on=on,
        )


def held(receivable: Receivable) -> Decimal:
    """Return what stands in the controlled account for a receivable (one query)."""
    remaining = receivable.collections.values_list("proceeds__remaining", flat=True)
    return sum(remaining, ZERO)

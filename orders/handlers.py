"""What lending's events mean for stages: a payment settled there is settled here, too."""

from datetime import datetime

from django.db import transaction

from orders.models import PaymentStage
from orders.services.acts import lock_order
from orders.states import StageState
from outbox.models import Event


def follow_payment(*, event: Event, now: datetime) -> None:
    """Let a stage follow its disbursement: paid by a bank file, or refused from the work list.

    The event only says where to look; what is done is what the disbursement says now, so that a
    late or repeated event does no harm.
    """
    stage = PaymentStage.objects.filter(disbursement_id=int(event.aggregate_id)).first()
    if stage is None:
        return
    with transaction.atomic():
        lock_order(stage.financing.order_id)
        fresh = PaymentStage.objects.select_related("disbursement").get(pk=stage.pk)
        if fresh.disbursement is None:
            return
        if fresh.disbursement.state == "paid" and fresh.state == StageState.APPROVED:
            paid_on = fresh.disbursement.paid_on
            assert paid_on is not None  # lending's CHECK
            fresh.confirm(paid_on=paid_on)
        elif fresh.disbursement.state == "refused" and fresh.state == StageState.REQUESTED:
            fresh.turn_down()
        fresh.save(update_fields=["state", "paid_on", "disbursement", "own_reference"])

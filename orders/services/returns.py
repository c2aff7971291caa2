"""A payment that the bank did not make: its stage is open again, its claim on the supplier gone."""

from collections.abc import Sequence
from datetime import date, datetime

from lending.states import DisbursementState
from orders.models import OrderClaim, PaymentStage
from orders.services.acts import leave_trace, lock_order
from orders.states import StageState
from parties.actors import Actor
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.order_claims import revoke


def payments_returned(
    *, facility_ids: Sequence[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Revoke, in lending's transaction, the claims whose payments it has just taken back.

    Called with every exposure that moved; only money that came back can be a returned payment.
    Without this the claim would go on lending against a payment that nobody received. The
    buyer's own part is claimed again when the stage is paid again. One query if there is none.
    """
    if cause != "repay":
        return
    stages = PaymentStage.objects.filter(
        financing__facility_id__in=facility_ids,
        state=StageState.APPROVED,
        disbursement__state=DisbursementState.RETURNED,
    ).select_related("financing", "disbursement")
    for stage in stages.order_by("pk"):
        with covering(
            facility_id=stage.financing.facility_id,
            cause="revoke",
            actor=actor,
            on=on,
            now=now,
            requirement=Requirement.NONE,
        ) as act:
            _take_back(act, stage)


def _take_back(act: CoverAct, stage: PaymentStage) -> None:
    order, returned = lock_order(stage.financing.order_id), stage.disbursement
    assert returned is not None  # a CHECK holds it for approved stages
    reference = f"{order.number} / {stage.sequence}"
    claims = OrderClaim.objects.filter(stage=stage, position__remaining__gt=0)
    for claim in claims.select_related("position"):
        revoke(
            act=act,
            claim=Take(claim.position_id, claim.position.remaining),
            label=f"{order.number}, {order.supplier.name}",
            evidence=Evidence(
                "returned_payment",
                reference,
                {"disbursement": returned.pk, "reason": returned.reason},
            ),
        )
    stage.come_back()
    stage.save(update_fields=["state", "disbursement", "own_reference"])
    leave_trace(
        stage,
        action="return_payment",
        topic="stage_returned",
        detail={
            "order": order.number,
            "stage": stage.sequence,
            "supplier": order.supplier.code,
            "lender_amount": stage.lender_amount,
        },
        tenant_id=act.facility.tenant_id,
        actor=act.actor,
        now=act.now,
        on=act.on,
        reason=returned.reason,
    )

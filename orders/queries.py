"""Reads of orders; each takes the actor and shows only what that actor may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import DecimalField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from orders.models import Delivery, OrderClaim, PaymentStage, PurchaseOrder
from orders.rules import ZERO
from orders.states import INSTRUCTED, OrderState, StageState, StageTrigger
from parties.actors import Actor


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """How far an order is: received at the order's prices, instructed to the supplier, claimed."""

    amount: Decimal
    received: Decimal
    instructed: Decimal
    claimed: Decimal

    @property
    def awaited(self) -> Decimal:
        """Return the value of the goods still to come."""
        return self.amount - self.received


def list_orders(
    *, actor: Actor, run: str | None = None, states: Sequence[str] | None = None
) -> QuerySet[PurchaseOrder]:
    """Return the orders the actor may see, by number, with the organisations they name."""
    orders = PurchaseOrder.objects.visible_to(actor).select_related(
        "buyer", "supplier", "deliver_to", "financing__loan", "financing__facility"
    )
    if run is not None:
        orders = orders.filter(run=run)
    return orders if states is None else orders.filter(state__in=states)


def get_order(*, actor: Actor, order_id: int) -> PurchaseOrder:
    """Return one order with lines, stages and deliveries; DoesNotExist if not the actor's."""
    return (
        list_orders(actor=actor)
        .prefetch_related(
            "lines__item",
            "financing__stages__disbursement",
            "financing__stages__claims__position",
            "deliveries__lines__lot",
        )
        .get(pk=order_id)
    )


def get_progress(*, actor: Actor, order: PurchaseOrder) -> OrderProgress:
    """Return how far an order is, in three queries; claims are shown to the facility's parties."""
    seen = PurchaseOrder.objects.visible_to(actor).get(pk=order.pk)
    received = (
        Delivery.objects.standing().filter(order=seen).aggregate(sum=Sum("lines__value"))["sum"]
    )
    stages = PaymentStage.objects.filter(financing__order=seen, state__in=INSTRUCTED)
    claims = OrderClaim.objects.filter(stage__financing__order=seen)
    if not _sees_claims(actor, seen):
        claims = claims.none()
    return OrderProgress(
        amount=seen.amount,
        received=received or ZERO,
        instructed=stages.aggregate(sum=Sum("amount"))["sum"] or ZERO,
        claimed=claims.aggregate(sum=Sum("position__remaining"))["sum"] or ZERO,
    )


def _sees_claims(actor: Actor, order: PurchaseOrder) -> bool:
    financing = getattr(order, "financing", None)
    parties = {order.buyer_id, financing.tenant_id if financing else None}
    return actor.sees_everything or actor.organisation_id in parties


def list_stages(*, actor: Actor, states: Sequence[str] | None = None) -> QuerySet[PaymentStage]:
    """Return the payment stages of the orders the actor may see, oldest order first.

    A supplier sees the stages that pay it, a receiving site none: what is paid is not its matter.
    """
    stages = PaymentStage.objects.select_related(
        "financing__order__supplier", "financing__facility", "disbursement__maker"
    ).order_by("financing__order__placed_on", "financing_id", "sequence")
    if not actor.sees_everything:
        own = actor.organisation_id
        stages = stages.filter(
            Q(financing__tenant_id=own)
            | Q(financing__order__buyer_id=own)
            | Q(financing__order__supplier_id=own)
        )
    return stages if states is None else stages.filter(state__in=states)


def list_payable_stages(*, actor: Actor) -> QuerySet[PaymentStage]:
    """Return the planned stages whose evidence is complete: they may be asked for now."""
    due = Q(trigger=StageTrigger.ON_ORDER) | Q(financing__order__state=OrderState.DELIVERED)
    return list_stages(actor=actor, states=[StageState.PLANNED]).filter(due)


def list_late_orders(*, actor: Actor, on: date) -> QuerySet[PurchaseOrder]:
    """Return the orders whose goods should have come before a day, with the value awaited."""
    waiting = list_orders(actor=actor, states=[OrderState.PLACED, OrderState.FINANCED])
    came = Coalesce(
        Sum("deliveries__lines__value"),
        Value(ZERO),
        output_field=DecimalField(max_digits=24, decimal_places=4),
    )
    return waiting.filter(deliver_by__lt=on).annotate(awaited=F("amount") - came)

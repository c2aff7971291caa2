"""Purchase orders: what is paid, what is to pay, which evidence is awaited."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.http import Http404

from lending.models import Facility
from orders.models import DeliveryLine, OrderLine, PaymentStage, PurchaseOrder
from orders.states import OrderState, StageState, StageTrigger
from parties.actors import Actor

ZERO = Decimal(0)
OVER = frozenset({OrderState.CLOSED, OrderState.CANCELLED})


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order with its stages, lines and what came in.

    The supplier sees what it is paid, but not the buyer's loan: `sees_credit` tells.
    """

    order: PurchaseOrder
    stages: list[PaymentStage]
    lines: list[OrderLine]
    deliveries: list[DeliveryLine]
    sees_credit: bool

    @property
    def paid(self) -> Decimal:
        """What the supplier has been paid, by lender and buyer together."""
        return sum((s.amount for s in self.stages if s.state == StageState.PAID), ZERO)

    @property
    def to_pay(self) -> Decimal:
        """What is still due to the supplier."""
        return ZERO if self.order.state in OVER else self.order.amount - self.paid

    @property
    def received(self) -> Decimal:
        """The share of the order, by value, that has been delivered."""
        value = sum((line.received * line.unit_price for line in self.lines), ZERO)
        return value / self.order.amount if self.order.amount else ZERO

    @property
    def next_stage(self) -> PaymentStage | None:
        """The first stage that is not paid."""
        return next((s for s in self.stages if s.state != StageState.PAID), None)

    @property
    def goods_awaited(self) -> bool:
        """Whether goods are still to come."""
        return self.order.state not in OVER and self.received < 1

    @property
    def awaits(self) -> str:
        """What evidence the order waits for: a code the pages put into words."""
        if self.order.state in OVER:
            return "nothing"
        stage = self.next_stage
        if stage is None:
            return "financing" if not self.stages else self._goods_or("nothing")
        asked = {StageState.REQUESTED: "checker", StageState.APPROVED: "bank"}
        if stage.state in asked:
            return asked[StageState(stage.state)]
        first = stage.trigger == StageTrigger.ON_ORDER
        return "first_payment" if first else self._goods_or("payment")

    def _goods_or(self, otherwise: str) -> str:
        return "goods" if self.goods_awaited else otherwise


def list_orders(actor: Actor, facility: Facility | None = None) -> list[OrderView]:
    """Return the orders the actor may see, newest first (six queries).

    With a facility: those it finances and those of its borrower that nobody finances yet.
    """
    orders = _orders(actor)
    if facility is not None:
        orders = orders.filter(financing__facility=facility) | orders.filter(
            financing__isnull=True, buyer_id=facility.borrower_id
        )
    return [_view(actor, order) for order in orders.distinct().order_by("-placed_on", "number")]


def get_order(actor: Actor, order_id: int) -> OrderView:
    """Return one order; 404 for strangers."""
    order = _orders(actor).filter(pk=order_id).distinct().first()
    if order is None:
        raise Http404
    return _view(actor, order)


def _orders(actor: Actor) -> QuerySet[PurchaseOrder]:
    stages = PaymentStage.objects.select_related(
        "disbursement__checker", "disbursement__maker"
    ).prefetch_related("claims__position")
    return (
        PurchaseOrder.objects.visible_to(actor)
        .select_related("buyer", "supplier", "deliver_to", "financing__loan", "financing__facility")
        .prefetch_related(
            Prefetch("financing__stages", stages),
            Prefetch("lines", OrderLine.objects.select_related("item").order_by("id")),
            Prefetch(
                "deliveries__lines",
                DeliveryLine.objects.select_related("delivery__reversal", "lot__item", "lot__site"),
            ),
        )
    )


def _view(actor: Actor, order: PurchaseOrder) -> OrderView:
    financing = getattr(order, "financing", None)
    inside = {financing.tenant_id, order.buyer_id} if financing else set()
    return OrderView(
        order=order,
        stages=sorted(financing.stages.all(), key=lambda stage: stage.sequence)
        if financing
        else [],
        lines=list(order.lines.all()),
        deliveries=[line for one in order.deliveries.all() for line in one.lines.all()],
        sees_credit=actor.sees_everything or actor.organisation_id in inside,
    )

"""The purchase order: what a manufacturer buys from one supplier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, QuantityField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.triggers import CopiesAgree
from logistics.models import Item, Site
from orders.states import ORDER_STATES, OrderState
from parties.models import Organisation

if TYPE_CHECKING:
    from datetime import date

    from parties.actors import Actor

_GUARDS = state_guards("purchaseorder", "state", ORDER_STATES)


class PurchaseOrderQuerySet(models.QuerySet["PurchaseOrder"]):
    """Reads of orders."""

    def visible_to(self, actor: Actor) -> PurchaseOrderQuerySet:
        """Buyer, supplier and receiving site see an order; so does the lender who finances it."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(
            Q(buyer_id=own)
            | Q(supplier_id=own)
            | Q(deliver_to__operator_id=own)
            | Q(financing__tenant_id=own)
        )


class PurchaseOrder(StateModel):
    """An order to one supplier for one site. `run` groups the orders of one production."""

    number = models.CharField(max_length=30)
    run = models.CharField(max_length=30, blank=True)
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="orders_placed")
    supplier = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="orders_received"
    )
    deliver_to = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    currency = CurrencyField()
    amount = MoneyAmountField(help_text="sum of the lines")
    placed_on = models.DateField(null=True)
    deliver_by = models.DateField()
    state = StateField(ORDER_STATES, max_length=10)

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["buyer", "number"], name="order_number_unique"),
            models.CheckConstraint(name="order_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="order_buyer_is_not_supplier", condition=~Q(buyer=F("supplier"))
            ),
            models.CheckConstraint(
                name="order_placed_says_when",
                condition=Q(state__in=[OrderState.DRAFT, OrderState.CANCELLED])
                | Q(placed_on__isnull=False),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "number", "buyer", "supplier", "deliver_to", "currency", "amount", "deliver_by"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=OrderState.DRAFT, target=OrderState.PLACED)
    def place(self, *, on: date) -> None:
        """Send the order to the supplier."""
        self.placed_on = on

    @transition(
        field=state, source=[OrderState.DRAFT, OrderState.PLACED], target=OrderState.CANCELLED
    )
    def cancel(self) -> None:
        """Call the order off; nothing was paid or received on it."""

    @transition(field=state, source=OrderState.PLACED, target=OrderState.FINANCED)
    def finance(self) -> None:
        """Have a lender pay its share of the stages."""

    @transition(
        field=state, source=[OrderState.PLACED, OrderState.FINANCED], target=OrderState.DELIVERED
    )
    def deliver(self) -> None:
        """Note that every line is received in full."""

    @transition(field=state, source=OrderState.DELIVERED, target=OrderState.FINANCED)
    def await_again(self) -> None:
        """Note that a delivery was a mistake: goods are awaited on the lender's money still."""

    @transition(field=state, source=OrderState.DELIVERED, target=OrderState.PLACED)
    def await_again_unfinanced(self) -> None:
        """Note the same of an order that the buyer pays alone."""

    @transition(field=state, source=OrderState.DELIVERED, target=OrderState.CLOSED)
    def close(self) -> None:
        """End the order: received and paid."""


class OrderLine(models.Model):
    """A quantity of one item at a price; `received` follows the deliveries that stand."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    unit_price = models.DecimalField(max_digits=24, decimal_places=8)
    amount = MoneyAmountField()
    received = QuantityField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "item"], name="order_line_item_unique"),
            models.CheckConstraint(
                name="order_line_positive", condition=Q(quantity__gt=0, amount__gt=0)
            ),
            models.CheckConstraint(
                name="order_line_received_within_quantity",
                condition=Q(received__gte=0, received__lte=F("quantity")),
            ),
        ]
        triggers = [
            frozen_columns("order", "item", "quantity", "unit_price", "amount"),
            CopiesAgree(
                constraint="received_falls_with_its_delivery",
                message="what was received falls only to what deliveries not reversed brought",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.received < OLD.received"),
                source="SELECT WHERE NEW.received = (SELECT coalesce(sum(d.quantity), 0) "
                "FROM orders_deliveryline d WHERE d.line_id = NEW.id AND NOT EXISTS ("
                "SELECT FROM orders_deliveryreversal r WHERE r.delivery_id = d.delivery_id))",
            ),
            CopiesAgree(
                constraint="order_is_a_draft",
                message="an order's lines are written before it is placed",
                source="SELECT 1 FROM orders_purchaseorder o "
                "WHERE o.id = NEW.order_id AND o.state = 'draft'",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.item}"

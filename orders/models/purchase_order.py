"""The purchase order: what a manufacturer buys from one supplier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, QuantityField
from logistics.models import Item, Site
from orders.states import OrderState
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class PurchaseOrderQuerySet(models.QuerySet["PurchaseOrder"]):
    """Reads of orders."""

    def visible_to(self, actor: Actor) -> PurchaseOrderQuerySet:
        """Buyer and supplier see an order; so does the lender who finances it."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(buyer_id=actor.organisation_id)
            | Q(supplier_id=actor.organisation_id)
            | Q(financing__tenant_id=actor.organisation_id)
        )


class PurchaseOrder(models.Model):
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
    state = models.CharField(max_length=10, choices=OrderState.choices, default=OrderState.DRAFT)

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["buyer", "number"], name="order_number_unique"),
            models.CheckConstraint(name="order_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="order_buyer_is_not_supplier", condition=~Q(buyer=F("supplier"))
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """A quantity of one item at a price; `received` follows deliveries."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    unit_price = models.DecimalField(max_digits=24, decimal_places=8)
    amount = MoneyAmountField()
    received = QuantityField(default=0)

    class Meta:
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

    def __str__(self) -> str:
        return f"{self.quantity} {self.item}"

"""Deliveries: what the receiving site reported to have come in on an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only
from lending.triggers import CopiesAgree
from logistics.models import Lot
from orders.models.purchase_order import OrderLine, PurchaseOrder


class Delivery(models.Model):
    """One goods-received report; a reference stands for one delivery of an order for ever."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="deliveries")
    reference = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    received_on = models.DateField()
    recorded_at = models.DateTimeField()
    actor_label = models.CharField(max_length=160)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["occurred_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "reference"], name="delivery_recorded_once"),
            models.CheckConstraint(name="delivery_has_a_reference", condition=~Q(reference="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.order} {self.reference}"


class DeliveryLine(models.Model):
    """One lot of a delivery and its value at the order's price, in the order's currency."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="receipts")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    value = MoneyAmountField(help_text="share of the line's amount")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="delivery_line_positive", condition=Q(quantity__gt=0, value__gte=0)
            )
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="line_of_same_order",
                message="a delivery brings what its own order names",
                source="SELECT 1 FROM orders_orderline l "
                "JOIN orders_delivery d ON d.order_id = l.order_id "
                "JOIN logistics_lot t ON t.item_id = l.item_id "
                "WHERE l.id = NEW.line_id AND d.id = NEW.delivery_id AND t.id = NEW.lot_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.lot}"

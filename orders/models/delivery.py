"""Deliveries: what the receiving site reported to have come in on an order."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, QuantityField
from common.immutability import append_only
from lending.triggers import CopiesAgree
from logistics.models import Lot
from orders.models.purchase_order import OrderLine, PurchaseOrder
from parties.models import Person


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Reads of deliveries."""

    def standing(self) -> DeliveryQuerySet:
        """Deliveries that were not taken back."""
        return self.filter(reversal__isnull=True)


class Delivery(models.Model):
    """One goods-received report; a reference stands for one delivery of an order for ever."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="deliveries")
    reference = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    received_on = models.DateField()
    recorded_at = models.DateTimeField()
    actor_label = models.CharField(max_length=160)

    objects = DeliveryQuerySet.as_manager()

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


class DeliveryReversal(models.Model):
    """The word of two persons that a delivery was reported by mistake; once, never changed."""

    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="reversal")
    reversed_on = models.DateField()
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["recorded_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="delivery_reversal_checked_by_another_person",
                condition=~Q(maker=F("checker")),
            ),
            models.CheckConstraint(name="delivery_reversal_says_why", condition=~Q(reason="")),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="undoes_the_last_delivery",
                message="the last delivery of an order goes back first, on its day or later",
                source="SELECT FROM orders_delivery d WHERE d.id = NEW.delivery_id "
                "AND d.received_on <= NEW.reversed_on AND NOT EXISTS ("
                "SELECT FROM orders_delivery later WHERE later.order_id = d.order_id "
                "AND later.id > d.id AND NOT EXISTS (SELECT FROM orders_deliveryreversal r "
                "WHERE r.delivery_id = later.id))",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery} taken back on {self.reversed_on}"

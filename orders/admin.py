"""The console's view of orders."""

from django.contrib import admin

from common.console import VISIBLE_TO, ReadOnlyAdmin
from orders.models import (
    Delivery,
    DeliveryLine,
    DeliveryReversal,
    OrderClaim,
    OrderFinancing,
    OrderLine,
    PaymentStage,
    PurchaseOrder,
)


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """Orders the lender finances."""

    lender_path = VISIBLE_TO
    list_display = (
        "number",
        "run",
        "buyer",
        "supplier",
        "amount",
        "currency",
        "deliver_by",
        "state",
    )
    list_filter = ("state", "currency", ("supplier", admin.RelatedOnlyFieldListFilter))
    search_fields = ("number", "run", "supplier__name", "buyer__name")
    list_select_related = ("buyer", "supplier")
    date_hierarchy = "placed_on"


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    """What was ordered and what came."""

    lender_path = "order__financing__tenant"
    list_display = ("order", "item", "quantity", "received", "unit_price", "amount")
    search_fields = ("order__number", "item__code")
    list_select_related = ("order", "item")


@admin.register(OrderFinancing)
class OrderFinancingAdmin(ReadOnlyAdmin):
    """How orders are financed."""

    lender_path = "tenant"
    list_display = ("order", "facility", "loan", "share")
    list_filter = (("facility", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("order__number", "loan__number")
    list_select_related = ("order", "facility", "loan")


@admin.register(PaymentStage)
class PaymentStageAdmin(ReadOnlyAdmin):
    """Payments to suppliers, stage by stage."""

    lender_path = "financing__tenant"
    list_display = (
        "financing",
        "sequence",
        "trigger",
        "amount",
        "lender_amount",
        "paid_on",
        "state",
    )
    list_filter = ("state", "trigger")
    search_fields = ("financing__order__number", "own_reference")
    list_select_related = ("financing__order",)


@admin.register(OrderClaim)
class OrderClaimAdmin(ReadOnlyAdmin):
    """Which payment made which claim."""

    lender_path = "stage__financing__tenant"
    list_display = ("stage", "position")
    search_fields = ("stage__financing__order__number", "position__label")
    list_select_related = ("stage__financing__order", "position")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Goods-received reports."""

    lender_path = "order__financing__tenant"
    list_display = ("occurred_at", "order", "reference", "received_on", "actor_label")
    search_fields = ("reference", "order__number")
    list_select_related = ("order",)
    date_hierarchy = "received_on"


@admin.register(DeliveryReversal)
class DeliveryReversalAdmin(ReadOnlyAdmin):
    """Deliveries that two persons took back."""

    lender_path = "delivery__order__financing__tenant"
    list_display = ("reversed_on", "delivery", "reason", "maker", "checker")
    search_fields = ("delivery__reference", "delivery__order__number", "reason")
    list_select_related = ("delivery__order", "maker", "checker")


@admin.register(DeliveryLine)
class DeliveryLineAdmin(ReadOnlyAdmin):
    """Lots of deliveries with their value."""

    lender_path = "delivery__order__financing__tenant"
    list_display = ("delivery", "line", "lot", "quantity", "value")
    search_fields = ("delivery__reference", "lot__number")
    list_select_related = ("delivery__order", "line__item", "lot__item")

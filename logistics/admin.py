"""The console's view of goods."""

from django.contrib import admin
from django.db.models import QuerySet

from common.console import EVERYBODY, PLATFORM_ONLY, VISIBLE_TO, ReadOnlyAdmin
from logistics.models import (
    BillLine,
    BillOfMaterials,
    Hold,
    Item,
    ItemContent,
    Lot,
    ProductionRun,
    ReceiptEntry,
    SerialUnit,
    Shipment,
    ShipmentLine,
    Site,
    StockAct,
    StockEvent,
    WarehouseReceipt,
    WorkInProcess,
)


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    """Places where goods lie."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "name_zh", "operator", "kind", "country")
    list_filter = ("kind", "country")
    search_fields = ("code", "name", "name_zh", "gln")
    list_select_related = ("operator",)


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """Kinds of goods with their price formulas."""

    lender_path = VISIBLE_TO
    list_display = ("code", "name", "unit", "owner", "premium", "premium_rate", "rate_factor")
    list_filter = ("unit",)
    search_fields = ("code", "name", "name_zh", "gtin")
    list_select_related = ("owner",)


@admin.register(ItemContent)
class ItemContentAdmin(ReadOnlyAdmin):
    """How much of which commodity is in an item."""

    lender_path = EVERYBODY
    list_display = ("item", "commodity", "quantity")
    list_filter = ("commodity",)
    search_fields = ("item__code",)
    list_select_related = ("item", "commodity")


@admin.register(BillOfMaterials)
class BillOfMaterialsAdmin(ReadOnlyAdmin):
    """What products are made of."""

    lender_path = VISIBLE_TO
    list_display = ("product", "loss_tolerance")
    search_fields = ("product__code",)
    list_select_related = ("product",)


@admin.register(BillLine)
class BillLineAdmin(ReadOnlyAdmin):
    """Material per unit of product; as secret as its bill, which lenders do not see."""

    lender_path = PLATFORM_ONLY
    list_display = ("bill", "material", "quantity")
    search_fields = ("bill__product__code", "material__code")
    list_select_related = ("bill__product", "material")


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    """Lots on which the lender has or had a claim."""

    lender_path = "positions__tenant"
    path_meets_many = True
    list_display = ("number", "item", "site", "owner", "on_hand", "claimed", "held", "received_on")
    list_filter = (
        ("site", admin.RelatedOnlyFieldListFilter),
        ("item", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("number", "item__code", "site__code")
    list_select_related = ("item", "site", "owner")
    date_hierarchy = "received_on"


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Claims on lots, each by the position that makes it: only the lender's own."""

    lender_path = "lot__positions__tenant"
    list_display = ("lot", "kind", "quantity", "placed_at", "lifted_at")
    list_filter = ("kind",)
    search_fields = ("lot__number", "reference")
    list_select_related = ("lot__item",)

    def of_lender(self, rows: QuerySet[Hold], lender_id: int) -> QuerySet[Hold]:
        """Keep holds whose position is the lender's; another lender's claim stays unseen."""
        own = Lot.objects.filter(positions__tenant=lender_id).values("positions__id")
        return rows.filter(reference__in=own)


@admin.register(StockAct)
class StockActAdmin(ReadOnlyAdmin):
    """Happenings as custodians reported them."""

    lender_path = "events__lot__positions__tenant"
    path_meets_many = True
    list_display = ("occurred_at", "kind", "source", "reference", "actor_label")
    list_filter = ("kind",)
    search_fields = ("reference",)
    list_select_related = ("source",)
    date_hierarchy = "occurred_at"


@admin.register(StockEvent)
class StockEventAdmin(ReadOnlyAdmin):
    """Changes of quantities on hand."""

    lender_path = "lot__positions__tenant"
    path_meets_many = True
    list_display = ("act", "lot", "kind", "quantity")
    list_filter = ("kind",)
    search_fields = ("act__reference", "lot__number")
    list_select_related = ("act", "lot__item")


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
    """Goods under way with a carrier, by document of title."""

    lender_path = "holder"
    list_display = ("bill_number", "carrier", "vehicle", "destination", "loaded_at", "state")
    list_filter = ("state", ("carrier", admin.RelatedOnlyFieldListFilter))
    search_fields = ("bill_number", "normal_number", "vehicle__name")
    list_select_related = ("carrier", "vehicle", "destination")
    date_hierarchy = "loaded_at"


@admin.register(ShipmentLine)
class ShipmentLineAdmin(ReadOnlyAdmin):
    """Lines of documents of title."""

    lender_path = "shipment__holder"
    list_display = ("shipment", "sequence", "source", "lot", "quantity")
    search_fields = ("shipment__bill_number", "source__number")
    list_select_related = ("shipment", "source__item", "lot__item")


@admin.register(WarehouseReceipt)
class WarehouseReceiptAdmin(ReadOnlyAdmin):
    """Warehouse receipts for lots on which the lender has or had a claim."""

    lender_path = "lot__positions__tenant"
    path_meets_many = True
    list_display = ("number", "operator", "lot", "quantity", "holder", "issued_on", "state")
    list_filter = ("state", ("site", admin.RelatedOnlyFieldListFilter))
    search_fields = ("number", "normal_number", "lot__number")
    list_select_related = ("operator", "lot__item", "holder")
    date_hierarchy = "issued_on"


@admin.register(ReceiptEntry)
class ReceiptEntryAdmin(ReadOnlyAdmin):
    """What became of warehouse receipts."""

    lender_path = "receipt__lot__positions__tenant"
    path_meets_many = True
    list_display = ("happened_at", "receipt", "act", "other", "quantity", "actor_label")
    list_filter = ("act",)
    search_fields = ("receipt__number",)
    list_select_related = ("receipt", "other")
    date_hierarchy = "happened_at"


@admin.register(SerialUnit)
class SerialUnitAdmin(ReadOnlyAdmin):
    """Single pieces of lots on which the lender has or had a claim."""

    lender_path = "lot__positions__tenant"
    path_meets_many = True
    list_display = ("serial", "lot", "recorded_at")
    search_fields = ("serial", "normal_serial", "lot__number")
    list_select_related = ("lot__item",)


@admin.register(ProductionRun)
class ProductionRunAdmin(ReadOnlyAdmin):
    """Production runs that were started."""

    lender_path = "materials__lot__positions__tenant"
    path_meets_many = True
    list_display = ("number", "site", "product", "planned", "owner")
    search_fields = ("number", "product__code")
    list_select_related = ("site", "product", "owner")


@admin.register(WorkInProcess)
class WorkInProcessAdmin(ReadOnlyAdmin):
    """Materials between the store and the product."""

    lender_path = "lot__positions__tenant"
    path_meets_many = True
    list_display = ("run", "lot", "taken_from", "quantity")
    search_fields = ("run__number", "lot__number")
    list_select_related = ("run", "lot__item", "taken_from__item")

"""Kinds of site, of stock act and event, and of claim on a lot."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class SiteKind(TextChoices):
    """Where goods can be."""

    FACTORY = "factory", _("Factory")
    WAREHOUSE = "warehouse", _("Warehouse")
    VEHICLE = "vehicle", _("Vehicle")
    SHOP = "shop", _("Shop")


class StockActKind(TextChoices):
    """What a custodian reports, as one happening."""

    RECEIVED = "received", _("Goods received")
    STARTED = "started", _("Production started")
    PRODUCED = "produced", _("Production")
    MOVED = "moved", _("Goods moved")
    SHIPPED = "shipped", _("Goods shipped")
    RETURNED = "returned", _("Goods returned")
    COUNTED = "counted", _("Stock counted")
    REVERSED = "reversed", _("Report reversed")


class StockEventKind(TextChoices):
    """What happened to a lot; the sign of the quantity follows."""

    RECEIVED = "received", _("Received")
    CONSUMED = "consumed", _("Consumed in production")
    PRODUCED = "produced", _("Produced")
    SCRAPPED = "scrapped", _("Scrap from production")
    MOVED_OUT = "moved_out", _("Moved out")
    MOVED_IN = "moved_in", _("Moved in")
    SHIPPED = "shipped", _("Shipped")
    RETURNED = "returned", _("Returned")
    ADJUSTED = "adjusted", _("Adjusted after a count")
    REVERSED = "reversed", _("Reversed")


INFLOWS = frozenset(
    {
        StockEventKind.RECEIVED,
        StockEventKind.PRODUCED,
        StockEventKind.SCRAPPED,
        StockEventKind.MOVED_IN,
        StockEventKind.RETURNED,
    }
)
OUTFLOWS = frozenset({StockEventKind.CONSUMED, StockEventKind.MOVED_OUT, StockEventKind.SHIPPED})
# Of either sign: what a count finds, and the opposite of what was reported by mistake.
EITHER_WAY = frozenset({StockEventKind.ADJUSTED, StockEventKind.REVERSED})

# Reports that are put right by their opposite. What was shipped is returned, what was counted is
# counted again.
REVERSIBLE = frozenset(
    {StockActKind.RECEIVED, StockActKind.STARTED, StockActKind.PRODUCED, StockActKind.MOVED}
)


class HoldKind(TextChoices):
    """How firmly a claim binds the goods."""

    MORTGAGE = "mortgage", _("Claimed, may move in the ordinary course")
    PLEDGE = "pledge", _("Held, leaves only by release order")


class ShipmentState(TextChoices):
    """Life of a shipment under a document of title."""

    LOADED = "loaded", _("Loaded")
    PARTLY_ARRIVED = "partly_arrived", _("Partly arrived")
    ENDED = "ended", _("Ended")
    CANCELLED = "cancelled", _("Cancelled")


# The way back is open for reports that were made by mistake and are reversed.
SHIPMENT_STATES = StateTable(
    states=ShipmentState,
    initial={ShipmentState.LOADED},
    transitions={
        (ShipmentState.LOADED, ShipmentState.PARTLY_ARRIVED),
        (ShipmentState.LOADED, ShipmentState.ENDED),
        (ShipmentState.LOADED, ShipmentState.CANCELLED),
        (ShipmentState.PARTLY_ARRIVED, ShipmentState.ENDED),
        (ShipmentState.PARTLY_ARRIVED, ShipmentState.LOADED),
        (ShipmentState.PARTLY_ARRIVED, ShipmentState.CANCELLED),
        (ShipmentState.ENDED, ShipmentState.PARTLY_ARRIVED),
        (ShipmentState.ENDED, ShipmentState.LOADED),
    },
)


class Negotiability(TextChoices):
    """To whom the goods of a receipt are due."""

    TO_HOLDER = "to_holder", _("To the holder")
    TO_ORDER = "to_order", _("To order")
    NAMED = "named", _("To a named person, not negotiable")


class ReceiptState(TextChoices):
    """Life of a warehouse receipt."""

    ISSUED = "issued", _("Issued")
    SPLIT = "split", _("Split")
    MERGED = "merged", _("Merged")
    CANCELLED = "cancelled", _("Cancelled")
    SURRENDERED = "surrendered", _("Surrendered")


RECEIPT_STATES = StateTable(
    states=ReceiptState,
    initial={ReceiptState.ISSUED},
    transitions={
        (ReceiptState.ISSUED, ReceiptState.SPLIT),
        (ReceiptState.ISSUED, ReceiptState.MERGED),
        (ReceiptState.ISSUED, ReceiptState.CANCELLED),
        (ReceiptState.ISSUED, ReceiptState.SURRENDERED),
    },
)


class ReceiptAct(TextChoices):
    """What happens to a warehouse receipt."""

    ISSUED = "issued", _("Issued")
    TRANSFERRED = "transferred", _("Transferred")
    SPLIT = "split", _("Split")
    MERGED = "merged", _("Merged")
    CANCELLED = "cancelled", _("Cancelled")
    SURRENDERED = "surrendered", _("Surrendered")

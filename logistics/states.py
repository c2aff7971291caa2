"""Kinds of site, of stock act and event, and of claim on a lot."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SiteKind(TextChoices):
    """Where goods can be."""

    FACTORY = "factory", _("Factory")
    WAREHOUSE = "warehouse", _("Warehouse")
    VEHICLE = "vehicle", _("Vehicle")
    SHOP = "shop", _("Shop")


class StockActKind(TextChoices):
    """What a custodian reports, as one happening."""

    RECEIVED = "received", _("Goods received")
    PRODUCED = "produced", _("Production")
    MOVED = "moved", _("Goods moved")
    SHIPPED = "shipped", _("Goods shipped")
    RETURNED = "returned", _("Goods returned")
    COUNTED = "counted", _("Stock counted")


class StockEventKind(TextChoices):
    """What happened to a lot; the sign of the quantity follows."""

    RECEIVED = "received", _("Received")
    CONSUMED = "consumed", _("Consumed in production")
    PRODUCED = "produced", _("Produced")
    MOVED_OUT = "moved_out", _("Moved out")
    MOVED_IN = "moved_in", _("Moved in")
    SHIPPED = "shipped", _("Shipped")
    RETURNED = "returned", _("Returned")
    ADJUSTED = "adjusted", _("Adjusted after a count")


INFLOWS = frozenset(
    {
        StockEventKind.RECEIVED,
        StockEventKind.PRODUCED,
        StockEventKind.MOVED_IN,
        StockEventKind.RETURNED,
    }
)
OUTFLOWS = frozenset({StockEventKind.CONSUMED, StockEventKind.MOVED_OUT, StockEventKind.SHIPPED})


class HoldKind(TextChoices):
    """How firmly a claim binds the goods."""

    MORTGAGE = "mortgage", _("Claimed, may move in the ordinary course")
    PLEDGE = "pledge", _("Held, leaves only by release order")

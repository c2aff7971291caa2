"""States of purchase orders and their payment stages."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrderState(TextChoices):
    """Life of a purchase order."""

    DRAFT = "draft", _("Draft")
    PLACED = "placed", _("Placed")
    FINANCED = "financed", _("Financed")
    DELIVERED = "delivered", _("Delivered")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


ORDER_TRANSITIONS = frozenset(
    {
        ("draft", "placed"),
        ("draft", "cancelled"),
        ("placed", "financed"),
        ("placed", "cancelled"),
        ("financed", "delivered"),
        ("delivered", "closed"),
    }
)


class StageTrigger(TextChoices):
    """The evidence that makes a stage payable."""

    ON_ORDER = "on_order", _("On order")
    ON_RECEIPT = "on_receipt", _("On receipt")


class StageState(TextChoices):
    """Life of one payment stage."""

    PLANNED = "planned", _("Planned")
    REQUESTED = "requested", _("Requested")
    PAID = "paid", _("Paid")


STAGE_TRANSITIONS = frozenset({("planned", "requested"), ("requested", "paid")})

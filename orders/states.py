"""States of purchase orders and their payment stages."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class OrderState(TextChoices):
    """Life of a purchase order."""

    DRAFT = "draft", _("Draft")
    PLACED = "placed", _("Placed")
    FINANCED = "financed", _("Financed")
    DELIVERED = "delivered", _("Delivered")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


# An order that the buyer pays alone is delivered without ever being financed.
ORDER_STATES = StateTable(
    states=OrderState,
    initial={OrderState.DRAFT},
    transitions={
        (OrderState.DRAFT, OrderState.PLACED),
        (OrderState.DRAFT, OrderState.CANCELLED),
        (OrderState.PLACED, OrderState.FINANCED),
        (OrderState.PLACED, OrderState.DELIVERED),
        (OrderState.PLACED, OrderState.CANCELLED),
        (OrderState.FINANCED, OrderState.DELIVERED),
        (OrderState.DELIVERED, OrderState.CLOSED),
        (OrderState.DELIVERED, OrderState.FINANCED),
        (OrderState.DELIVERED, OrderState.PLACED),
    },
)
AWAITING_GOODS = frozenset({OrderState.PLACED, OrderState.FINANCED})


class StageTrigger(TextChoices):
    """The evidence that makes a stage payable."""

    ON_ORDER = "on_order", _("On order")
    ON_RECEIPT = "on_receipt", _("On receipt")


class StageState(TextChoices):
    """Life of one payment stage: asked for, instructed to the bank, confirmed by it."""

    PLANNED = "planned", _("Planned")
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid")


STAGE_STATES = StateTable(
    states=StageState,
    initial={StageState.PLANNED},
    transitions={
        (StageState.PLANNED, StageState.REQUESTED),
        (StageState.REQUESTED, StageState.PLANNED),
        (StageState.REQUESTED, StageState.APPROVED),
        (StageState.APPROVED, StageState.PAID),
        (StageState.APPROVED, StageState.PLANNED),
    },
)
INSTRUCTED = frozenset({StageState.APPROVED, StageState.PAID})

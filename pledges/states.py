"""Rights, conversions and bands: the vocabulary of the rights engine as data."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class Right(TextChoices):
    """The legal nature of a position."""

    ORDER_CLAIM = "order_claim", _("Order claim")
    FLOATING_MORTGAGE = "floating_mortgage", _("Floating mortgage")
    PLEDGE = "pledge", _("Pledge")
    IN_TRANSIT = "in_transit", _("In transit")
    RECEIVABLE = "receivable", _("Receivable")
    PROCEEDS = "proceeds", _("Proceeds")
    RELEASED = "released", _("Released")
    REPAID = "repaid", _("Repaid")
    REALISED = "realised", _("Realised")
    WRITTEN_OFF = "written_off", _("Written off")


CREDITOR_RIGHTS = frozenset({Right.ORDER_CLAIM, Right.RECEIVABLE})
PROPERTY_RIGHTS = frozenset({Right.FLOATING_MORTGAGE, Right.PLEDGE, Right.IN_TRANSIT})
TERMINAL_RIGHTS = frozenset({Right.RELEASED, Right.REPAID, Right.REALISED, Right.WRITTEN_OFF})
LIVE_RIGHTS = frozenset(Right) - TERMINAL_RIGHTS
MONEY_RIGHTS = LIVE_RIGHTS - PROPERTY_RIGHTS


class ConversionKind(TextChoices):
    """The acts that turn positions into others."""

    PREPAY = "prepay", _("Prepaid")
    DELIVER = "deliver", _("Delivered")
    TRANSFORM = "transform", _("Transformed")
    PLEDGE = "pledge", _("Pledged")
    SUBSTITUTE = "substitute", _("Substituted")
    RELEASE = "release", _("Released")
    SELL = "sell", _("Sold")
    COLLECT = "collect", _("Collected")
    APPLY = "apply", _("Applied")
    REVOKE = "revoke", _("Revoked")


# kind -> (rights that may be consumed, rights that may be produced).
CONVERSIONS: dict[ConversionKind, tuple[frozenset[Right], frozenset[Right]]] = {
    ConversionKind.PREPAY: (frozenset(), frozenset({Right.ORDER_CLAIM})),
    ConversionKind.DELIVER: (
        frozenset({Right.ORDER_CLAIM}),
        frozenset({Right.FLOATING_MORTGAGE}),
    ),
    ConversionKind.TRANSFORM: (
        frozenset({Right.FLOATING_MORTGAGE}),
        frozenset({Right.FLOATING_MORTGAGE, Right.PLEDGE}),
    ),
    ConversionKind.PLEDGE: (frozenset({Right.FLOATING_MORTGAGE}), frozenset({Right.PLEDGE})),
    ConversionKind.SUBSTITUTE: (
        frozenset({Right.FLOATING_MORTGAGE, Right.PLEDGE}),
        frozenset({Right.PLEDGE, Right.RELEASED}),
    ),
    ConversionKind.RELEASE: (PROPERTY_RIGHTS, frozenset({Right.RELEASED})),
    ConversionKind.SELL: (
        frozenset({Right.PLEDGE, Right.IN_TRANSIT}),
        frozenset({Right.RECEIVABLE}),
    ),
    ConversionKind.COLLECT: (frozenset({Right.RECEIVABLE}), frozenset({Right.PROCEEDS})),
    ConversionKind.APPLY: (
        frozenset({Right.PROCEEDS}),
        frozenset({Right.REPAID, Right.RELEASED}),
    ),
    # The bank did not make the payment that a claim was founded on.
    ConversionKind.REVOKE: (frozenset({Right.ORDER_CLAIM}), frozenset({Right.RELEASED})),
}


# Goods may be pledged without any claim on them, and come before anything was paid for them.
FROM_NOTHING = frozenset({ConversionKind.PREPAY, ConversionKind.DELIVER, ConversionKind.PLEDGE})


class Band(TextChoices):
    """How well a facility is covered, from calm to urgent."""

    COVERED = "covered", _("Covered")
    WATCH = "watch", _("Watch")
    CALLED = "called", _("Called")
    CLOSE_OUT = "close_out", _("Close-out")


class MarginCallState(TextChoices):
    """Life of a margin call."""

    OPEN = "open", _("Open")
    ESCALATED = "escalated", _("Escalated")
    CURED = "cured", _("Cured")


MARGIN_CALL_STATES = StateTable(
    states=MarginCallState,
    initial={MarginCallState.OPEN},
    transitions={
        (MarginCallState.OPEN, MarginCallState.ESCALATED),
        (MarginCallState.OPEN, MarginCallState.CURED),
        (MarginCallState.ESCALATED, MarginCallState.CURED),
    },
)


class Direction(TextChoices):
    """Which side of a conversion a leg stands on."""

    CONSUMED = "consumed", _("Consumed")
    PRODUCED = "produced", _("Produced")

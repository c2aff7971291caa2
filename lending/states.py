"""States of facilities, loans and disbursements, and the pairs that may follow each other."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Product(TextChoices):
    """What a loan is for; decides who may be paid."""

    ORDER = "order", _("Order finance")
    PLEDGE = "pledge", _("Pledge loan")
    FACTORING = "factoring", _("Factoring advance")


class FacilityState(TextChoices):
    """Life of a facility."""

    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    FROZEN = "frozen", _("Frozen")
    CLOSED = "closed", _("Closed")


FACILITY_TRANSITIONS = frozenset(
    {("draft", "active"), ("active", "frozen"), ("frozen", "active"), ("active", "closed")}
)


class LoanState(TextChoices):
    """Life of a loan."""

    AGREED = "agreed", _("Agreed")
    DRAWN = "drawn", _("Drawn")
    OVERDUE = "overdue", _("Overdue")
    REPAID = "repaid", _("Repaid")
    CANCELLED = "cancelled", _("Cancelled")


LOAN_TRANSITIONS = frozenset(
    {
        ("agreed", "drawn"),
        ("agreed", "cancelled"),
        ("drawn", "overdue"),
        ("drawn", "repaid"),
        ("overdue", "repaid"),
    }
)
OWING = frozenset({LoanState.DRAWN, LoanState.OVERDUE})


class DisbursementState(TextChoices):
    """Life of one payment out: asked for, instructed to the bank, confirmed or returned."""

    REQUESTED = "requested", _("Requested")
    INSTRUCTED = "instructed", _("Instructed")
    PAID = "paid", _("Paid")
    REFUSED = "refused", _("Refused")


DISBURSEMENT_TRANSITIONS = frozenset(
    {("requested", "instructed"), ("requested", "refused"), ("instructed", "paid")}
)


class Component(TextChoices):
    """What money pays for, in no order: the order is the facility's waterfall."""

    COSTS = "costs", _("Costs")
    FEES = "fees", _("Fees")
    PENALTY = "penalty", _("Overdue interest")
    INTEREST = "interest", _("Interest")
    PRINCIPAL = "principal", _("Principal")


DEFAULT_WATERFALL = [
    Component.COSTS,
    Component.FEES,
    Component.PENALTY,
    Component.INTEREST,
    Component.PRINCIPAL,
]


class DayCount(TextChoices):
    """How days become a fraction of a year (names as in common.daycounts)."""

    ACT_360 = "act/360", "actual/360"
    ACT_365F = "act/365f", "actual/365F"
    ACT_ACT = "act/act", "actual/actual ISDA"
    THIRTY_360 = "30/360", "30/360"

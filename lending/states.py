"""States of facilities, loans and disbursements, and the pairs that may follow each other."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


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


FACILITY_STATES = StateTable(
    states=FacilityState,
    initial={FacilityState.DRAFT},
    transitions={
        (FacilityState.DRAFT, FacilityState.ACTIVE),
        (FacilityState.ACTIVE, FacilityState.FROZEN),
        (FacilityState.FROZEN, FacilityState.ACTIVE),
        (FacilityState.ACTIVE, FacilityState.CLOSED),
    },
)


class LoanState(TextChoices):
    """Life of a loan."""

    AGREED = "agreed", _("Agreed")
    DRAWN = "drawn", _("Drawn")
    OVERDUE = "overdue", _("Overdue")
    REPAID = "repaid", _("Repaid")
    CANCELLED = "cancelled", _("Cancelled")


LOAN_STATES = StateTable(
    states=LoanState,
    initial={LoanState.AGREED},
    transitions={
        (LoanState.AGREED, LoanState.DRAWN),
        (LoanState.AGREED, LoanState.CANCELLED),
        (LoanState.DRAWN, LoanState.OVERDUE),
        (LoanState.DRAWN, LoanState.REPAID),
        (LoanState.OVERDUE, LoanState.REPAID),
    },
)
OWING = frozenset({LoanState.DRAWN, LoanState.OVERDUE})
DRAWABLE = frozenset({LoanState.AGREED, LoanState.DRAWN})
OPEN = OWING | DRAWABLE


class DisbursementState(TextChoices):
    """Life of one payment out: asked for, instructed to the bank, confirmed or sent back."""

    REQUESTED = "requested", _("Requested")
    INSTRUCTED = "instructed", _("Instructed")
    PAID = "paid", _("Paid")
    REFUSED = "refused", _("Refused")
    RETURNED = "returned", _("Returned by the bank")


DISBURSEMENT_STATES = StateTable(
    states=DisbursementState,
    initial={DisbursementState.REQUESTED},
    transitions={
        (DisbursementState.REQUESTED, DisbursementState.INSTRUCTED),
        (DisbursementState.REQUESTED, DisbursementState.REFUSED),
        (DisbursementState.INSTRUCTED, DisbursementState.PAID),
        (DisbursementState.INSTRUCTED, DisbursementState.RETURNED),
    },
)


class RepaymentSource(TextChoices):
    """Where the money of a repayment came from."""

    CASH = "cash", _("Cash")
    PROCEEDS = "proceeds", _("Collected proceeds")
    REFINANCE = "refinance", _("Drawn under a new loan")


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

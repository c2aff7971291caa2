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
    DEFAULTED = "defaulted", _("In default")
    CLOSED = "closed", _("Closed")


FACILITY_STATES = StateTable(
    states=FacilityState,
    initial={FacilityState.DRAFT},
    transitions={
        (FacilityState.DRAFT, FacilityState.ACTIVE),
        (FacilityState.ACTIVE, FacilityState.FROZEN),
        (FacilityState.FROZEN, FacilityState.ACTIVE),
        (FacilityState.ACTIVE, FacilityState.CLOSED),
        (FacilityState.ACTIVE, FacilityState.DEFAULTED),
        (FacilityState.FROZEN, FacilityState.DEFAULTED),
        (FacilityState.DEFAULTED, FacilityState.ACTIVE),
        (FacilityState.DEFAULTED, FacilityState.CLOSED),
    },
)


class ChangeState(TextChoices):
    """Life of a change of a facility's terms: asked for by one person, decided by another."""

    REQUESTED = "requested", _("Requested")
    APPLIED = "applied", _("In force")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


CHANGE_STATES = StateTable(
    states=ChangeState,
    initial={ChangeState.REQUESTED},
    transitions={
        (ChangeState.REQUESTED, ChangeState.APPLIED),
        (ChangeState.REQUESTED, ChangeState.REFUSED),
        (ChangeState.REQUESTED, ChangeState.WITHDRAWN),
    },
)


class LoanState(TextChoices):
    """Life of a loan."""

    AGREED = "agreed", _("Agreed")
    DRAWN = "drawn", _("Drawn")
    OVERDUE = "overdue", _("Overdue")
    REPAID = "repaid", _("Repaid")
    CANCELLED = "cancelled", _("Cancelled")
    WRITTEN_OFF = "written_off", _("Written off")


LOAN_STATES = StateTable(
    states=LoanState,
    initial={LoanState.AGREED},
    transitions={
        (LoanState.AGREED, LoanState.DRAWN),
        (LoanState.AGREED, LoanState.CANCELLED),
        (LoanState.DRAWN, LoanState.OVERDUE),
        (LoanState.DRAWN, LoanState.REPAID),
        (LoanState.OVERDUE, LoanState.REPAID),
        (LoanState.REPAID, LoanState.DRAWN),
        (LoanState.REPAID, LoanState.OVERDUE),
        (LoanState.DRAWN, LoanState.WRITTEN_OFF),
        (LoanState.OVERDUE, LoanState.WRITTEN_OFF),
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


class DefaultCause(TextChoices):
    """Why a borrower is in default."""

    UNPAID = "unpaid", _("Unpaid when due")
    UNCURED_CALL = "uncured_call", _("Margin call not cured in time")
    INSOLVENCY = "insolvency", _("Insolvency")
    AGREED_EVENT = "agreed_event", _("Event agreed as default")


class NoticeState(TextChoices):
    """Life of a notice of default: written by one person, given by another."""

    PROPOSED = "proposed", _("Proposed")
    DECLARED = "declared", _("Declared")
    HEALED = "healed", _("Healed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


NOTICE_STATES = StateTable(
    states=NoticeState,
    initial={NoticeState.PROPOSED},
    transitions={
        (NoticeState.PROPOSED, NoticeState.DECLARED),
        (NoticeState.PROPOSED, NoticeState.WITHDRAWN),
        (NoticeState.DECLARED, NoticeState.HEALED),
    },
)


class WriteOffState(TextChoices):
    """Life of a write-off: asked for by one person, booked by another."""

    REQUESTED = "requested", _("Requested")
    BOOKED = "booked", _("Booked")
    REFUSED = "refused", _("Refused")


WRITE_OFF_STATES = StateTable(
    states=WriteOffState,
    initial={WriteOffState.REQUESTED},
    transitions={
        (WriteOffState.REQUESTED, WriteOffState.BOOKED),
        (WriteOffState.REQUESTED, WriteOffState.REFUSED),
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


class Jurisdiction(TextChoices):
    """Whose law a facility's security stands under; codes after ISO 3166, ZZ for none in kind."""

    CHINA = "CN", _("China")
    US_UCC = "US", _("United States, UCC")
    GENERIC = "ZZ", _("Generic")

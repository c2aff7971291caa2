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
# One debt and one sum of cash stay one claim: what comes back of them joins what remained.
JOINED = frozenset({Right.RECEIVABLE, Right.PROCEEDS})


class ConversionKind(TextChoices):
    """The acts that turn positions into others."""

    PREPAY = "prepay", _("Prepaid")
    DELIVER = "deliver", _("Delivered")
    ATTACH = "attach", _("Attached")
    TRANSFORM = "transform", _("Transformed")
    PLEDGE = "pledge", _("Pledged")
    CRYSTALLISE = "crystallise", _("Crystallised")
    SHIP = "ship", _("Shipped")
    ARRIVE = "arrive", _("Arrived")
    SUBSTITUTE = "substitute", _("Substituted")
    RELEASE = "release", _("Released")
    OUTFLOW = "outflow", _("Left in the ordinary course")
    LOSE = "lose", _("Lost")
    SELL = "sell", _("Sold")
    RETURN = "return", _("Returned")
    COLLECT = "collect", _("Collected")
    APPLY = "apply", _("Applied")
    REVOKE = "revoke", _("Revoked")
    ENFORCE = "enforce", _("Enforced")
    REVERSE = "reverse", _("Reversed")


# kind -> (rights that may be consumed, rights that may be produced).
CONVERSIONS: dict[ConversionKind, tuple[frozenset[Right], frozenset[Right]]] = {
    ConversionKind.PREPAY: (frozenset(), frozenset({Right.ORDER_CLAIM})),
    ConversionKind.DELIVER: (
        frozenset({Right.ORDER_CLAIM}),
        frozenset({Right.FLOATING_MORTGAGE}),
    ),
    # After-acquired goods of the mortgaged class come under it as they are received.
    ConversionKind.ATTACH: (frozenset(), frozenset({Right.FLOATING_MORTGAGE})),
    ConversionKind.TRANSFORM: (
        frozenset({Right.FLOATING_MORTGAGE}),
        frozenset({Right.FLOATING_MORTGAGE, Right.PLEDGE}),
    ),
    ConversionKind.PLEDGE: (frozenset({Right.FLOATING_MORTGAGE}), frozenset({Right.PLEDGE})),
    ConversionKind.CRYSTALLISE: (frozenset({Right.FLOATING_MORTGAGE}), frozenset({Right.PLEDGE})),
    ConversionKind.SHIP: (frozenset({Right.PLEDGE}), frozenset({Right.IN_TRANSIT})),
    ConversionKind.ARRIVE: (frozenset({Right.IN_TRANSIT}), frozenset({Right.PLEDGE})),
    ConversionKind.SUBSTITUTE: (
        frozenset({Right.FLOATING_MORTGAGE, Right.PLEDGE}),
        frozenset({Right.PLEDGE, Right.RELEASED}),
    ),
    ConversionKind.RELEASE: (PROPERTY_RIGHTS, frozenset({Right.RELEASED})),
    # Mortgaged goods that the borrower uses or sells in the ordinary course, while the floor holds.
    ConversionKind.OUTFLOW: (frozenset({Right.FLOATING_MORTGAGE}), frozenset({Right.RELEASED})),
    # Goods that were destroyed, stolen or not found.
    ConversionKind.LOSE: (PROPERTY_RIGHTS, frozenset({Right.WRITTEN_OFF})),
    ConversionKind.SELL: (
        frozenset({Right.PLEDGE, Right.IN_TRANSIT}),
        frozenset({Right.RECEIVABLE}),
    ),
    ConversionKind.RETURN: (frozenset({Right.RECEIVABLE}), frozenset({Right.PLEDGE})),
    ConversionKind.COLLECT: (frozenset({Right.RECEIVABLE}), frozenset({Right.PROCEEDS})),
    ConversionKind.APPLY: (
        frozenset({Right.PROCEEDS}),
        frozenset({Right.REPAID, Right.RELEASED}),
    ),
    # The bank did not make the payment that a claim was founded on.
    ConversionKind.REVOKE: (frozenset({Right.ORDER_CLAIM}), frozenset({Right.RELEASED})),
    # After default: what is sold becomes cash, what cannot be had is written off.
    ConversionKind.ENFORCE: (
        LIVE_RIGHTS,
        frozenset({Right.REALISED, Right.WRITTEN_OFF, Right.PROCEEDS}),
    ),
    # A mistaken conversion undone by a compensating one: what it made becomes what it took.
    ConversionKind.REVERSE: (frozenset(Right), frozenset(Right)),
}


# Goods may be pledged without any claim on them, and come before anything was paid for them.
FROM_NOTHING = frozenset(
    {
        ConversionKind.PREPAY,
        ConversionKind.DELIVER,
        ConversionKind.ATTACH,
        ConversionKind.PLEDGE,
    }
)

# Facts and measures against a debtor in default: recorded, and called, but never refused.
UNCHOSEN = frozenset(
    {
        ConversionKind.REVOKE,
        ConversionKind.LOSE,
        ConversionKind.RETURN,
        ConversionKind.CRYSTALLISE,
        ConversionKind.ENFORCE,
    }
)

# Facts of the bank's, too, when they are taken back: money that never came, or paid another debt.
UNCHOSEN_BACK = frozenset({ConversionKind.COLLECT, ConversionKind.APPLY})

# Goods given back, taken away or put right by hand: a maker and a different checker.
TWO_PERSONS = frozenset(
    {
        ConversionKind.RELEASE,
        ConversionKind.SUBSTITUTE,
        ConversionKind.ENFORCE,
        ConversionKind.REVERSE,
    }
)


class SuspensionReason(TextChoices):
    """Why a position secures nothing for a time."""

    INSURANCE = "insurance", _("Not insured for the lender")
    CONTROL = "control", _("No evidence of control")
    INSPECTION = "inspection", _("Inspection not passed")
    PLACE = "place", _("Outside the approved places")
    RECEIPT = "receipt", _("No valid warehouse receipt")


class RegistrationAct(TextChoices):
    """What is done at a register of security interests."""

    FILED = "filed", _("Filed")
    AMENDED = "amended", _("Amended")
    CONTINUED = "continued", _("Continued")
    DISCHARGED = "discharged", _("Discharged")


class EvidenceOfControl(TextChoices):
    """What shows that a supervisor controls the goods."""

    SEAL = "seal", _("Seal check")
    COUNT = "count", _("Count")
    CAMERA = "camera", _("Camera")
    REPORT = "report", _("Signed report")


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


class MortgageState(TextChoices):
    """Life of a floating mortgage."""

    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    CRYSTALLISED = "crystallised", _("Crystallised")
    DISCHARGED = "discharged", _("Discharged")


MORTGAGE_STATES = StateTable(
    states=MortgageState,
    initial={MortgageState.DRAFT},
    transitions={
        (MortgageState.DRAFT, MortgageState.ACTIVE),
        (MortgageState.ACTIVE, MortgageState.CRYSTALLISED),
        (MortgageState.ACTIVE, MortgageState.DISCHARGED),
        (MortgageState.CRYSTALLISED, MortgageState.DISCHARGED),
    },
)
MORTGAGES_IN_FORCE = frozenset({MortgageState.ACTIVE, MortgageState.CRYSTALLISED})


class CrystallisationCause(TextChoices):
    """Why a floating mortgage became fixed."""

    UNPAID = "unpaid", _("Unpaid when due")
    INSOLVENCY = "insolvency", _("Insolvency of the borrower")
    AGREED_EVENT = "agreed_event", _("An event agreed in the mortgage")
    IMPAIRMENT = "impairment", _("Serious impairment of the claim")


class CallEntryKind(TextChoices):
    """What the history of a margin call tells."""

    OPENED = "opened", _("Opened")
    REMINDED = "reminded", _("Reminded")
    PARTLY_CURED = "partly_cured", _("Partly cured")
    DEEPENED = "deepened", _("Need grown")
    ESCALATED = "escalated", _("Escalated")
    EXTENDED = "extended", _("Extended")
    RAN_OUT = "ran_out", _("Clock ran out")
    CURED = "cured", _("Cured")


class Reminder(TextChoices):
    """The times at which both desks are told of an open call."""

    HALF = "half", _("Half of the time is gone")
    LAST = "last", _("Last hours")


class Cure(TextChoices):
    """What ended a margin call."""

    CASH = "cash", _("Cash")
    GOODS = "goods", _("Goods")
    PRICE = "price", _("Price")
    MIXED = "mixed", _("Cash and goods")
    WRITE_OFF = "write_off", _("Write-off")


class ExtensionState(TextChoices):
    """Life of a request for more time to cure."""

    ASKED = "asked", _("Asked for")
    GRANTED = "granted", _("Granted")
    REFUSED = "refused", _("Refused")


EXTENSION_STATES = StateTable(
    states=ExtensionState,
    initial={ExtensionState.ASKED},
    transitions={
        (ExtensionState.ASKED, ExtensionState.GRANTED),
        (ExtensionState.ASKED, ExtensionState.REFUSED),
    },
)


class RequestKind(TextChoices):
    """Acts on collateral that one person asks for and another carries out."""

    REVERSE = "reverse", _("Reverse a conversion")
    GIVE_UP = "give_up", _("Give goods up")


class RequestState(TextChoices):
    """Life of a request for an act of two persons."""

    ASKED = "asked", _("Asked for")
    DONE = "done", _("Carried out")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


REQUEST_STATES = StateTable(
    states=RequestState,
    initial={RequestState.ASKED},
    transitions={
        (RequestState.ASKED, RequestState.DONE),
        (RequestState.ASKED, RequestState.REFUSED),
        (RequestState.ASKED, RequestState.WITHDRAWN),
    },
)


class Direction(TextChoices):
    """Which side of a conversion a leg stands on."""

    CONSUMED = "consumed", _("Consumed")
    PRODUCED = "produced", _("Produced")


class ChannelKind(TextChoices):
    """How collateral may be sold after default, as agreed beforehand."""

    BUY_BACK = "buy_back", _("Buy-back by the supplier")
    AGREED_BUYER = "agreed_buyer", _("Agreed buyer")
    MARKETPLACE = "marketplace", _("Marketplace")
    AUCTION = "auction", _("Auction with sealed bids")


class ChannelState(TextChoices):
    """Life of a channel of disposal: written by one person, agreed to by another."""

    PROPOSED = "proposed", _("Proposed")
    AGREED = "agreed", _("Agreed")
    REFUSED = "refused", _("Refused")
    ENDED = "ended", _("Ended")


CHANNEL_STATES = StateTable(
    states=ChannelState,
    initial={ChannelState.PROPOSED},
    transitions={
        (ChannelState.PROPOSED, ChannelState.AGREED),
        (ChannelState.PROPOSED, ChannelState.REFUSED),
        (ChannelState.AGREED, ChannelState.ENDED),
    },
)


class DisposalTarget(TextChoices):
    """How much is to be sold."""

    RESTORE = "restore", _("As much as restores the cover")
    EVERYTHING = "everything", _("As much as pays what is owed")


class CaseState(TextChoices):
    """Life of a disposal: opened by one person, let sell by another."""

    OPENED = "opened", _("Opened")
    SELLING = "selling", _("Selling")
    SETTLED = "settled", _("Settled")
    HEALED = "healed", _("Healed")
    CANCELLED = "cancelled", _("Cancelled")


CASE_STATES = StateTable(
    states=CaseState,
    initial={CaseState.OPENED},
    transitions={
        (CaseState.OPENED, CaseState.SELLING),
        (CaseState.OPENED, CaseState.HEALED),
        (CaseState.OPENED, CaseState.CANCELLED),
        (CaseState.SELLING, CaseState.SETTLED),
        (CaseState.SELLING, CaseState.HEALED),
        (CaseState.SELLING, CaseState.CANCELLED),
    },
)
CASE_RUNS = frozenset({CaseState.OPENED, CaseState.SELLING})


class ParcelState(TextChoices):
    """Life of what is put up for sale together."""

    OFFERED = "offered", _("For sale")
    SOLD = "sold", _("Sold")
    WITHDRAWN = "withdrawn", _("Withdrawn")


PARCEL_STATES = StateTable(
    states=ParcelState,
    initial={ParcelState.OFFERED},
    transitions={
        (ParcelState.OFFERED, ParcelState.SOLD),
        (ParcelState.OFFERED, ParcelState.WITHDRAWN),
    },
)


class SaleState(TextChoices):
    """Life of a sale: one person proposes an offer, another accepts it."""

    PROPOSED = "proposed", _("Proposed")
    DONE = "done", _("Sold and paid")
    REFUSED = "refused", _("Refused")


SALE_STATES = StateTable(
    states=SaleState,
    initial={SaleState.PROPOSED},
    transitions={
        (SaleState.PROPOSED, SaleState.DONE),
        (SaleState.PROPOSED, SaleState.REFUSED),
    },
)


class SurplusState(TextChoices):
    """Life of what a sale brought beyond the debt, on its way to the borrower."""

    REQUESTED = "requested", _("Requested")
    PAID = "paid", _("Paid back")


SURPLUS_STATES = StateTable(
    states=SurplusState,
    initial={SurplusState.REQUESTED},
    transitions={(SurplusState.REQUESTED, SurplusState.PAID)},
)

"""States of receivables, bank entries and rebates."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.states import StateTable


class ReceivableState(TextChoices):
    """Life of a receivable."""

    VERIFIED = "verified", _("Verified")
    ASSIGNED = "assigned", _("Assigned")
    COLLECTED = "collected", _("Collected")
    SETTLED = "settled", _("Settled")


RECEIVABLE_STATES = StateTable(
    states=ReceivableState,
    initial={ReceivableState.VERIFIED},
    transitions={
        (ReceivableState.VERIFIED, ReceivableState.ASSIGNED),
        (ReceivableState.ASSIGNED, ReceivableState.COLLECTED),
        (ReceivableState.COLLECTED, ReceivableState.SETTLED),
        (ReceivableState.COLLECTED, ReceivableState.ASSIGNED),
        (ReceivableState.SETTLED, ReceivableState.COLLECTED),
    },
)


class BankEntryState(TextChoices):
    """Life of a line of a bank statement."""

    BOOKED = "booked", _("Booked")
    MATCHED = "matched", _("Matched")


BANK_ENTRY_STATES = StateTable(
    states=BankEntryState,
    initial={BankEntryState.BOOKED},
    transitions={
        (BankEntryState.BOOKED, BankEntryState.MATCHED),
        (BankEntryState.MATCHED, BankEntryState.BOOKED),
    },
)


class RebateState(TextChoices):
    """Life of a reserve given back to the seller."""

    REQUESTED = "requested", _("Requested")
    PAID = "paid", _("Paid")


REBATE_STATES = StateTable(
    states=RebateState,
    initial={RebateState.REQUESTED},
    transitions={(RebateState.REQUESTED, RebateState.PAID)},
)

"""States of receivables, bank entries and rebates."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ReceivableState(TextChoices):
    """Life of a receivable."""

    VERIFIED = "verified", _("Verified")
    ASSIGNED = "assigned", _("Assigned")
    COLLECTED = "collected", _("Collected")
    SETTLED = "settled", _("Settled")


RECEIVABLE_TRANSITIONS = frozenset(
    {("verified", "assigned"), ("assigned", "collected"), ("collected", "settled")}
)


class BankEntryState(TextChoices):
    """Life of a line of a bank statement."""

    BOOKED = "booked", _("Booked")
    MATCHED = "matched", _("Matched")


BANK_ENTRY_TRANSITIONS = frozenset({("booked", "matched")})


class RebateState(TextChoices):
    """Life of a reserve given back to the seller."""

    REQUESTED = "requested", _("Requested")
    PAID = "paid", _("Paid")


REBATE_TRANSITIONS = frozenset({("requested", "paid")})

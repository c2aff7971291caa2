"""What buyers owe, what was advanced on it, and how it was paid."""

from factoring.models.collection import BankEntry, Collection, Rebate
from factoring.models.credit_note import CreditNote, CreditNoteLine
from factoring.models.receivable import Receivable, ReceivableLine

__all__ = [
    "BankEntry",
    "Collection",
    "CreditNote",
    "CreditNoteLine",
    "Rebate",
    "Receivable",
    "ReceivableLine",
]

"""What buyers owe, what was advanced on it, and how it was paid."""

from factoring.models.collection import BankEntry, Collection, Rebate
from factoring.models.receivable import Receivable, ReceivableLine

__all__ = ["BankEntry", "Collection", "Rebate", "Receivable", "ReceivableLine"]

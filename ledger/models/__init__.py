"""The books: accounts, entries and their postings, and the balances kept to save summing."""

from ledger.models.account import Account, AccountKind
from ledger.models.entry import Entry, Posting
from ledger.models.snapshot import BalanceSnapshot

__all__ = ["Account", "AccountKind", "BalanceSnapshot", "Entry", "Posting"]

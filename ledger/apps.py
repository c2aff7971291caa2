"""Django's entry to the ledger room."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double-entry books: accounts, entries, postings, balances."""

    name = "ledger"

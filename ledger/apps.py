"""The ledger room."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Django's entry to the ledger room."""

    name = "ledger"

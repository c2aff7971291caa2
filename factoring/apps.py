"""Django's entry to the factoring room."""

from django.apps import AppConfig


class FactoringConfig(AppConfig):
    """Receivables from verified sales: assignment, advance, collection, reserve."""

    name = "factoring"

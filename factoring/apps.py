"""The factoring room."""

from django.apps import AppConfig


class FactoringConfig(AppConfig):
    """Django's entry to the factoring room."""

    name = "factoring"

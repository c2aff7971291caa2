"""Django's entry to the logistics room."""

from django.apps import AppConfig


class LogisticsConfig(AppConfig):
    """Sites, items, lots, holds and the journal of stock events."""

    name = "logistics"

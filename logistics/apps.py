"""The logistics room."""

from django.apps import AppConfig


class LogisticsConfig(AppConfig):
    """Django's entry to the logistics room."""

    name = "logistics"

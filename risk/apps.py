"""The risk room."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    """Django's entry to the risk room."""

    name = "risk"

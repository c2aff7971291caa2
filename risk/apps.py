"""Django's entry to the risk room."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    """Commodities, prices and the pledge-rate model."""

    name = "risk"

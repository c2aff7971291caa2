"""Django's entry to the pledges room."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    """Positions and their conversions: what secures the lender at every moment."""

    name = "pledges"

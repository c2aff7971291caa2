"""The pledges room."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    """Django's entry to the pledges room."""

    name = "pledges"

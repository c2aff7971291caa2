"""The parties room."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """Django's entry to the parties room."""

    name = "parties"

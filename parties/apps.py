"""Django's entry to the parties room."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """Organisations, people, roles, authority limits and who may see what."""

    name = "parties"

"""The lending room."""

from django.apps import AppConfig


class LendingConfig(AppConfig):
    """Django's entry to the lending room."""

    name = "lending"

"""The common room."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Django's entry to the common room."""

    name = "common"

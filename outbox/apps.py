"""The outbox room."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Django's entry to the outbox room."""

    name = "outbox"

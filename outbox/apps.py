"""Django's entry to the outbox room."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Events written with the business transaction, their relay, and the audit journal."""

    name = "outbox"

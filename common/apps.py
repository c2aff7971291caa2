"""Django's entry to the common room."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Money, rates, day counts, states, errors, idempotency: no business words."""

    name = "common"

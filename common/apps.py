"""Django's entry to the common room."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Values and mechanisms without business words: money, rates, day counts, states, errors, idempotency."""

    name = "common"

"""Django's entry to the common room."""

from datetime import timedelta

from django.apps import AppConfig
from django.conf import settings

from common.clock import run_shifted


class CommonConfig(AppConfig):
    """Money, rates, day counts, states, errors, idempotency: no business words."""

    name = "common"

    def ready(self) -> None:
        """Set the platform's clock, which the demonstration moves into its story's year."""
        if settings.CLOCK_SHIFT_SECONDS:
            run_shifted(timedelta(seconds=settings.CLOCK_SHIFT_SECONDS))

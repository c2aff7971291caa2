"""Celery doors of risk."""

from celery import shared_task

from common import clock
from parties.actors import system_actor
from risk.services.rates import publish_rates


@shared_task
def publish_daily_rates() -> int:
    """Publish today's pledge rates from the prices on record; return how many are new."""
    now = clock.now()
    published = publish_rates(as_of=now.date(), actor=system_actor("daily rates"), now=now)
    return sum(published.published.values())

"""Celery doors of risk."""

from contextlib import suppress

from celery import shared_task
from kombu.exceptions import OperationalError

from common import clock
from parties.actors import system_actor
from risk.services.feed_runs import request_due, run_feed
from risk.services.held_prices import confirm_ripe
from risk.services.rates import publish_rates


@shared_task
def publish_daily_rates() -> int:
    """Publish today's pledge rates from the prices on record; return how many are new."""
    now = clock.now()
    published = publish_rates(as_of=now.date(), actor=system_actor("daily rates"), now=now)
    return sum(published.published.values())


@shared_task(soft_time_limit=240, time_limit=270)
def run_price_feed(feed_id: int) -> str:
    """Carry out the run that waits for a feed; return its state, nothing if none waits."""
    now, actor = clock.now(), system_actor("price feeds")
    run = run_feed(feed_id=feed_id, actor=actor, now=now)
    return run.state if run else ""


@shared_task
def look_at_feeds() -> int:
    """Send the feeds whose time has come to the workers, and confirm what has waited its hour."""
    now = clock.now()
    waiting = request_due(now=now)
    for feed_id in waiting:
        send_to_worker(feed_id)
    confirm_ripe(actor=system_actor("price feeds"), now=now)
    return len(waiting)


def send_to_worker(feed_id: int) -> None:
    """Hint that a feed's run waits; a broker that is down costs delay, as the clock looks again."""
    with suppress(OperationalError):
        run_price_feed.apply_async(args=(feed_id,), retry=False)

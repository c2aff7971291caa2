"""Celery doors: each loads nothing, calls one service, and may be lost or repeated at will."""

from datetime import timedelta

from celery import shared_task
from celery.app.task import Task

from common import clock
from common.idempotency import forget_keys
from outbox.services import delivery

# More than this in one go would keep a worker from other hints; the sweeper takes up the rest.
_BATCHES = 50
# Partners resend after long outages; 30 days is the least.
KEYS_KEPT = timedelta(days=90)


@shared_task(bind=True, ignore_result=True)
def relay(self: "Task[[], None]") -> None:
    """Send a hint for every due event, and mark done what nobody works on."""
    while delivery.finish_unhandled():
        pass
    for _ in range(_BATCHES):
        ids = delivery.take_due()
        if not ids:
            return
        with self.app.producer_pool.acquire(block=True) as producer:
            for event_id in ids:
                handle.apply_async(args=(event_id,), producer=producer)


@shared_task(ignore_result=True)
def handle(event_id: int) -> None:
    """Do one event's work, if nobody else does or did."""
    delivery.handle_event(event_id=event_id, now=clock.now())


@shared_task(ignore_result=True)
def forget() -> None:
    """Drop idempotency keys that no partner will send again. On beat, daily."""
    forget_keys(older_than=KEYS_KEPT)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Bring up what a dead worker left behind, and give hints that were lost again. On beat."""
    delivery.recover_abandoned()
    relay.run()

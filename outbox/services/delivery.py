"""Deliver events: each one's work is done exactly once in effect, whatever dies in between.

The broker carries hints only. A worker claims an event by a conditional update that commits at
once (state, attempt number, lease), then locks the row and does the work and the mark in one
transaction. So:

- a worker that dies leaves a running row without a lock; when its lease has run out it comes up
  again (or, after the last attempt, is buried);
- a worker that lives keeps its row locked for as long as it works: nobody overtakes it, however
  late the lease;
- a worker that slept between claim and lock finds another attempt number and does nothing.

All times are the database's: workers' clocks may differ, and the business's clock is another one.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from outbox.handlers import handled_topics, handlers_of
from outbox.models import Event
from outbox.states import EventState

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
BATCH = 100
# A hint not acted upon by then is given again; a claim not finished by then is looked into.
LEASE = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)

_CLAIM = """
    UPDATE outbox_event
       SET state = 'running',
           attempts = attempts + 1,
           lease_until = statement_timestamp() + make_interval(secs => %s)
     WHERE id = %s AND state = 'pending'
       AND (lease_until IS NULL OR lease_until <= statement_timestamp())
 RETURNING attempts
"""


def due_events() -> QuerySet[Event]:
    """Return the pending events whose time has come, the longest waiting first."""
    return Event.objects.filter(state=EventState.PENDING, due_at__lte=Now()).order_by(
        "due_at", "id"
    )


def take_due(*, limit: int = BATCH) -> list[int]:
    """Reserve up to so many due events for hints and return their ids; others skip them meanwhile.

    The reservation is only a later ``due_at``: should the hints be lost, the events come up again.
    """
    with transaction.atomic():
        due = due_events().select_for_update(skip_locked=True).values_list("id", flat=True)
        ids = list(due[:limit])
        Event.objects.filter(id__in=ids).update(due_at=Now() + LEASE)
    return ids


def finish_unhandled(*, limit: int = 10_000) -> int:
    """Mark due events done on whose topic nobody works, many at once; return how many."""
    with transaction.atomic():
        unhandled = due_events().exclude(topic__in=handled_topics())
        rows = unhandled.select_for_update(skip_locked=True).values_list("id", flat=True)
        return Event.objects.filter(id__in=list(rows[:limit])).update(state=EventState.DONE)


def handle_event(*, event_id: int, now: datetime) -> bool:
    """Do one event's work and return whether this call did it.

    False if it is not pending (another worker has it, or it is done), if it waits after a failure,
    or if the work failed: then it is postponed with back-off, or buried after the last attempt.
    """
    attempt = _claim(event_id)
    if attempt is None:
        return False
    try:
        return _work(event_id, attempt, now)
    except Exception as error:
        logger.exception("event %s failed on attempt %s", event_id, attempt)
        _fail(event_id, attempt, f"{type(error).__name__}: {error}")
        return False


def _claim(event_id: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE.total_seconds(), event_id])
        row = cursor.fetchone()
    return row[0] if row else None


def _mine(event_id: int, attempt: int) -> QuerySet[Event]:
    """Return the event if this attempt still holds it; the attempt number fences off the others."""
    held = Event.objects.filter(id=event_id, state=EventState.RUNNING, attempts=attempt)
    return held.select_for_update(of=("self",))


@transaction.atomic
def _work(event_id: int, attempt: int, now: datetime) -> bool:
    event = _mine(event_id, attempt).first()
    if event is None:
        return False
    for handler in handlers_of(event.topic):
        handler(event=event, now=now)
    event.finish()
    event.save(update_fields=["state"])
    return True


@transaction.atomic
def _fail(event_id: int, attempt: int, error: str) -> None:
    event = _mine(event_id, attempt).first()
    if event is None:
        return
    if attempt >= MAX_ATTEMPTS:
        event.bury()
    else:
        event.postpone()
        Event.objects.filter(id=event_id).update(
            due_at=Now() + back_off(attempt), lease_until=Now() + back_off(attempt)
        )
    event.last_error = error[:2000]
    event.save(update_fields=["state", "last_error"])


def back_off(attempt: int) -> timedelta:
    """Return how long an event rests after its n-th failure: 5, 15, 45, 135 seconds."""
    return timedelta(seconds=5 * 3 ** (attempt - 1))


def recover_abandoned() -> int:
    """Bring up events whose worker vanished, or bury them the fifth time; return how many.

    A row that its worker still holds locked is alive, whatever its lease says, and is skipped.
    """
    with transaction.atomic():
        expired = Event.objects.filter(state=EventState.RUNNING, lease_until__lte=Now())
        rows = list(expired.select_for_update(skip_locked=True).values_list("id", "attempts"))
        spent = [pk for pk, attempts in rows if attempts >= MAX_ATTEMPTS]
        again = [pk for pk, attempts in rows if attempts < MAX_ATTEMPTS]
        error = "the worker vanished during the work"
        Event.objects.filter(id__in=spent).update(state=EventState.DEAD, last_error=error)
        Event.objects.filter(id__in=again).update(
            state=EventState.PENDING, due_at=Now(), last_error=error
        )
    return len(rows)


def revive(*, event: Event) -> Event:
    """Give a dead event five new attempts; raises TransitionRefused if it is not dead."""
    with transaction.atomic():
        locked = Event.objects.select_for_update(of=("self",)).get(pk=event.pk)
        locked.revive()
        locked.attempts = 0
        locked.save(update_fields=["state", "attempts"])
        Event.objects.filter(pk=event.pk).update(due_at=Now(), lease_until=None)
    locked.refresh_from_db()
    return locked


def drain(*, now: datetime) -> int:
    """Do all due work in this process, what the work itself emits included; return how many events.

    For the story and for tests: the same path as the workers', without the broker.
    """
    done = 0
    while True:
        finished = finish_unhandled()
        ids = take_due()
        done += finished + sum(handle_event(event_id=pk, now=now) for pk in ids)
        if not ids and not finished:
            return done

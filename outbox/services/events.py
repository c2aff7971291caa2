"""Emit events: rows of the business transaction, and a hint to the relay after its commit."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery import current_app
from django.db import connection, transaction

from outbox.models import Event

logger = logging.getLogger(__name__)

# While the broker is down, each hint costs its time-out: leave it alone for a while. Seconds.
_SILENCE_AFTER_FAILURE = 5.0


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What is said about one event; ``payload`` is JSON-ready, Decimals and dates included."""

    topic: str
    aggregate: str
    aggregate_id: object
    payload: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: int | None = None


def emit(
    *,
    topic: str,
    aggregate: str,
    aggregate_id: object,
    payload: Mapping[str, Any],
    tenant_id: int | None,
    now: datetime,
) -> Event:
    """Write one event with the current transaction and return it; its work follows the commit.

    ``aggregate`` names the kind of thing ("lending.loan"), ``aggregate_id`` which one. Must run
    inside ``transaction.atomic``: an event without the change it tells of would be a rumour.
    """
    new = NewEvent(topic, aggregate, aggregate_id, payload, tenant_id)
    return emit_many([new], now=now)[0]


def emit_many(events: Sequence[NewEvent], *, now: datetime) -> list[Event]:
    """Write many events in one statement and return them in order.

    Set-based services insert into ``outbox_event`` themselves (see Event for the columns) and
    call :func:`hint_after_commit`.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("emit inside the business transaction")
    rows = [
        Event(
            topic=event.topic,
            aggregate=event.aggregate,
            aggregate_id=str(event.aggregate_id),
            payload=dict(event.payload),
            tenant_id=event.tenant_id,
            occurred_at=now,
        )
        for event in events
    ]
    hint_after_commit()
    return Event.objects.bulk_create(rows)


def hint_after_commit() -> None:
    """Tell the relay after this transaction's commit that there is work; once per transaction.

    A hint that is lost costs delay, never work: the sweeper looks by itself.
    """
    if not any(hook[1] is _hint and _survives(hook[0]) for hook in connection.run_on_commit):
        transaction.on_commit(_hint, robust=True)


def _survives(savepoints: set[str]) -> bool:
    """Whether a hook registered inside these savepoints lives as long as one registered now."""
    return savepoints <= set(connection.savepoint_ids)


_silent_until = 0.0


def _hint() -> None:
    """Send the hint. A broker that is down must neither fail nor delay what was committed."""
    global _silent_until  # noqa: PLW0603  (one broker per process, one memory of its failure)
    if time.monotonic() < _silent_until:
        return
    try:
        # By name: the task's module calls this package, not the other way round.
        current_app.send_task("outbox.tasks.relay", retry=False, ignore_result=True)
    except Exception:
        _silent_until = time.monotonic() + _SILENCE_AFTER_FAILURE
        logger.warning("the broker does not take hints; the sweeper will find the work")

"""The application of the tests' worker processes: the real one, with handlers that misbehave."""

import os
import signal
import time
from datetime import datetime
from pathlib import Path

import django

django.setup()

from config.celery import app  # noqa: E402  (models can be imported only after the set-up)
from outbox.handlers import register  # noqa: E402
from outbox.models import AuditEntry, Event  # noqa: E402

__all__ = ["app"]


def leave_a_trace(*, event: Event, now: datetime) -> None:
    """Have one effect: an entry in the journal."""
    AuditEntry.objects.create(
        action="test.effect",
        actor_label=str(os.getpid()),
        object_type="outbox.event",
        object_id=str(event.pk),
        at=now,
    )


def leave_a_trace_and_wait(*, event: Event, now: datetime) -> None:
    """Have the effect, say so, and wait to be let go (or to be killed)."""
    leave_a_trace(event=event, now=now)
    gate = Path(event.payload["gate"])
    (gate / "inside").touch()
    while not (gate / "open").exists():
        time.sleep(0.02)


def leave_a_trace_and_die(*, event: Event, now: datetime) -> None:
    """Have the effect, and take the worker's process along, as a segmentation fault would."""
    leave_a_trace(event=event, now=now)
    os.kill(os.getpid(), signal.SIGKILL)


register("test.told", leave_a_trace)
register("test.waits", leave_a_trace_and_wait)
register("test.poison", leave_a_trace_and_die)

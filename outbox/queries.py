"""Reads of the outbox's own health."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Max, Q
from django.db.models.functions import Now

from outbox.models import Event
from outbox.states import EventState


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much work waits: counts, and the age of the oldest event not yet done."""

    pending: int
    running: int
    dead: int
    oldest: timedelta


def get_backlog() -> Backlog:
    """Return the outbox's backlog by the database's clock, in one query."""
    open_ = Q(state__in=[EventState.PENDING, EventState.RUNNING])
    counts = Event.objects.exclude(state=EventState.DONE).aggregate(
        pending=Count("id", filter=Q(state=EventState.PENDING)),
        running=Count("id", filter=Q(state=EventState.RUNNING)),
        dead=Count("id", filter=Q(state=EventState.DEAD)),
        oldest=Max(Now() - F("recorded_at"), filter=open_),
    )
    return Backlog(**{**counts, "oldest": counts["oldest"] or timedelta(0)})

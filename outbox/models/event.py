"""An event: written by the business transaction, worked on after it."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from outbox.states import EVENT_STATES, EventState

_GUARDS = state_guards("event", "state", EVENT_STATES)


class Event(StateModel):
    """What happened, for whoever must act on it; and how far that work is.

    ``occurred_at`` is the business's time and may lie in another year (the story replays 2016);
    ``recorded_at``, ``due_at`` and ``lease_until`` are the database's own clock, so that workers
    with wrong clocks agree. Set-based SQL may insert rows: topic, aggregate, aggregate_id,
    payload and occurred_at are required, tenant_id may be null, all else has defaults.
    """

    topic = models.CharField(max_length=80)
    tenant_id = models.BigIntegerField(null=True, blank=True)
    aggregate = models.CharField(max_length=60)
    aggregate_id = models.CharField(max_length=60)
    payload = models.JSONField(default=dict, db_default={}, encoder=DjangoJSONEncoder)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    state = StateField(EVENT_STATES, max_length=10, db_default=EventState.PENDING.value)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["id"]
        constraints = [*_GUARDS.constraints]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="event_pending_due", condition=Q(state="pending")
            ),
            models.Index(
                fields=["lease_until"], name="event_running_lease", condition=Q(state="running")
            ),
            models.Index(fields=["tenant_id", "aggregate", "aggregate_id"], name="event_aggregate"),
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "topic",
                "tenant_id",
                "aggregate",
                "aggregate_id",
                "payload",
                "occurred_at",
                "recorded_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"

    @transition(field=state, source=EventState.PENDING, target=EventState.RUNNING)
    def start(self) -> None:
        """Note that a worker claims it."""

    @transition(
        field=state, source=[EventState.PENDING, EventState.RUNNING], target=EventState.DONE
    )
    def finish(self) -> None:
        """Note that its work is committed, or that nobody has work for it."""

    @transition(field=state, source=EventState.RUNNING, target=EventState.PENDING)
    def postpone(self) -> None:
        """Let it come up again: the attempt failed, or its worker vanished."""

    @transition(field=state, source=EventState.RUNNING, target=EventState.DEAD)
    def bury(self) -> None:
        """Give it up: the last attempt failed, a person must look."""

    @transition(field=state, source=EventState.DEAD, target=EventState.PENDING)
    def revive(self) -> None:
        """Start over: a person removed the cause."""

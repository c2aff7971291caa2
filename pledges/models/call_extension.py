"""More time for a margin call: asked for by one risk officer, granted by a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from parties.models import Organisation, Person
from pledges.models.margin_call import MarginCall
from pledges.states import EXTENSION_STATES, ExtensionState

if TYPE_CHECKING:
    from datetime import datetime

_GUARDS = state_guards("margincallextension", "state", EXTENSION_STATES)


class MarginCallExtension(StateModel):
    """A request to move a call's deadline; the deadline moves by nothing else."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(MarginCall, on_delete=models.PROTECT, related_name="extensions")
    due_before = models.DateTimeField()
    due_after = models.DateTimeField()
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    checker = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    state = StateField(EXTENSION_STATES, max_length=8)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(state=ExtensionState.ASKED),
                name="call_extension_asked_once",
            ),
            models.CheckConstraint(
                name="call_extension_gives_time", condition=Q(due_after__gt=F("due_before"))
            ),
            models.CheckConstraint(name="call_extension_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="call_extension_decided_by_another_person",
                condition=Q(state=ExtensionState.ASKED, checker__isnull=True, decided_at=None)
                | (
                    ~Q(state=ExtensionState.ASKED)
                    & Q(checker__isnull=False, decided_at__isnull=False)
                    & ~Q(maker=F("checker"))
                ),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant", "call", "due_before", "due_after", "reason", "maker", "asked_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call}: {self.due_after:%Y-%m-%d %H:%M}"

    @transition(field=state, source=ExtensionState.ASKED, target=ExtensionState.GRANTED)
    def grant(self, *, checker_id: int, now: datetime) -> None:
        """Give the time, by the word of a second person."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=ExtensionState.ASKED, target=ExtensionState.REFUSED)
    def refuse(self, *, checker_id: int, now: datetime, reason: str) -> None:
        """Leave the deadline where it is, and say why."""
        self.checker_id, self.decided_at, self.decision_reason = checker_id, now, reason

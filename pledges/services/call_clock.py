"""The clocks of margin calls: reminders on the way, escalation and readiness to enforce at the end.

Due times stand in the rows and are looked at every few minutes: a beat that missed some is made
up for by the next (of two reminders that were missed the later is sent), and each reminder is sent
once because its line can be written once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from common.locks import lock_in_order
from parties.actors import Actor
from pledges.models import MarginCall, MarginCallEntry
from pledges.rules.clock import reminders
from pledges.rules.needs import Standing
from pledges.services.call_history import Note, last_standings, write_history
from pledges.states import CallEntryKind, MarginCallState, Reminder

Sent = frozenset[tuple[int, str, datetime | None]]


@dataclass(frozen=True, slots=True)
class ClockRound:
    """What one look at the clocks did."""

    reminded: int
    escalated: int
    ran_out: int


@transaction.atomic
def run_clocks(*, actor: Actor, now: datetime) -> ClockRound:
    """Send the reminders that are due, escalate the calls whose time is up and say so, each once.

    Only the calls that something is due for are locked, and judged again under lock: a cure or an
    extension that came first stands.
    """
    running = MarginCall.objects.filter(ran_out_at__isnull=True)
    running = running.exclude(state=MarginCallState.CURED)
    due = [call.pk for call in _due(running.select_related("tenant"), now)]
    calls = lock_in_order(running.filter(pk__in=due).select_related("tenant")) if due else []
    last = last_standings([call.pk for call in calls]) if calls else {}
    sent = _sent(call.pk for call in calls)
    notes = [note for call in calls for note in _notes(call, last[call.pk], sent, now)]
    kinds = [note.kind for note in notes]
    MarginCall.objects.bulk_update(calls, ["state", "escalated_at", "ran_out_at"])
    write_history(notes, actor=actor, now=now)
    return ClockRound(
        reminded=kinds.count(CallEntryKind.REMINDED),
        escalated=kinds.count(CallEntryKind.ESCALATED),
        ran_out=kinds.count(CallEntryKind.RAN_OUT),
    )


def _due(running: QuerySet[MarginCall], now: datetime) -> Iterator[MarginCall]:
    calls = list(running)
    sent = _sent(call.pk for call in calls)
    for call in calls:
        if call.is_out_of_time(now) or _reminders_due(call, sent, now):
            yield call


def _sent(call_ids: Collection[int] | Iterator[int]) -> Sent:
    """Return which reminders were sent; half of the time passes once, whatever the deadline."""
    rows = MarginCallEntry.objects.filter(
        call_id__in=list(call_ids), kind=CallEntryKind.REMINDED
    ).values_list("call_id", "reminder", "due_at")
    return frozenset(_key(call_id, reminder, due_at) for call_id, reminder, due_at in rows)


def _key(call_id: int, reminder: str, due_at: datetime) -> tuple[int, str, datetime | None]:
    return (call_id, str(reminder), None if reminder == Reminder.HALF else due_at)


def _reminders_due(call: MarginCall, sent: Sent, now: datetime) -> list[Reminder]:
    """Return the latest reminder whose time has come, unless it was sent already."""
    times = reminders(call.opened_at, call.due_at, country=call.tenant.country)
    come = [reminder for reminder, at in times if at <= now]
    return [one for one in come[-1:] if _key(call.pk, one, call.due_at) not in sent]


def _notes(call: MarginCall, last: Standing, sent: Sent, now: datetime) -> list[Note]:
    """Move the call as its clock demands and return the lines of its history."""
    if not call.is_out_of_time(now):
        return [
            Note(call, CallEntryKind.REMINDED, last, last, reminder=reminder)
            for reminder in _reminders_due(call, sent, now)
        ]
    notes = []
    if call.state == MarginCallState.OPEN:
        call.escalate(now=now)
        notes.append(Note(call, CallEntryKind.ESCALATED, last, last, cause="clock"))
    call.ran_out_at = now
    return [*notes, Note(call, CallEntryKind.RAN_OUT, last, last, cause="clock")]

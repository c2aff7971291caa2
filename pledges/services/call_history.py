"""The history of margin calls written down, and both desks told of each line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from lending.models import Facility, Repayment
from outbox.services.alerts import NewAlert, end_alerts, raise_alerts
from outbox.services.events import NewEvent, emit_many
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import Conversion, MarginCall, MarginCallEntry
from pledges.rules.needs import Parts, Standing
from pledges.states import CallEntryKind

# What both desks are told besides the event, and how urgently. A need that grew within its band
# is told by the band's own event and by the reminders.
_URGENCY = {
    CallEntryKind.OPENED: Severity.WARNING,
    CallEntryKind.REMINDED: Severity.URGENT,
    CallEntryKind.PARTLY_CURED: Severity.NOTICE,
    CallEntryKind.ESCALATED: Severity.URGENT,
    CallEntryKind.EXTENDED: Severity.NOTICE,
    CallEntryKind.RAN_OUT: Severity.URGENT,
    CallEntryKind.CURED: Severity.NOTICE,
}

UNCHANGED = Parts()


@dataclass(frozen=True, slots=True)
class Note:
    """One line to write: how the facility stood before and after, and what made the difference."""

    call: MarginCall
    kind: CallEntryKind
    before: Standing
    after: Standing
    parts: Parts = UNCHANGED
    reminder: str = ""
    cause: str = ""
    conversion: Conversion | None = None
    repayment: Repayment | None = None
    reason: str = ""


def last_standings(call_ids: Collection[int]) -> dict[int, Standing]:
    """Return how each call stood by the last line of its history (one query)."""
    entries = MarginCallEntry.objects.filter(call_id__in=list(call_ids))
    latest = entries.order_by("call_id", "-id").distinct("call_id")
    return {entry.call_id: Standing(entry.exposure, entry.lending_value) for entry in latest}


def write_history(notes: Sequence[Note], *, actor: Actor, now: datetime) -> None:
    """Append the lines in their order, emit one event each and alert lender and borrower.

    A constant number of statements. The calls are locked, so that no line comes in between.
    """
    if not notes:
        return
    entries = MarginCallEntry.objects.bulk_create(_entry(note, actor, now) for note in notes)
    emit_many([_event(note, actor) for note in notes], now=now)
    facilities = Facility.objects.in_bulk({note.call.facility_id for note in notes})
    _end_alerts(notes, actor=actor, now=now)
    alerts = [
        _alert(note, entry, facility, organisation_id)
        for note, entry in zip(notes, entries, strict=True)
        if note.kind in _URGENCY
        for facility in [facilities[note.call.facility_id]]
        for organisation_id in (facility.tenant_id, facility.borrower_id)
    ]
    raise_alerts(alerts, now=now)


def _end_alerts(notes: Sequence[Note], *, actor: Actor, now: datetime) -> None:
    """Let what the desks were told of calls that are cured now be past."""
    if cured := [note.call.pk for note in notes if note.kind == CallEntryKind.CURED]:
        end_alerts(
            aggregate="margin_call",
            aggregate_ids=cured,
            ended_with="pledges.margin_call_cured",
            actor=actor,
            now=now,
        )


def _entry(note: Note, actor: Actor, now: datetime) -> MarginCallEntry:
    opened = note.kind == CallEntryKind.OPENED
    return MarginCallEntry(
        tenant_id=note.call.tenant_id,
        call=note.call,
        kind=note.kind,
        reminder=note.reminder,
        at=now,
        exposure=note.after.exposure,
        lending_value=note.after.lending_value,
        need_before=0 if opened else note.before.need,
        need=note.after.need,
        by_cash=note.parts.cash,
        by_goods=note.parts.goods,
        by_price=note.parts.price,
        by_charges=note.parts.charges,
        by_write_off=note.parts.write_off,
        due_at=note.call.due_at,
        cause=note.cause,
        conversion=note.conversion,
        repayment=note.repayment,
        reason=note.reason,
        actor_label=actor.label,
        person_id=actor.person_id,
    )


def _payload(note: Note) -> dict[str, str | int]:
    return {
        "facility": note.call.facility_id,
        "cash_needed": str(note.call.cash_needed),
        "need": str(note.after.need),
        "cured": str(note.parts.total),
        "due_at": note.call.due_at.isoformat(),
        "reminder": str(note.reminder),
        "cure": note.call.cure,
    }


def _event(note: Note, actor: Actor) -> NewEvent:
    return NewEvent(
        topic=f"pledges.margin_call_{note.kind}",
        aggregate="margin_call",
        aggregate_id=str(note.call.pk),
        tenant_id=note.call.tenant_id,
        payload=_payload(note) | {"by": actor.label},
    )


def _alert(
    note: Note, entry: MarginCallEntry, facility: Facility, organisation_id: int
) -> NewAlert:
    return NewAlert(
        organisation_id=organisation_id,
        topic=f"pledges.margin_call_{note.kind}",
        aggregate="margin_call",
        aggregate_id=note.call.pk,
        key=f"margin_call_entry:{entry.pk}",
        severity=_URGENCY[note.kind],
        payload=_payload(note) | {"code": facility.code, "currency": facility.currency},
    )

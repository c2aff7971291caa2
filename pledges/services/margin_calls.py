"""Margin calls follow the readings of cover: opened, escalated and cured by them alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from common.calendars import BusinessCalendar
from common.locks import lock_in_order
from lending.models import Facility
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from pledges.models import MarginCall
from pledges.states import Band, ConversionKind, MarginCallState

if TYPE_CHECKING:
    from pledges.services.readings import Reading

CALLING = frozenset({Band.CALLED, Band.CLOSE_OUT})
CASH_KINDS = frozenset({ConversionKind.COLLECT, ConversionKind.APPLY})


def follow_readings(
    readings: Sequence[Reading], *, cause: str, actor: Actor, on: date, now: datetime
) -> None:
    """Open, escalate or cure the facilities' calls as their new readings demand.

    A call opens when exposure passes the watch line, escalates past the close-out line and is
    cured when exposure is within lending value again (domain.md, margin call). Six statements
    at most, whatever the number of readings.
    """
    # Under lock: the clock may be escalating one of them at this moment.
    uncured = MarginCall.objects.exclude(state=MarginCallState.CURED)
    concerned = uncured.filter(facility_id__in=[reading.facility_id for reading in readings])
    calls = {call.facility_id: call for call in lock_in_order(concerned)}
    opened = _open(
        [r for r in readings if r.cover.band in CALLING and r.facility_id not in calls],
        cause=cause,
        on=on,
        now=now,
    )
    _tell(opened, actor=actor, now=now)
    # A new call moves at once if exposure fell through both lines together.
    calls |= {call.facility_id: call for call in opened}
    moved = [
        call
        for reading in readings
        if (call := calls.get(reading.facility_id)) and _move(call, reading, cause=cause, now=now)
    ]
    MarginCall.objects.bulk_update(moved, ["state", "escalated_at", "cured_at", "cure", "cured_by"])
    _tell(moved, actor=actor, now=now)


def _open(readings: Sequence[Reading], *, cause: str, on: date, now: datetime) -> list[MarginCall]:
    if not readings:
        return []
    facilities = Facility.objects.select_related("tenant").in_bulk(
        [reading.facility_id for reading in readings]
    )
    return MarginCall.objects.bulk_create(
        MarginCall(
            tenant_id=reading.tenant_id,
            facility_id=reading.facility_id,
            opened_at=now,
            opened_on=on,
            due_at=_due(facilities[reading.facility_id], now),
            cause={"kind": cause, **reading.detail},
            exposure=reading.cover.exposure,
            market_value=reading.cover.market_value,
            lending_value=reading.cover.lending_value,
            cash_needed=reading.cover.shortfall,
        )
        for reading in readings
    )


def _due(facility: Facility, now: datetime) -> datetime:
    calendar = BusinessCalendar(facility.tenant.country)
    return calendar.add_business_days(now, facility.cure_business_days)


def _move(call: MarginCall, reading: Reading, *, cause: str, now: datetime) -> bool:
    """Move one open call by its reading; tell whether it moved."""
    if reading.cover.shortfall == 0:
        conversion = reading.conversions[0] if reading.conversions else None
        call.be_cured(now=now, cure=_cure(reading, cause), conversion=conversion)
        return True
    if reading.cover.band == Band.CLOSE_OUT and call.state == MarginCallState.OPEN:
        call.escalate(now=now)
        return True
    return False


def _cure(reading: Reading, cause: str) -> str:
    kinds = {conversion.kind for conversion in reading.conversions}
    if kinds:
        return "cash" if kinds <= CASH_KINDS else "goods"
    return "cash" if cause == "repay" else "price"


@transaction.atomic
def escalate_expired(*, actor: Actor, now: datetime) -> int:
    """Escalate every open call whose cure clock ran out before `now`; return how many."""
    calls = lock_in_order(MarginCall.objects.filter(state=MarginCallState.OPEN, due_at__lt=now))
    for call in calls:
        call.escalate(now=now)
    MarginCall.objects.bulk_update(calls, ["state", "escalated_at"])
    _tell(calls, actor=actor, now=now)
    return len(calls)


def _tell(calls: Iterable[MarginCall], *, actor: Actor, now: datetime) -> None:
    words = {
        MarginCallState.OPEN: "opened",
        MarginCallState.ESCALATED: "escalated",
        MarginCallState.CURED: "cured",
    }
    emit_many(
        [
            NewEvent(
                topic=f"pledges.margin_call_{words[MarginCallState(call.state)]}",
                aggregate="margin_call",
                aggregate_id=str(call.pk),
                tenant_id=call.tenant_id,
                payload={
                    "facility": call.facility_id,
                    "cash_needed": str(call.cash_needed),
                    "due_at": call.due_at.isoformat(),
                    "by": actor.label,
                },
            )
            for call in calls
        ],
        now=now,
    )

"""Margin calls follow the readings of cover: opened, deepened, cured in parts and in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction

from common.locks import lock_in_order
from lending.models import Facility, Repayment, WriteOff
from lending.states import WriteOffState
from parties.actors import Actor
from pledges.measure import judging_days, measure
from pledges.models import MarginCall
from pledges.rules.clock import due_after
from pledges.rules.needs import Parts, Standing, parts_of_act, parts_of_move, standing_of
from pledges.services.call_clock import run_clocks
from pledges.services.call_history import Note, last_standings, write_history
from pledges.services.price_gate import share_gates
from pledges.states import Band, CallEntryKind, ConversionKind, MarginCallState

if TYPE_CHECKING:
    from pledges.services.readings import Reading

ZERO = Decimal(0)
CALLING = frozenset({Band.CALLED, Band.CLOSE_OUT})
CASH_KINDS = frozenset({ConversionKind.COLLECT, ConversionKind.APPLY})


def follow_readings(
    readings: Sequence[Reading], *, cause: str, actor: Actor, on: date, now: datetime
) -> None:
    """Open, escalate or cure the facilities' calls as their new readings demand.

    A call opens when exposure passes the watch line, escalates past the close-out line and is
    cured when exposure is within lending value again (domain.md, margin call); what shrinks or
    deepens its need in between is written into its history. A constant number of statements.
    """
    # Under lock: the clock may be escalating one of them at this moment.
    uncured = MarginCall.objects.exclude(state=MarginCallState.CURED)
    concerned = uncured.filter(facility_id__in=[reading.facility_id for reading in readings])
    calls = {call.facility_id: call for call in lock_in_order(concerned)}
    last = last_standings([call.pk for call in calls.values()]) if calls else {}
    calling = [r for r in readings if r.cover.band in CALLING and r.facility_id not in calls]
    opened = _open(calling, cause=cause, on=on, now=now)
    notes = [_opening(call, reading) for call, reading in zip(opened, calling, strict=True)]
    # A new call moves at once if exposure fell through both lines together.
    calls |= {call.facility_id: call for call in opened}
    last |= {note.call.pk: note.after for note in notes}
    repayments = _repayments(calls) if cause == "repay" and calls else {}
    write_offs = _write_offs(calls) if cause == "write_off" and calls else {}
    moves = [
        _Move(
            calls[reading.facility_id],
            reading,
            cause,
            repayment=repayments.get(reading.facility_id),
            write_off=write_offs.get(reading.facility_id, ZERO),
        )
        for reading in readings
        if reading.facility_id in calls
    ]
    notes += [note for move in moves for note in move.notes(last[move.call.pk], now=now)]
    moved = [move.call for move in moves if move.moved]
    if moved:
        MarginCall.objects.bulk_update(
            moved, ["state", "escalated_at", "cured_at", "cure", "cured_by"]
        )
    write_history(notes, actor=actor, now=now)


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
    return due_after(
        now, country=facility.tenant.country, business_days=facility.cure_business_days
    )


def _opening(call: MarginCall, reading: Reading) -> Note:
    standing = standing_of(reading.cover)
    return Note(
        call, CallEntryKind.OPENED, standing, standing, cause=str(call.cause.get("kind", ""))
    )


def _repayments(calls: Mapping[int, MarginCall]) -> dict[int, Repayment]:
    """Return each facility's latest repayment: the one that is being recorded."""
    latest = Repayment.objects.filter(facility_id__in=list(calls))
    latest = latest.order_by("facility_id", "-id").distinct("facility_id")
    return {repayment.facility_id: repayment for repayment in latest}


def _write_offs(calls: Mapping[int, MarginCall]) -> dict[int, Decimal]:
    """Return what each facility's latest write-off took: the one that is being booked."""
    booked = WriteOff.objects.filter(loan__facility_id__in=list(calls), state=WriteOffState.BOOKED)
    rows = booked.order_by("loan__facility_id", "-decided_at", "-id").distinct("loan__facility_id")
    return dict(rows.values_list("loan__facility_id", "amount"))


class _Move:
    """What one reading does to one call."""

    def __init__(
        self,
        call: MarginCall,
        reading: Reading,
        cause: str,
        *,
        repayment: Repayment | None,
        write_off: Decimal,
    ) -> None:
        self.call, self.reading, self.cause = call, reading, cause
        self.repayment, self.write_off = repayment, write_off
        self.after = standing_of(reading.cover)
        self.moved = False

    def notes(self, last: Standing, *, now: datetime) -> list[Note]:
        """Move the call and return the lines of its history."""
        notes = []
        if self.after.need != last.need:
            notes.append(self._change(last, now))
        if self.reading.cover.band == Band.CLOSE_OUT and self.call.state == MarginCallState.OPEN:
            self.call.escalate(now=now)
            self.moved = True
            notes.append(
                Note(self.call, CallEntryKind.ESCALATED, self.after, self.after, cause=self.cause)
            )
        return notes

    def _change(self, last: Standing, now: datetime) -> Note:
        parts = self._parts(last)
        conversions = self.reading.conversions
        conversion = conversions[0] if conversions else None
        if self.after.need == 0:
            self.call.be_cured(now=now, cure=parts.cure, conversion=conversion)
            self.moved = True
        return Note(
            self.call,
            kind_of(last, self.after),
            last,
            self.after,
            parts,
            cause=self.cause,
            conversion=conversion,
            repayment=self.repayment,
        )

    def _parts(self, last: Standing) -> Parts:
        before = self.reading.before
        if before is None:
            paid = self.repayment.amount if self.repayment else ZERO
            return parts_of_move(last=last, after=self.after, paid=paid, write_off=self.write_off)
        kinds = {conversion.kind for conversion in self.reading.conversions}
        return parts_of_act(
            last=last,
            before=standing_of(before),
            after=self.after,
            cash_only=bool(kinds) and kinds <= CASH_KINDS,
        )


def kind_of(before: Standing, after: Standing) -> CallEntryKind:
    """Return what a change of the need is called."""
    if after.need == 0:
        return CallEntryKind.CURED
    return CallEntryKind.PARTLY_CURED if after.need < before.need else CallEntryKind.DEEPENED


@transaction.atomic
def mark_needs(*, on: date, actor: Actor, now: datetime) -> int:
    """Write into the history of every open call what prices and interest did to its need by `on`.

    Ticks write only calls whose band changes; this keeps the history complete day by day. Returns
    how many needs had changed; a second run finds none. Constant statements for calls of one day.
    """
    share_gates()
    calls = lock_in_order(MarginCall.objects.exclude(state=MarginCallState.CURED))
    last = last_standings([call.pk for call in calls])
    covers = {
        facility_id: cover
        for day, ids in judging_days(
            on=on, facility_ids=[call.facility_id for call in calls]
        ).items()
        for facility_id, cover in measure(as_of=day, facility_ids=ids).items()
    }
    notes = [
        Note(
            call,
            kind_of(before, after),
            before,
            after,
            parts_of_move(last=before, after=after),
            cause="day",
        )
        for call in calls
        for before, after in [(last[call.pk], standing_of(covers[call.facility_id]))]
        if after.need not in (0, before.need)
    ]
    write_history(notes, actor=actor, now=now)
    return len(notes)


def escalate_expired(*, actor: Actor, now: datetime) -> int:
    """Run the clocks of all open calls; return how many escalated because theirs ran out."""
    return run_clocks(actor=actor, now=now).escalated

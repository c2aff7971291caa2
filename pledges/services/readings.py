"""Readings of cover written down: history, band, margin call, events. One path for all causes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from pledges.models import Conversion, CoverRecord, FacilityCover
from pledges.rules.cover import Cover
from pledges.services.margin_calls import follow_readings
from pledges.states import Band


@dataclass(frozen=True, slots=True)
class Reading:
    """A facility's cover at the prices of one day, with the conversions that led to it.

    before: the cover that the act found, where an act led to it.
    """

    facility_id: int
    tenant_id: int
    cover: Cover
    priced_on: date
    conversions: Sequence[Conversion] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    before: Cover | None = None


def record_readings(
    readings: Sequence[Reading], *, cause: str, actor: Actor, on: date, now: datetime
) -> list[int]:
    """Write the readings and what follows from them; return the facilities whose band changed.

    A constant number of statements whatever the number of readings: the history rows, the
    current covers, the margin calls, the events.
    """
    if not readings:
        return []
    before = FacilityCover.objects.in_bulk([reading.facility_id for reading in readings])
    changed = [reading for reading in readings if _band_in(before, reading) != reading.cover.band]
    _write_history(readings, cause=cause, on=on, now=now)
    _write_current(readings, before, now=now)
    follow_readings(readings, cause=cause, actor=actor, on=on, now=now)
    _tell(changed, before, cause=cause, actor=actor, on=on, now=now)
    return [reading.facility_id for reading in changed]


def _write_history(readings: Sequence[Reading], *, cause: str, on: date, now: datetime) -> None:
    CoverRecord.objects.bulk_create(
        CoverRecord(
            tenant_id=reading.tenant_id,
            facility_id=reading.facility_id,
            recorded_at=now,
            business_date=on,
            cause=cause,
            conversion=reading.conversions[0] if reading.conversions else None,
            exposure=reading.cover.exposure,
            market_value=reading.cover.market_value,
            lending_value=reading.cover.lending_value,
            glided_value=reading.cover.glided_value,
            band=reading.cover.band,
            detail=reading.detail,
        )
        for reading in readings
    )


def _band_in(covers: Mapping[int, FacilityCover], reading: Reading) -> str:
    """Return the band a reading's facility was in; covered if it was never judged."""
    cover = covers.get(reading.facility_id)
    return cover.band if cover else str(Band.COVERED)


def _since(covers: Mapping[int, FacilityCover], reading: Reading, now: datetime) -> datetime:
    cover = covers.get(reading.facility_id)
    return cover.since if cover and cover.band == reading.cover.band else now


def _write_current(
    readings: Sequence[Reading], before: Mapping[int, FacilityCover], *, now: datetime
) -> None:
    FacilityCover.objects.bulk_create(
        [
            FacilityCover(
                facility_id=reading.facility_id,
                tenant_id=reading.tenant_id,
                band=reading.cover.band,
                since=_since(before, reading, now),
                exposure=reading.cover.exposure,
                market_value=reading.cover.market_value,
                lending_value=reading.cover.lending_value,
                glided_value=reading.cover.glided_value,
                assessed_at=now,
                as_of=reading.priced_on,
            )
            for reading in readings
        ],
        update_conflicts=True,
        unique_fields=["facility"],
        update_fields=[
            "band",
            "since",
            "exposure",
            "market_value",
            "lending_value",
            "glided_value",
            "assessed_at",
            "as_of",
        ],
    )


def _tell(
    changed: Sequence[Reading],
    before: Mapping[int, FacilityCover],
    *,
    cause: str,
    actor: Actor,
    on: date,
    now: datetime,
) -> None:
    emit_many(
        [
            NewEvent(
                topic="pledges.band_changed",
                aggregate="facility",
                aggregate_id=str(reading.facility_id),
                tenant_id=reading.tenant_id,
                payload={
                    "from": _band_in(before, reading),
                    "to": str(reading.cover.band),
                    "cause": cause,
                    "on": on.isoformat(),
                    "by": actor.label,
                    "exposure": str(reading.cover.exposure),
                    "lending_value": str(reading.cover.lending_value),
                },
            )
            for reading in changed
        ],
        now=now,
    )

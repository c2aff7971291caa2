"""Readings of cover written down: history, band, margin call, events. One path for all causes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from pledges.models import Conversion, CoverRecord, FacilityCover
from pledges.rules.cover import Cover
from pledges.services.margin_calls import follow_readings


@dataclass(frozen=True, slots=True)
class Reading:
    """A facility's cover at the prices of one day, with the conversions that led to it."""

    facility_id: int
    tenant_id: int
    cover: Cover
    priced_on: date
    conversions: Sequence[Conversion] = ()
    detail: dict[str, Any] = field(default_factory=dict)


def record_readings(
    readings: Sequence[Reading], *, cause: str, actor: Actor, on: date, now: datetime
) -> list[int]:
    """Write the readings and what follows from them; return the facilities whose band changed.

    A constant number of statements whatever the number of readings: the history rows, the
    current covers, the margin calls, the events.
    """
    if not readings:
        return []
    bands_before = dict(
        FacilityCover.objects.filter(
            facility_id__in=[reading.facility_id for reading in readings]
        ).values_list("facility_id", "band")
    )
    changed = [
        reading
        for reading in readings
        if bands_before.get(reading.facility_id, "covered") != reading.cover.band
    ]
    _write_history(readings, cause=cause, on=on, now=now)
    _write_current(readings, {reading.facility_id for reading in changed}, now=now)
    follow_readings(readings, cause=cause, actor=actor, on=on, now=now)
    _tell(changed, bands_before, cause=cause, actor=actor, on=on, now=now)
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
            band=reading.cover.band,
            detail=reading.detail,
        )
        for reading in readings
    )


def _write_current(readings: Sequence[Reading], changed: set[int], *, now: datetime) -> None:
    since = dict(
        FacilityCover.objects.filter(
            facility_id__in=[reading.facility_id for reading in readings]
        ).values_list("facility_id", "since")
    )
    FacilityCover.objects.bulk_create(
        [
            FacilityCover(
                facility_id=reading.facility_id,
                tenant_id=reading.tenant_id,
                band=reading.cover.band,
                since=now
                if reading.facility_id in changed
                else since.get(reading.facility_id, now),
                exposure=reading.cover.exposure,
                market_value=reading.cover.market_value,
                lending_value=reading.cover.lending_value,
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
            "assessed_at",
            "as_of",
        ],
    )


def _tell(
    changed: Sequence[Reading],
    bands_before: dict[int, str],
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
                    "from": bands_before.get(reading.facility_id, "covered"),
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

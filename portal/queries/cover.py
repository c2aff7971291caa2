"""How a facility stands and stood: readings of its cover and the figures that follow from them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lending.models import Facility
from parties.actors import Actor
from pledges.models import CoverRecord, FacilityCover
from pledges.rules.cover import Cover, line_values
from pledges.states import Band


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of cover with the values at which its band would change."""

    at: datetime
    on: date
    cause: str
    exposure: Decimal
    market: Decimal
    lending: Decimal
    watch: Decimal
    call: Decimal
    band: str
    conversion_id: uuid.UUID | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """A facility now: its cover, since when in its band, and what blocks drawing."""

    cover: Cover
    since: datetime | None
    watch: Decimal
    call: Decimal
    blocked_by: str


def list_readings(actor: Actor, facility: Facility, *, since: date | None = None) -> list[Reading]:
    """Return the readings in time order (one query)."""
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    records = CoverRecord.objects.filter(facility__in=visible).order_by("recorded_at", "id")
    if since is not None:
        records = records.filter(business_date__gte=since)
    return [_reading(facility, record) for record in records]


def _reading(facility: Facility, record: CoverRecord) -> Reading:
    watch, call = line_values(
        market_value=record.market_value,
        lending_value=record.lending_value,
        glided_value=record.glided_value,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
    )
    return Reading(
        at=record.recorded_at,
        on=record.business_date,
        cause=record.cause,
        exposure=record.exposure,
        market=record.market_value,
        lending=record.lending_value,
        watch=watch,
        call=call,
        band=record.band,
        conversion_id=record.conversion_id,
        detail=record.detail,
    )


def get_standing(actor: Actor, facility: Facility) -> Standing:
    """Return how the facility stands by its latest reading (one or two queries)."""
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    latest = (
        CoverRecord.objects.filter(facility__in=visible).order_by("-recorded_at", "-id").first()
    )
    current = FacilityCover.objects.filter(facility__in=visible).first()
    cover = Cover(
        exposure=facility.exposure,
        market_value=latest.market_value if latest else Decimal(0),
        lending_value=latest.lending_value if latest else Decimal(0),
        band=Band(latest.band) if latest else Band.COVERED,
        limit=facility.limit,
        glided_value=latest.glided_value if latest else Decimal(0),
    )
    watch, call = line_values(
        market_value=cover.market_value,
        lending_value=cover.lending_value,
        glided_value=cover.glided_value,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
    )
    return Standing(
        cover=cover,
        since=current.since if current else None,
        watch=watch,
        call=call,
        blocked_by=_blocked_by(facility, cover),
    )


def _blocked_by(facility: Facility, cover: Cover) -> str:
    """Name what keeps the reader from drawing (more): a code that the pages put into words."""
    if facility.state != "active":
        return "state"
    if cover.band != Band.COVERED:
        return "band"
    if cover.lending_value < cover.limit:
        return "lending_value"
    return "limit"

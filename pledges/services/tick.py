"""The tick: prices move, and only what they change is written.

A tick reads pool lines, never lots, and writes only the facilities whose band changes: their
reading, band, margin call and events. Behind the price gate (see price_gate), so that no act is
judged by a price while the tick judges by an exposure that is about to change.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from parties.actors import Actor
from pledges.measure import judging_days
from pledges.rules.cover import Cover
from pledges.services.price_gate import close_gate, share_gate
from pledges.services.readings import Reading, record_readings
from pledges.states import Band

# Facilities touched by the moved bases, and of those the ones whose band differs.
_TOUCHED = """
SELECT array_agg(DISTINCT facility_id) FROM pledges_poolline WHERE basis_id = ANY (%s)
"""
_CHANGED = """
SELECT v.facility_id, f.tenant_id, v.exposure, v.credit_limit, v.market_value, v.lending_value,
       v.band
FROM pledges_cover(%s, %s) v
JOIN lending_facility f ON f.id = v.facility_id
LEFT JOIN pledges_facilitycover c ON c.facility_id = v.facility_id
WHERE v.band <> coalesce(c.band, 'covered')
"""


@dataclass(frozen=True, slots=True)
class TickResult:
    """What a tick touched and what it changed."""

    facilities_touched: int
    bands_changed: int


def revalue(
    *,
    commodity_ids: Collection[int],
    as_of: date,
    actor: Actor,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> TickResult:
    """Re-judge every facility that holds one of the commodities, at the prices of `as_of` or later.

    Idempotent: a second run finds the bands as they should be. Statements are constant in the
    number of facilities and lots.
    """
    with transaction.atomic():
        close_gate()
        touched = _touched(commodity_ids)
        readings = _changed(as_of, touched, detail or {})
        record_readings(readings, cause="tick", actor=actor, on=as_of, now=now)
    return TickResult(facilities_touched=len(touched), bands_changed=len(readings))


def reassess(
    *, facility_ids: Collection[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Re-judge facilities whose exposure moved without an act on their cover (accrual, cash)."""
    with transaction.atomic():
        share_gate()
        readings = _changed(on, facility_ids, {})
        record_readings(readings, cause=cause, actor=actor, on=on, now=now)


def _touched(commodity_ids: Collection[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [list(commodity_ids)])
        [ids] = cursor.fetchone()
    return ids or []


def _changed(on: date, facility_ids: Collection[int], detail: dict[str, Any]) -> list[Reading]:
    return [
        reading
        for priced_on, ids in judging_days(on=on, facility_ids=facility_ids).items()
        for reading in _changed_by(priced_on, ids, detail)
    ]


def _changed_by(
    priced_on: date, facility_ids: Sequence[int], detail: dict[str, Any]
) -> list[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [priced_on, list(facility_ids)])
        rows = cursor.fetchall()
    return [
        Reading(
            facility_id,
            tenant_id,
            Cover(
                exposure=exposure,
                market_value=market_value,
                lending_value=lending_value,
                band=Band(band),
                limit=limit,
            ),
            priced_on,
            detail=detail,
        )
        for facility_id, tenant_id, exposure, limit, market_value, lending_value, band in rows
    ]

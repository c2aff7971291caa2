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
from pledges.measure import cover_of, judging_days
from pledges.services.price_gate import close_gate, share_gate
from pledges.services.readings import Reading, record_readings

# Facilities touched by the moved bases, and of those the ones whose band differs.
_TOUCHED = """
SELECT array_agg(DISTINCT facility_id) FROM pledges_poolline WHERE basis_id = ANY (%s)
"""
_CHANGED = """
SELECT f.tenant_id, v.*
FROM pledges_cover(%s, %s) v
JOIN lending_facility f ON f.id = v.facility_id
LEFT JOIN pledges_facilitycover c ON c.facility_id = v.facility_id
WHERE v.band <> coalesce(c.band, 'covered')
   OR (%s AND EXISTS (SELECT FROM pledges_margincall m
                      WHERE m.facility_id = v.facility_id AND m.state <> 'cured'))
"""
# Only lines glide: what is covered, or beyond close-out already, stays so until something moves.
_BETWEEN_LINES = "SELECT facility_id FROM pledges_facilitycover WHERE band IN ('watch', 'called')"
_GLIDES = """
SELECT c.code, q.rate, q.glided_rate
FROM risk_quotes(%s) q JOIN risk_commodity c ON c.id = q.commodity_id
WHERE q.glided_rate > q.rate ORDER BY c.code
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


def follow_glides(*, on: date, actor: Actor, now: datetime) -> TickResult:
    """Re-judge, at the rates as they have glided by `on`, the facilities whose lines they may pass.

    For every business day, also one without a new price or rate. A second run finds the bands as
    they should be. Statements are constant in the number of facilities.
    """
    with transaction.atomic():
        close_gate()
        between = [facility_id for (facility_id,) in _rows(_BETWEEN_LINES, [])]
        readings = _changed(on, between, _glides(on) if between else {})
        record_readings(readings, cause="glide", actor=actor, on=on, now=now)
    return TickResult(facilities_touched=len(between), bands_changed=len(readings))


def _glides(on: date) -> dict[str, Any]:
    """Return the commodities whose lines glide: the live rate and where the glide has come to."""
    rows = _rows(_GLIDES, [on])
    return {
        "moved": "glide",
        "glides": {code: {"rate": str(rate), "glided": str(glided)} for code, rate, glided in rows},
    }


def reassess(
    *, facility_ids: Collection[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Re-judge facilities whose exposure moved without an act on their cover (accrual, cash).

    Whatever may have cured a part of an open call is recorded, even if no band changes; a day's
    interest is left to `mark_needs`.
    """
    with transaction.atomic():
        share_gate()
        readings = _changed(on, facility_ids, {}, called_too=cause != "accrue")
        record_readings(readings, cause=cause, actor=actor, on=on, now=now)


def _touched(commodity_ids: Collection[int]) -> list[int]:
    [[ids]] = _rows(_TOUCHED, [list(commodity_ids)])
    return ids or []


def _changed(
    on: date, facility_ids: Collection[int], detail: dict[str, Any], *, called_too: bool = False
) -> list[Reading]:
    """Return the readings whose band differs from the recorded one, or (also) of called ones."""
    return [
        reading
        for priced_on, ids in judging_days(on=on, facility_ids=facility_ids).items()
        for reading in _changed_by(priced_on, ids, detail, called_too)
    ]


def _changed_by(
    priced_on: date, facility_ids: Sequence[int], detail: dict[str, Any], called_too: bool
) -> list[Reading]:
    return [
        Reading(cover[0], tenant_id, cover_of(cover), priced_on, detail=detail)
        for tenant_id, *cover in _rows(_CHANGED, [priced_on, list(facility_ids), called_too])
    ]


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

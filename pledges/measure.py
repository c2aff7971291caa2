"""Readings of cover from the database's own arithmetic."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from pledges.rules.cover import Cover
from pledges.states import Band


@dataclass(frozen=True, slots=True)
class UnitValue:
    """What one remaining unit of a position is worth and lends, in the facility's currency."""

    market: Decimal
    lending: Decimal


def measure(*, as_of: date, facility_ids: Collection[int]) -> dict[int, Cover]:
    """Return the cover of each facility at the prices and rates valid on `as_of` (one query)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM pledges_cover(%s, %s)", [as_of, list(facility_ids)])
        return {row[0]: _cover(row) for row in cursor.fetchall()}


def _cover(row: tuple[int, Decimal, Decimal, Decimal, Decimal, str]) -> Cover:
    _facility_id, exposure, limit, market_value, lending_value, band = row
    return Cover(
        exposure=exposure,
        market_value=market_value,
        lending_value=lending_value,
        band=Band(band),
        limit=limit,
    )


def unit_values(*, as_of: date, position_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, UnitValue]:
    """Return what one unit of each position is worth on `as_of` (one query)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM pledges_position_values(%s, %s::uuid[])",
            [as_of, [str(one) for one in position_ids]],
        )
        rows = cursor.fetchall()
    return {uuid.UUID(str(row[0])): UnitValue(market=row[1], lending=row[2]) for row in rows}

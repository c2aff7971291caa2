"""Readings of cover from the database's own arithmetic."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import connection

from pledges.rules.cover import Cover
from pledges.states import PROPERTY_RIGHTS, Band

CENT = Decimal("0.01")

# The last day that has a price, found by one index look-up a commodity.
JUDGED_BY = """
SELECT greatest(%(on)s::date, c.as_of, (
           SELECT max(last.observed_on) FROM risk_commodity commodity CROSS JOIN LATERAL (
               SELECT price.observed_on FROM risk_price price
               WHERE price.commodity_id = commodity.id
               ORDER BY price.observed_on DESC LIMIT 1) last)) AS day,
       array_agg(f.id ORDER BY f.id)
FROM ({facilities}) f
LEFT JOIN pledges_facilitycover c ON c.facility_id = f.id
GROUP BY day ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class UnitValue:
    """What one remaining unit of a position is worth and lends, in the facility's currency."""

    market: Decimal
    lending: Decimal


def worth(
    values: Mapping[uuid.UUID, UnitValue], quantities: Mapping[uuid.UUID, Decimal]
) -> Decimal:
    """Return the market value of quantities of positions, each rounded half to even to the cent.

    What a checker decides on and what the journal keeps as given up are this one figure.
    """
    return sum(
        (
            (values[position].market * quantity).quantize(CENT, rounding=ROUND_HALF_EVEN)
            for position, quantity in quantities.items()
            if position in values
        ),
        Decimal(0),
    )


def measure(*, as_of: date, facility_ids: Collection[int]) -> dict[int, Cover]:
    """Return the cover of each facility at the prices and rates valid on `as_of` (one query)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM pledges_cover(%s, %s)", [as_of, list(facility_ids)])
        return {row[0]: cover_of(row) for row in cursor.fetchall()}


def judging_days(*, on: date, facility_ids: Collection[int]) -> dict[date, list[int]]:
    """Return the facilities by the day whose prices they are to be judged by (one query).

    An act may be entered late, a payment be worth money from an earlier day, a price come in for
    yesterday: cover is always that of the live price. So the day is `on`, the last day with any
    price or the day the facility was last judged by, whichever is latest.
    """
    with connection.cursor() as cursor:
        given = "SELECT unnest(%(ids)s::bigint[]) AS id"
        cursor.execute(JUDGED_BY.format(facilities=given), {"on": on, "ids": list(facility_ids)})
        return dict(cursor.fetchall())


def cover_of(row: Sequence[Any]) -> Cover:
    """Return the cover that a row of the SQL function `pledges_cover` says."""
    _facility_id, exposure, limit, market_value, lending_value, band, glided_value = row
    return Cover(
        exposure=exposure,
        market_value=market_value,
        lending_value=lending_value,
        band=Band(band),
        limit=limit,
        glided_value=glided_value,
    )


_CONTROLLED = """
SELECT coalesce(round(sum(l.market_weight * q.unit_price), 2), 0)
FROM pledges_poolline l
JOIN lending_facility f ON f.id = l.facility_id
JOIN risk_quotes(%(as_of)s) q ON q.commodity_id = l.basis_id AND q.fresh AND q.currency = f.currency
WHERE l.facility_id = %(facility)s AND l."right" = ANY (%(rights)s)
"""


def controlled_value(*, as_of: date, facility_id: int) -> Decimal:
    """Return what the goods under the lender's control that count are worth (one query)."""
    parameters: dict[str, date | int | list[str]] = {
        "as_of": as_of,
        "facility": facility_id,
        "rights": sorted(map(str, PROPERTY_RIGHTS)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONTROLLED, parameters)
        [value] = cursor.fetchone()
    return Decimal(value)


def unit_values(*, as_of: date, position_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, UnitValue]:
    """Return what one unit of each position is worth on `as_of` (one query)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM pledges_position_values(%s, %s::uuid[])",
            [as_of, [str(one) for one in position_ids]],
        )
        rows = cursor.fetchall()
    return {uuid.UUID(str(row[0])): UnitValue(market=row[1], lending=row[2]) for row in rows}

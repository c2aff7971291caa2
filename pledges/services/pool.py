"""Pool lines kept in step with positions, in one statement per conversion."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from django.db import connection

_ADD = """
INSERT INTO pledges_poolline AS line
       (tenant_id, facility_id, basis_id, "right", market_weight, lending_weight)
SELECT p.tenant_id, p.facility_id, t.basis_id, p."right",
       sum(change.quantity * t.market_per_unit), sum(change.quantity * t.lending_per_unit)
FROM unnest(%s::uuid[], %s::numeric[]) AS change(position_id, quantity)
JOIN pledges_position p ON p.id = change.position_id AND NOT p.suspended
JOIN pledges_positionterm t ON t.position_id = p.id
GROUP BY p.tenant_id, p.facility_id, t.basis_id, p."right"
ORDER BY p.facility_id, t.basis_id, p."right"
ON CONFLICT (facility_id, basis_id, "right") DO UPDATE
SET market_weight = line.market_weight + EXCLUDED.market_weight,
    lending_weight = line.lending_weight + EXCLUDED.lending_weight
"""

_TAKE = """
UPDATE pledges_poolline AS line
SET market_weight = line.market_weight - taken.market_weight,
    lending_weight = line.lending_weight - taken.lending_weight
FROM (SELECT p.facility_id, t.basis_id, p."right",
             sum(change.quantity * t.market_per_unit) AS market_weight,
             sum(change.quantity * t.lending_per_unit) AS lending_weight
      FROM unnest(%s::uuid[], %s::numeric[]) AS change(position_id, quantity)
      JOIN pledges_position p ON p.id = change.position_id AND NOT p.suspended
      JOIN pledges_positionterm t ON t.position_id = p.id
      GROUP BY p.facility_id, t.basis_id, p."right") AS taken
WHERE line.facility_id = taken.facility_id AND line.basis_id = taken.basis_id
  AND line."right" = taken."right"
"""


def add_to_pool(quantities: Mapping[uuid.UUID, Decimal]) -> None:
    """Add quantities of live positions to their facilities' pool lines; suspended ones weigh 0."""
    _change(_ADD, quantities)


def take_from_pool(quantities: Mapping[uuid.UUID, Decimal]) -> None:
    """Take quantities of live positions out of their facilities' pool lines; see `add_to_pool`."""
    _change(_TAKE, quantities)


def _change(sql: str, quantities: Mapping[uuid.UUID, Decimal]) -> None:
    if not quantities:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, [[str(one) for one in quantities], list(quantities.values())])

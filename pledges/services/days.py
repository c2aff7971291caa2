"""The end of a day: one reading of every facility, whatever happened."""

from datetime import date, datetime

from django.db import connection, transaction

from pledges.services.price_gate import share_gates

_RECORD = """
INSERT INTO pledges_coverrecord
       (tenant_id, facility_id, recorded_at, business_date, cause, exposure, market_value,
        lending_value, glided_value, band, detail)
SELECT f.tenant_id, f.id, %s, %s, 'day', v.exposure, v.market_value, v.lending_value,
       v.glided_value, v.band, '{}'
FROM pledges_cover(%s, %s) v JOIN lending_facility f ON f.id = v.facility_id
WHERE f.state <> 'draft' AND NOT EXISTS (
    SELECT FROM pledges_coverrecord r
    WHERE r.facility_id = f.id AND r.business_date = %s AND r.cause = 'day')
"""


def record_day(*, on: date, now: datetime, facility_ids: list[int] | None = None) -> int:
    """Append one reading per facility for a business day; a second run adds nothing.

    Returns how many were added. One statement, whatever the number of facilities.
    """
    with transaction.atomic():
        share_gates(facility_ids)
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, [now, on, on, facility_ids, on])
            return int(cursor.rowcount)

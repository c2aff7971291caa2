"""Keep the exposure that stands on a facility equal to what its loans owe."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import F, Sum

from lending.hooks import Cause, exposure_changed
from lending.models import Facility
from lending.rules import ZERO, LimitUse
from lending.states import DRAWABLE
from parties.actors import Actor

_REFRESH = """
    UPDATE lending_facility f
       SET exposure = owed.total
      FROM (SELECT facility.id,
                   COALESCE(SUM(l.owed_principal + l.owed_interest + l.owed_penalty
                                + l.owed_fees + l.owed_costs), 0) AS total
              FROM unnest(%s::bigint[]) AS facility(id)
              LEFT JOIN lending_loan l ON l.facility_id = facility.id
             GROUP BY facility.id) AS owed
     WHERE f.id = owed.id AND f.exposure IS DISTINCT FROM owed.total
"""


def refresh_exposure(facility_ids: Sequence[int]) -> int:
    """Set the facilities' exposure to the sum of what their loans owe; return how many changed.

    One statement. The caller holds the facilities' locks.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, [list(facility_ids)])
        return int(cursor.rowcount)


def tell_exposure(
    facility_ids: Sequence[int], *, cause: Cause, on: date, actor: Actor, now: datetime
) -> None:
    """Refresh the exposures, then let the rooms above judge them (see lending.hooks)."""
    refresh_exposure(facility_ids)
    exposure_changed(facility_ids=facility_ids, cause=cause, on=on, actor=actor, now=now)


def limit_use(facility: Facility, *, on: date, replaced: Decimal = ZERO) -> LimitUse:
    """Return how the limit is used on a day: exposure, and what is agreed and may still be drawn.

    `replaced` is exposure that a refinancing is about to repay. Reads the database: the facility
    must be locked and its exposure refreshed.
    """
    drawable = facility.loans.filter(state__in=DRAWABLE, due_on__gte=on)
    undrawn = drawable.aggregate(sum=Sum(F("principal") - F("drawn")))["sum"] or ZERO
    return LimitUse(facility.limit, facility.exposure - replaced, undrawn)

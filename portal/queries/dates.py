"""Which day it is in the data: the demonstration's last day lies in the past."""

from datetime import UTC, date, datetime, time

from django.db.models import Max

from lending.models import Facility
from parties.actors import Actor
from pledges.models import CoverRecord


def business_date(actor: Actor, facility: Facility | None) -> date | None:
    """Return the latest business date of the facility's cover records; None before the first.

    The caller got `facility` from a query that took the same actor.
    """
    if facility is None or not actor.is_known:
        return None
    found = CoverRecord.objects.filter(facility=facility).aggregate(latest=Max("business_date"))
    return found["latest"] or facility.opened_on


def end_of(day: date) -> datetime:
    """Return the last instant of a day (UTC)."""
    return datetime.combine(day, time.max, tzinfo=UTC)

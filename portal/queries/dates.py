"""Which day it is in the data: the demonstration's last day lies in the past."""

from datetime import UTC, date, datetime, time

from django.db.models import Max

from lending.models import Facility
from outbox.models import AuditEntry
from parties.actors import Actor
from pledges.models import CoverRecord


def business_date(actor: Actor, facility: Facility | None) -> date | None:
    """Return the latest business date of the facility's cover records, else its opening.

    Readers without a facility (suppliers, custodians) stand at the platform's latest date; None
    before the first record. The caller got `facility` from a query that took the same actor.
    """
    if not actor.is_known:
        return None
    records = CoverRecord.objects.all()
    if facility is not None:
        records = records.filter(facility=facility)
    latest: date | None = records.aggregate(latest=Max("business_date"))["latest"]
    return latest or (facility.opened_on if facility else None)


def last_act() -> datetime:
    """Return the instant of the last recorded act or closing on the platform, whoever did it."""
    acted = AuditEntry.objects.aggregate(latest=Max("at"))["latest"]
    judged = CoverRecord.objects.aggregate(latest=Max("recorded_at"))["latest"]
    return max(instant for instant in (acted, judged, datetime.min.replace(tzinfo=UTC)) if instant)


def end_of(day: date) -> datetime:
    """Return the last instant of a day (UTC)."""
    return datetime.combine(day, time.max, tzinfo=UTC)

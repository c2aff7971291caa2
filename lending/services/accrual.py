"""Interest, day by day, for all loans at once.

Each day takes two statements of our own (which year fractions are needed; count them) and the
ledger's batch, however many loans there are and however old they are: a loan's interest is its
closed form since its principal last changed, less what has been posted.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, Min, OuterRef

from common.currencies import MINOR_UNITS
from common.locks import lock_in_order
from ledger.services.posting import Line, NewEntry, post_batch
from lending.models import Facility, Loan
from lending.rules import counted_fraction
from lending.services.accrual_sql import COUNT_DAY, PERIODS
from lending.services.exposure import tell_exposure
from lending.states import OWING
from outbox.services import NewEvent, emit_many, record
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import NotAllowed, require_role

# Facilities a transaction: some thousand loans, a second or less.
SHARD = 200
_DAY = timedelta(days=1)


@dataclass
class AccrualResult:
    """What a run did: the facilities it touched and, summed over days, the loans it counted."""

    facility_ids: list[int] = field(default_factory=list)
    days: int = 0
    loan_days: int = 0
    overdue_loans: int = 0


class _Counted(NamedTuple):
    """One loan on one day: what was added, and whether it fell overdue."""

    loan_id: int
    number: str
    facility_id: int
    tenant_id: int
    currency: str
    interest: Decimal
    penalty: Decimal
    fell_overdue: bool


def accrue(
    *,
    through: date,
    actor: Actor,
    now: datetime,
    tenant_id: int | None = None,
    facility_ids: Sequence[int] | None = None,
) -> AccrualResult:
    """Count interest up to a date for all loans that owe, over all days that are missing.

    Running it again changes nothing. Posts one entry per lender, currency and day; lets loans
    past their due date fall overdue, with penalty interest on their principal from the day after;
    refreshes exposures and tells the rooms above once. A person accrues for their own lender only.
    """
    require_role(actor, Role.OPERATIONS, Role.APPROVER)
    if not actor.is_system and tenant_id != actor.organisation_id:
        raise NotAllowed(message=f"{actor.label} may only accrue for their own lender")
    with transaction.atomic():
        result = count_interest(
            through=through, tenant_id=tenant_id, facility_ids=facility_ids, actor=actor, now=now
        )
        if result.facility_ids:
            tell_exposure(result.facility_ids, cause="accrue", on=through, actor=actor, now=now)
        return result


def count_interest(
    *,
    through: date,
    actor: Actor,
    now: datetime,
    tenant_id: int | None = None,
    facility_ids: Sequence[int] | None = None,
) -> AccrualResult:
    """Do the same without refreshing exposures or telling anybody: the first step of other acts."""
    with transaction.atomic():
        scope = _lock_scope(through, tenant_id, facility_ids)
        result = AccrualResult(facility_ids=[facility.pk for facility in scope])
        for day in _missing_days(result.facility_ids, through):
            _count_day(result, scope, day, actor=actor, now=now)
        if result.days:
            _record(scope, result, through, actor=actor, now=now)
        return result


def shards_behind(*, through: date, size: int = SHARD) -> list[list[int]]:
    """Return the facilities with a loan whose interest is not counted up to a date, in shards.

    One transaction over the whole book would hold every facility's lock until its end.
    """
    rows = Facility.objects.filter(Exists(_behind(through).filter(facility=OuterRef("pk"))))
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _behind(through: date) -> Any:
    return Loan.objects.filter(state__in=OWING, accrued_through__lt=through)


def _lock_scope(
    through: date, tenant_id: int | None, facility_ids: Sequence[int] | None
) -> list[Facility]:
    rows = Facility.objects.filter(Exists(_behind(through).filter(facility=OuterRef("pk"))))
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    if facility_ids is not None:
        rows = rows.filter(pk__in=facility_ids)
    return lock_in_order(rows)


def _missing_days(facility_ids: Sequence[int], through: date) -> Iterator[date]:
    """Yield the days after the most backward loan's last; read under the locks."""
    if not facility_ids:
        return
    loans = _behind(through).filter(facility_id__in=facility_ids)
    last: date | None = loans.aggregate(last=Min("accrued_through"))["last"]
    while last is not None and last < through:
        last += _DAY
        yield last


def _count_day(
    result: AccrualResult, scope: Sequence[Facility], day: date, *, actor: Actor, now: datetime
) -> None:
    counted = _count(scope, day)
    _post(counted, day, actor=actor, now=now)
    _announce_overdue(counted, day, now=now)
    result.days += 1
    result.loan_days += len(counted)
    result.overdue_loans += sum(row.fell_overdue for row in counted)


def _count(scope: Sequence[Facility], day: date) -> list[_Counted]:
    values: dict[str, Any] = {
        "facilities": [facility.pk for facility in scope],
        "day": day,
        "yesterday": day - _DAY,
    }
    currencies = sorted({facility.currency for facility in scope})
    values |= {"currencies": currencies, "minor": [MINOR_UNITS[code] for code in currencies]}
    with connection.cursor() as cursor:
        cursor.execute(PERIODS, values)
        values["fractions"] = _fractions(cursor.fetchall())
        cursor.execute(COUNT_DAY, values)
        return [_Counted(*row) for row in cursor.fetchall()]


def _fractions(periods: Sequence[tuple[str, str, date, date]]) -> str:
    """Return the periods' year fractions by name: exact, as numerator and denominator, in JSON."""
    parts = {name: counted_fraction(how, start, end) for name, how, start, end in periods}
    return json.dumps({name: [part.numerator, part.denominator] for name, part in parts.items()})


def _post(counted: Sequence[_Counted], day: date, *, actor: Actor, now: datetime) -> None:
    """Post one entry per lender and currency.

    Without a key: that a loan's day is counted once is held by its `accrued_through`, under the
    facility's lock, and a lender's loans may well reach a day in several runs.
    """
    for (tenant_id, currency), rows in groupby(counted, key=lambda row: (row[3], row[4])):
        if lines := [line for row in rows for line in _lines(row)]:
            entry = NewEntry("accrual", day, lines, reference=day.isoformat())
            post_batch(
                tenant_id=tenant_id, currency=currency, entries=[entry], actor=actor, now=now
            )


def _lines(row: _Counted) -> Iterator[Line]:
    if row.interest:
        yield Line(f"interest:{row.number}", "interest_income", row.interest)
    if row.penalty:
        yield Line(f"penalty:{row.number}", "penalty_income", row.penalty)


def _announce_overdue(counted: Sequence[_Counted], day: date, *, now: datetime) -> None:
    events = [
        NewEvent(
            "lending.loan_fell_overdue",
            "lending.loan",
            row.loan_id,
            {"loan": row.number, "facility": row.facility_id, "on": day},
            row.tenant_id,
        )
        for row in counted
        if row.fell_overdue
    ]
    if events:
        emit_many(events, now=now)


def _record(
    scope: Sequence[Facility], result: AccrualResult, through: date, *, actor: Actor, now: datetime
) -> None:
    for tenant_id in sorted({facility.tenant_id for facility in scope}):
        record(
            action="accrue",
            actor=actor,
            object_type="parties.organisation",
            object_id=tenant_id,
            at=now,
            business_date=through,
            tenant_id=tenant_id,
            detail={"days": result.days, "loan_days": result.loan_days},
        )

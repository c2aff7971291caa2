"""The tick: prices move, and only what they change is written, one lender's book at a time.

Prices and what they make due commit together: one event a book that holds what moved. Each book is
then re-judged in a transaction of its own, by the event's handler (`tick_book`): at once by whoever
recorded the prices, or by a worker if that process dies. The event makes it happen exactly once for
a batch and a book. An act in between is judged by the new prices, so nobody draws or takes away by
the old ones.

A tick reads pool lines, never lots, and writes only the facilities whose band changes: their
reading, band, margin call and events. Behind the gate of its book (see price_gate), so that no act
is judged by a price while the tick judges by an exposure that is about to change.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from outbox.models import Event
from outbox.services.delivery import handle_event
from outbox.services.events import NewEvent, emit_many
from outbox.states import EventState
from parties.actors import Actor, system_actor
from pledges.measure import JUDGED_BY, cover_of
from pledges.services.price_gate import close_book, close_price_gate, share_gates
from pledges.services.readings import Reading, record_readings

TICK_DUE = "pledges.tick_due"

_BOOKS = """
SELECT tenant.id FROM parties_organisation tenant
WHERE EXISTS (SELECT FROM pledges_poolline line
              WHERE line.tenant_id = tenant.id AND line.basis_id = ANY (%s))
ORDER BY tenant.id
"""
# Facilities of a book that the moved bases touch; those whose lines glide; any by their ids.
_HOLDING = """
SELECT DISTINCT facility_id AS id FROM pledges_poolline
WHERE tenant_id = %(tenant)s AND basis_id = ANY (%(bases)s)
"""
# Only lines glide: what is covered, or beyond close-out already, stays so until something moves.
_BETWEEN_LINES = """
SELECT facility_id AS id FROM pledges_facilitycover
WHERE tenant_id = %(tenant)s AND band IN ('watch', 'called')
"""
_GIVEN = "SELECT unnest(%(ids)s::bigint[]) AS id"
_CHANGED = """
SELECT f.tenant_id, v.*
FROM pledges_cover(%s, %s) v
JOIN lending_facility f ON f.id = v.facility_id
LEFT JOIN pledges_facilitycover c ON c.facility_id = v.facility_id
WHERE v.band <> coalesce(c.band, 'covered')
   OR (%s AND EXISTS (SELECT FROM pledges_margincall m
                      WHERE m.facility_id = v.facility_id AND m.state <> 'cured'))
"""
_GLIDING_BOOKS = """
SELECT DISTINCT tenant_id FROM pledges_facilitycover WHERE band IN ('watch', 'called') ORDER BY 1
"""
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

    def __add__(self, other: "TickResult") -> "TickResult":
        """Return what two ticks did together."""
        return TickResult(
            self.facilities_touched + other.facilities_touched,
            self.bands_changed + other.bands_changed,
        )


# --- prices and rates that moved ----------------------------------------------------------------


def make_ticks_due(
    *,
    commodity_ids: Collection[int],
    as_of: date,
    actor: Actor,
    now: datetime,
    detail: dict[str, Any],
) -> None:
    """Note, in the transaction that moves prices or rates, which lenders' books must be re-judged.

    Waits for the acts in flight and keeps new ones waiting until its commit. Two statements.
    """
    close_price_gate()
    books = [tenant_id for (tenant_id,) in _rows(_BOOKS, [list(commodity_ids)])]
    payload = {
        "commodities": sorted(commodity_ids),
        "as_of": as_of.isoformat(),
        "by": actor.label,
        "detail": detail,
    }
    emit_many(
        [NewEvent(TICK_DUE, "book", tenant, payload, tenant_id=tenant) for tenant in books], now=now
    )


def run_due_ticks(*, now: datetime) -> int:
    """Re-judge the books that are due and nobody else is at; return how many this call did.

    A book whose tick fails is tried again by a worker, with back-off.
    """
    due = Event.objects.filter(topic=TICK_DUE, state=EventState.PENDING, attempts=0)
    ids = list(due.order_by("id").values_list("id", flat=True))
    return sum(handle_event(event_id=pk, now=now) for pk in ids)


def tick_book(*, event: Event, now: datetime) -> None:
    """Do the work of a tick that is due: the handler of its event.

    Calls and clocks begin when the prices came in, however late the work is done.
    """
    payload = event.payload
    revalue_book(
        tenant_id=int(event.aggregate_id),
        commodity_ids=payload["commodities"],
        as_of=date.fromisoformat(payload["as_of"]),
        actor=system_actor(payload["by"]),
        now=event.occurred_at,
        detail=payload["detail"],
    )


def revalue_book(
    *,
    tenant_id: int,
    commodity_ids: Collection[int],
    as_of: date,
    actor: Actor,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> TickResult:
    """Re-judge a lender's facilities that hold one of the commodities, at the latest prices.

    At those of `as_of` at least. Idempotent: a second run finds the bands as they should be.
    Statements are constant in the number of facilities and lots.
    """
    with transaction.atomic():
        close_book(tenant_id)
        touched = _by_day(as_of, _HOLDING, tenant=tenant_id, bases=list(commodity_ids))
        readings = _changed(touched, detail or {})
        record_readings(readings, cause="tick", actor=actor, on=as_of, now=now)
    return _result(touched, readings)


# --- lines that glide, exposure that moved ------------------------------------------------------


def follow_glides(*, on: date, actor: Actor, now: datetime) -> TickResult:
    """Re-judge, at the rates as they have glided by `on`, the facilities whose lines they may pass.

    For every business day, also one without a new price or rate, book by book. A second run finds
    the bands as they should be. Statements are constant in the number of a book's facilities.
    """
    total = TickResult(0, 0)
    for (tenant_id,) in _rows(_GLIDING_BOOKS, []):
        with transaction.atomic():
            close_book(tenant_id)
            between = _by_day(on, _BETWEEN_LINES, tenant=tenant_id)
            readings = _changed(between, _glides(on))
            record_readings(readings, cause="glide", actor=actor, on=on, now=now)
        total += _result(between, readings)
    return total


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
        share_gates(facility_ids)
        given = _by_day(on, _GIVEN, ids=list(facility_ids))
        readings = _changed(given, {}, called_too=cause != "accrue")
        record_readings(readings, cause=cause, actor=actor, on=on, now=now)


# --- what all of them do ------------------------------------------------------------------------


def _by_day(on: date, facilities: str, **parameters: object) -> dict[date, list[int]]:
    """Return the facilities that a query finds, by the day whose prices judge them."""
    rows = _rows(JUDGED_BY.format(facilities=facilities), {"on": on, **parameters})
    return dict(rows)


def _changed(
    by_day: dict[date, list[int]], detail: dict[str, Any], *, called_too: bool = False
) -> list[Reading]:
    """Return the readings whose band differs from the recorded one, or (also) of called ones."""
    return [
        Reading(cover[0], tenant_id, cover_of(cover), priced_on, detail=detail)
        for priced_on, ids in by_day.items()
        for tenant_id, *cover in _rows(_CHANGED, [priced_on, ids, called_too])
    ]


def _result(touched: dict[date, list[int]], readings: Sequence[Reading]) -> TickResult:
    return TickResult(sum(map(len, touched.values())), len(readings))


def _rows(sql: str, parameters: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

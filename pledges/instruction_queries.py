"""How instructions go: waiting times step by step, and how far a custodian keeps its time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from parties.actors import Actor
from pledges.instruction_states import STEPS, InstructionState
from pledges.rules.approval import Rating

RATING_WINDOW = timedelta(days=90)
WHOLE = "whole"

# Who was sent an order answers for it: in time, late, or late because it is not done yet.
_PUNCTUAL = "i.executed_at <= i.due_at"
_COUNTED = """(i.executed_at IS NOT NULL OR (i.instructed_at IS NOT NULL AND i.due_at < %(now)s
               AND i.state IN ('instructed', 'acknowledged', 'expired')))"""

_RATING = f"""
SELECT count(*) FILTER (WHERE {_PUNCTUAL}), count(*) FILTER (WHERE {_COUNTED})
FROM pledges_instruction i
WHERE i.tenant_id = %(tenant)s AND i.custodian_id = %(custodian)s
  AND i.requested_at > %(since)s AND i.requested_at <= %(now)s
"""

# Waits of the four steps, and of the whole from the request to the moved goods.
_STATISTICS = f"""
WITH seen AS (
    SELECT i.* FROM pledges_instruction i JOIN lending_facility f ON f.id = i.facility_id
    WHERE i.requested_at > %(since)s AND i.requested_at <= %(now)s
      AND (%(everything)s OR i.tenant_id = %(own)s OR f.borrower_id = %(own)s
           OR (i.custodian_id = %(own)s AND i.instructed_at IS NOT NULL))
), waits AS (
    SELECT i.custodian_id, s.step, s.waited_seconds AS seconds, s.at <= s.was_due_at AS in_time
    FROM seen i JOIN pledges_instructionstep s ON s.instruction_id = i.id
    WHERE s.step = ANY (%(steps)s)
    UNION ALL
    SELECT i.custodian_id, '{WHOLE}', extract(epoch FROM i.executed_at - i.requested_at),
           {_PUNCTUAL}
    FROM seen i WHERE i.executed_at IS NOT NULL
), kept AS (
    SELECT i.custodian_id, count(*) FILTER (WHERE {_PUNCTUAL}) AS punctual,
           count(*) FILTER (WHERE {_COUNTED}) AS counted
    FROM seen i GROUP BY i.custodian_id
)
SELECT o.name, o.name_zh, w.step, count(*),
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds)::numeric, 1),
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY w.seconds)::numeric, 1),
       count(*) FILTER (WHERE w.in_time), k.punctual, k.counted, o.id
FROM waits w
JOIN kept k ON k.custodian_id = w.custodian_id
JOIN parties_organisation o ON o.id = w.custodian_id
GROUP BY o.id, o.name, o.name_zh, w.step, k.punctual, k.counted
ORDER BY o.name, o.id, array_position(%(order)s, w.step::text)
"""


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One custodian's waits in one step (or `whole`), in seconds; and its rating."""

    custodian_id: int
    custodian: str
    custodian_zh: str
    step: str
    count: int
    p50: Decimal
    p95: Decimal
    in_time: int
    rating: Rating


def custodian_rating(*, tenant_id: int, custodian_id: int, now: datetime) -> Rating:
    """Return how many of a lender's orders a custodian executed in time, of 90 days (one query).

    Counted are orders that were executed, and orders that were sent, are late and not executed;
    not those that the lender took back, that cover stopped, or that the custodian declined.
    """
    parameters: dict[str, datetime | int] = {
        "tenant": tenant_id,
        "custodian": custodian_id,
        "since": now - RATING_WINDOW,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RATING, parameters)
        punctual, counted = cursor.fetchone()
    return Rating(punctual, counted)


def step_statistics(
    *, actor: Actor, now: datetime, window: timedelta = RATING_WINDOW
) -> list[StepStatistics]:
    """Return p50 and p95 of the waits by custodian and step, of what the actor sees (one query).

    Percentiles are interpolated (SQL percentile_cont) and rounded to a tenth of a second.
    """
    steps = [str(InstructionState(step).value) for step in STEPS]
    parameters: dict[str, datetime | bool | int | list[str] | None] = {
        "since": now - window,
        "now": now,
        "everything": actor.sees_everything,
        "own": actor.organisation_id,
        "steps": steps,
        "order": [*steps, WHOLE],
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATISTICS, parameters)
        rows = cursor.fetchall()
    return [
        StepStatistics(pk, name, name_zh, step, count, p50, p95, in_time, Rating(kept, counted))
        for name, name_zh, step, count, p50, p95, in_time, kept, counted, pk in rows
    ]

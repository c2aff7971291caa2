"""What the lower rooms' hooks call: exposure that moved, prices and rates that moved."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from parties.actors import Actor
from pledges.models import PoolLine
from pledges.services.cover import Requirement, covering, open_act
from pledges.services.moves import moves
from pledges.services.tick import make_ticks_due, reassess
from risk.models import PriceBatch

REQUIREMENTS = {"draw": Requirement.COVERED}


def exposure_changed(
    *, facility_ids: Sequence[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Judge facilities whose exposure lending has just changed, in its transaction.

    A facility with an open act is judged when that act ends. A draw must leave E ≤ ΣLV; money
    back, fees and accrual are recorded as they are.
    """
    loose = []
    for facility_id in facility_ids:
        act = open_act(facility_id)
        if act is None:
            loose.append(facility_id)
        else:
            act.require(REQUIREMENTS.get(cause, Requirement.NONE))
    if cause in REQUIREMENTS:
        _judge_each(loose, cause, on, actor, now)
    elif loose:
        reassess(facility_ids=loose, cause=cause, on=on, actor=actor, now=now)


def _judge_each(
    facility_ids: Sequence[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    with ExitStack() as acts:
        for facility_id in sorted(facility_ids):
            acts.enter_context(
                covering(
                    facility_id=facility_id,
                    cause=cause,
                    actor=actor,
                    on=on,
                    now=now,
                    requirement=REQUIREMENTS[cause],
                )
            )


def prices_recorded(
    *,
    batch: PriceBatch,
    commodity_ids: Sequence[int],
    as_of: date,
    actor: Actor,
    now: datetime,
) -> None:
    """Make the ticks due that follow from prices just recorded, in their transaction."""
    make_ticks_due(
        commodity_ids=commodity_ids,
        as_of=as_of,
        actor=actor,
        now=now,
        detail={"moved": "price", "batch": batch.pk, **moves(commodity_ids, as_of)},
    )


def rates_published(
    *, commodity_ids: Sequence[int], as_of: date, actor: Actor, now: datetime
) -> None:
    """Make the ticks due that follow from rates just published, in their transaction."""
    detail = {"moved": "rate", **moves(commodity_ids, as_of)}
    make_ticks_due(commodity_ids=commodity_ids, as_of=as_of, actor=actor, now=now, detail=detail)


def weight_held(*, commodity_id: int) -> Decimal:
    """Return the market weight of all positions that count against a commodity, in its unit."""
    lines = PoolLine.objects.filter(basis_id=commodity_id)
    return lines.aggregate(weight=Sum("market_weight"))["weight"] or Decimal(0)

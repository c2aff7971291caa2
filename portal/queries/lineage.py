"""One position's way from the order to the cash."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.http import Http404

from lending.models import Facility
from parties.actors import Actor
from pledges.models import Conversion, ConversionLeg, Position
from pledges.queries import lineage_of
from pledges.states import Direction
from portal.names import LABELLED
from portal.queries.dates import business_date, end_of
from portal.queries.events import with_legs
from portal.queries.positions import PositionValue, list_positions


@dataclass(frozen=True, slots=True)
class Lineage:
    """A position with everything before and after it, in the order it happened.

    `made` is the leg that produced each position, `order` its place in time, `value` what the
    position is worth now if anything remains of it.
    """

    position: Position
    positions: dict[uuid.UUID, Position]
    conversions: list[Conversion]
    made: dict[uuid.UUID, ConversionLeg]
    order: dict[uuid.UUID, tuple[int, str]]
    value: PositionValue | None
    on: date


def get_lineage(actor: Actor, position_id: uuid.UUID) -> Lineage:
    """Return the lineage of a position the actor may see; 404 otherwise (seven queries)."""
    position = _positions(actor).filter(pk=position_id).first()
    if position is None:
        raise Http404
    ids = lineage_of([position_id]).all
    positions = {one.pk: one for one in _positions(actor).filter(pk__in=ids)}
    # Each conversion that joins two of them: it made one of them.
    conversions = [
        *with_legs(
            Conversion.objects.visible_to(actor).filter(
                legs__position__in=ids, legs__direction=Direction.PRODUCED
            )
        ).distinct()
    ]
    conversions.sort(key=lambda one: (one.occurred_at, min(leg.pk for leg in one.legs.all())))
    return _assembled(actor, position, positions, conversions)


def _positions(actor: Actor) -> QuerySet[Position]:
    """Positions of the actor's own facilities: a custodian sees its goods, not the money."""
    facilities = Facility.objects.visible_to(actor)
    return (
        Position.objects.visible_to(actor)
        .filter(facility__in=facilities)
        .select_related("facility", *LABELLED)
    )


def _assembled(
    actor: Actor,
    position: Position,
    positions: dict[uuid.UUID, Position],
    conversions: list[Conversion],
) -> Lineage:
    made: dict[uuid.UUID, ConversionLeg] = {}
    order: dict[uuid.UUID, tuple[int, str]] = {
        one: (len(conversions), str(one)) for one in positions
    }
    for step, conversion in enumerate(conversions):
        for leg in conversion.legs.all():
            if leg.direction == Direction.PRODUCED and leg.position_id in positions:
                made[leg.position_id] = leg
                order[leg.position_id] = (step, str(leg.position_id))
    on = business_date(actor, position.facility) or position.opened_on
    values = list_positions(actor, position.facility, at=end_of(on), on=on)
    return Lineage(
        position=position,
        positions=positions,
        conversions=conversions,
        made=made,
        order=order,
        value=next((one for one in values if one.id == position.pk), None),
        on=on,
    )

"""Reads of the rights engine; each takes the actor and shows only what that actor may see."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import connection

from lending.models import Facility
from parties.actors import Actor
from pledges.measure import measure
from pledges.models import ConversionLeg, Position
from pledges.rules.cover import Cover

# Both directions of the journal: what a position was made from, and what was made from it.
_LINEAGE = """
WITH RECURSIVE back(id) AS (
    SELECT unnest(%(ids)s::uuid[])
    UNION
    SELECT source.position_id FROM back
    JOIN pledges_conversionleg made
         ON made.position_id = back.id AND made.direction = 'produced'
    JOIN pledges_conversionleg source
         ON source.conversion_id = made.conversion_id AND source.direction = 'consumed'
), forth(id) AS (
    SELECT unnest(%(ids)s::uuid[])
    UNION
    SELECT made.position_id FROM forth
    JOIN pledges_conversionleg source
         ON source.position_id = forth.id AND source.direction = 'consumed'
    JOIN pledges_conversionleg made
         ON made.conversion_id = source.conversion_id AND made.direction = 'produced'
)
SELECT id, 'back' FROM back UNION SELECT id, 'forth' FROM forth
"""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Everything that led to a position and everything that came of it, the position in both."""

    ancestors: frozenset[uuid.UUID]
    descendants: frozenset[uuid.UUID]

    @property
    def all(self) -> frozenset[uuid.UUID]:
        """Return both sides together."""
        return self.ancestors | self.descendants


def get_cover(*, actor: Actor, facility: Facility, as_of: date) -> Cover:
    """Return a facility's cover at the prices of a date; DoesNotExist if it is not the actor's."""
    seen = Facility.objects.visible_to(actor).get(pk=facility.pk)
    return measure(as_of=as_of, facility_ids=[seen.pk])[seen.pk]


def get_lineage(*, actor: Actor, position_id: uuid.UUID) -> Lineage:
    """Return the ids before and after a position; DoesNotExist if it is not the actor's."""
    Position.objects.visible_to(actor).get(pk=position_id)
    return lineage_of([position_id])


def lineage_of(position_ids: Collection[uuid.UUID]) -> Lineage:
    """Return the ids before and after some positions, in one recursive query each way."""
    with connection.cursor() as cursor:
        cursor.execute(_LINEAGE, {"ids": [str(one) for one in position_ids]})
        rows = [(uuid.UUID(str(found)), side) for found, side in cursor.fetchall()]
    return Lineage(
        ancestors=frozenset(found for found, side in rows if side == "back"),
        descendants=frozenset(found for found, side in rows if side == "forth"),
    )


def list_legs(*, actor: Actor, position_ids: Collection[uuid.UUID]) -> list[ConversionLeg]:
    """Return the journal's legs of some positions in the order they happened (one query)."""
    visible = Position.objects.visible_to(actor).filter(pk__in=position_ids)
    return list(
        ConversionLeg.objects.filter(position__in=visible)
        .select_related("conversion", "position", "position__lot__site")
        .order_by("conversion__occurred_at", "conversion_id", "direction")
    )

"""Writing the conversion journal: what was taken, what was made, and the cover around it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

from parties.actors import Actor
from pledges.measure import CENT, UnitValue, unit_values, worth
from pledges.models import Conversion, ConversionLeg, ConversionStock
from pledges.rules.cover import Cover
from pledges.states import TWO_PERSONS, ConversionKind, Direction


@dataclass(frozen=True, slots=True)
class PendingLeg:
    """One side of a conversion, not yet valued."""

    position_id: uuid.UUID
    direction: Direction
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class PendingConversion:
    """A conversion whose positions are changed and whose row waits for the cover after the act."""

    id: uuid.UUID
    tenant_id: int
    facility_id: int
    kind: ConversionKind
    on: date
    now: datetime
    actor: Actor
    maker_id: int | None
    evidence: dict[str, Any]
    reason: str
    legs: Sequence[PendingLeg]
    stock_act_ids: Sequence[uuid.UUID] = ()
    reverses_id: uuid.UUID | None = None


def write_conversions(
    pending: Sequence[PendingConversion], *, before: Cover, after: Cover, priced_on: date
) -> list[Conversion]:
    """Write the act's conversions and their legs, valued at the act's prices (four queries)."""
    if not pending:
        return []
    values = unit_values(
        as_of=priced_on,
        position_ids={leg.position_id for one in pending for leg in one.legs},
    )
    conversions = Conversion.objects.bulk_create(
        _row(one, before=before, after=after, given_up=_given_up(one, values)) for one in pending
    )
    ConversionLeg.objects.bulk_create(
        _leg(one.id, leg, values[leg.position_id]) for one in pending for leg in one.legs
    )
    ConversionStock.objects.bulk_create(
        ConversionStock(conversion_id=one.id, act_id=act_id)
        for one in pending
        for act_id in one.stock_act_ids
    )
    return conversions


def _given_up(one: PendingConversion, values: Mapping[uuid.UUID, UnitValue]) -> Decimal:
    if one.kind not in TWO_PERSONS:
        return Decimal(0)
    consumed = [leg for leg in one.legs if leg.direction == Direction.CONSUMED]
    return worth(values, {leg.position_id: leg.quantity for leg in consumed})


def _row(one: PendingConversion, *, before: Cover, after: Cover, given_up: Decimal) -> Conversion:
    return Conversion(
        id=one.id,
        tenant_id=one.tenant_id,
        facility_id=one.facility_id,
        kind=one.kind,
        occurred_at=one.now,
        business_date=one.on,
        actor_label=one.actor.label,
        person_id=one.actor.person_id,
        maker_id=one.maker_id,
        evidence=one.evidence,
        reason=one.reason,
        value_given_up=given_up,
        reverses_id=one.reverses_id,
        exposure_before=before.exposure,
        market_value_before=before.market_value,
        lending_value_before=before.lending_value,
        band_before=before.band,
        exposure_after=after.exposure,
        market_value_after=after.market_value,
        lending_value_after=after.lending_value,
        band_after=after.band,
    )


def _leg(conversion_id: uuid.UUID, leg: PendingLeg, value: UnitValue) -> ConversionLeg:
    return ConversionLeg(
        conversion_id=conversion_id,
        position_id=leg.position_id,
        direction=leg.direction,
        quantity=leg.quantity,
        market_value=(leg.quantity * value.market).quantize(CENT, rounding=ROUND_HALF_EVEN),
        lending_value=(leg.quantity * value.lending).quantize(CENT, rounding=ROUND_DOWN),
    )

"""The one path on which positions change: take what is consumed, make what is produced.

A verb calls `take`, lets the goods move, and calls `convert`. Between the two the taken goods
are held by nobody, but only inside this transaction and under the facility's lock.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common.errors import InvariantBroken, Refusal
from common.locks import lock_in_order
from logistics.models import Lot, StockAct
from logistics.services.holds import NewHold, place_holds, reduce_holds
from logistics.services.locking import lock_lots
from logistics.states import HoldKind
from outbox.services.audit import record
from outbox.services.events import NewEvent, emit_many
from pledges.models import Position, PositionTerm
from pledges.rules.terms import Term
from pledges.services.claims import claim_serials
from pledges.services.cover import CoverAct
from pledges.services.eligibility import check_eligibility, inherit_suspensions
from pledges.services.journal import PendingConversion, PendingLeg
from pledges.services.pool import add_to_pool, take_from_pool
from pledges.states import (
    CONVERSIONS,
    FROM_NOTHING,
    TERMINAL_RIGHTS,
    ConversionKind,
    Direction,
    Right,
)

# Conversions through which the same goods pass, and with them every doubt about them.
CARRYING = frozenset(
    {
        ConversionKind.PLEDGE,
        ConversionKind.SHIP,
        ConversionKind.ARRIVE,
        ConversionKind.CRYSTALLISE,
        ConversionKind.REVERSE,
    }
)

HOLD_OF_RIGHT = {
    Right.FLOATING_MORTGAGE: HoldKind.MORTGAGE,
    Right.PLEDGE: HoldKind.PLEDGE,
    Right.IN_TRANSIT: HoldKind.PLEDGE,
}


class NotEnoughLeft(Refusal):
    """More was to be taken than remains of a position."""

    code = "not_enough_left"


class WrongRight(Refusal):
    """The conversion does not start from a position of such a right."""

    code = "wrong_right"


class NotInThisFacility(Refusal):
    """The position belongs to another facility, or there is no such position."""

    code = "not_in_this_facility"


class NothingToConvert(Refusal):
    """A quantity of zero or less was given."""

    code = "nothing_to_convert"


@dataclass(frozen=True, slots=True)
class Take:
    """A quantity to be taken from a position, in the position's unit."""

    position_id: uuid.UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Taken:
    """A quantity that was taken; the position as it stands after it."""

    position: Position
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Make:
    """A position to be produced. Terminal rights need no terms: they secure nothing.

    `serials` names the pieces where a part of a lot of pieces with serial numbers is pledged.
    """

    right: Right
    quantity: Decimal
    unit: str
    label: str
    terms: Sequence[Term] = ()
    lot: Lot | None = None
    parent: Position | None = None
    serials: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What fired a conversion: a kind, the document's reference, and its details."""

    kind: str
    reference: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the evidence as the journal keeps it."""
        return {"kind": self.kind, "reference": self.reference, **self.details}


def take(
    *,
    act: CoverAct,
    kind: ConversionKind,
    takes: Sequence[Take],
    lots_besides: Collection[int] = (),
) -> list[Taken]:
    """Take quantities out of positions: they shrink, their holds and pool lines with them.

    Locks their lots together with those that the caller will claim next (`lots_besides`), by id:
    two lenders who swap the same lots in opposite directions wait for each other in one order.
    Raises NotInThisFacility, WrongRight, NotEnoughLeft, NothingToConvert; changes nothing then.
    """
    wanted = {one.position_id: one.quantity for one in takes}
    is_empty = not takes and kind not in FROM_NOTHING
    if is_empty or len(wanted) != len(takes) or any(one <= 0 for one in wanted.values()):
        raise NothingToConvert(
            message=_("name each position once, with a quantity above zero"), field="quantity"
        )
    positions = lock_in_order(act.facility.positions.filter(pk__in=list(wanted)))
    _check_takes(positions, wanted, kind)
    taken_lots = [one.lot_id for one in positions if one.lot_id is not None]
    lots = {lot.pk: lot for lot in lock_lots([*taken_lots, *lots_besides])}
    for position in positions:
        position.lot = lots[position.lot_id] if position.lot_id else None
        position.remaining -= wanted[position.pk]
        position.closed_at = act.now if position.remaining == 0 else None
    held = [position.pk for position in positions if position.right in HOLD_OF_RIGHT]
    reduce_holds(quantities={pk: wanted[pk] for pk in held}, now=act.now)
    Position.objects.bulk_update(positions, ["remaining", "closed_at"])
    take_from_pool(wanted)
    return [Taken(position, wanted[position.pk]) for position in positions]


def _check_takes(
    positions: Sequence[Position], wanted: dict[uuid.UUID, Decimal], kind: ConversionKind
) -> None:
    if len(positions) != len(wanted):
        raise NotInThisFacility(message=_("no such position in this facility"), field="position")
    allowed = CONVERSIONS[kind][0]
    for position in positions:
        if position.right not in allowed:
            raise WrongRight(
                message=_("%(label)s is under the right %(right)s; it cannot be %(kind)s")
                % {
                    "label": position.label,
                    "right": position.get_right_display(),
                    "kind": ConversionKind(kind).label,
                },
                field="position",
            )
        short = wanted[position.pk] - position.remaining
        if short > 0:
            raise NotEnoughLeft(
                message=_("%(label)s: %(left)s %(unit)s left, asked %(asked)s, short %(short)s")
                % {
                    "label": position.label,
                    "left": f"{position.remaining.normalize():f}",
                    "asked": f"{wanted[position.pk].normalize():f}",
                    "short": f"{short.normalize():f}",
                    "unit": position.unit,
                },
                field="quantity",
                numbers={"left": position.remaining, "short": short},
            )


def convert(
    *,
    act: CoverAct,
    kind: ConversionKind,
    taken: Sequence[Taken],
    makes: Sequence[Make],
    evidence: Evidence,
    maker_id: int | None = None,
    reason: str = "",
    moved: Sequence[StockAct] = (),
    reverses_id: uuid.UUID | None = None,
) -> list[Position]:
    """Produce positions from what was taken and enter the conversion in the act's journal.

    Places holds on produced goods, adds them to the pool and suspends what may not count yet
    (see `eligibility`). `moved` is what happened to the goods for it, to be undone if it is
    reversed. Returns the new positions in the order of `makes`. The conversion's row is written
    when the act is judged.
    """
    if not makes or any(make.right not in CONVERSIONS[kind][1] for make in makes):
        raise InvariantBroken(f"{kind} cannot produce {[str(make.right) for make in makes]}")
    made = Position.objects.bulk_create(_position(act, make) for make in makes)
    PositionTerm.objects.bulk_create(
        PositionTerm(
            position=position,
            basis_id=term.basis_id,
            market_per_unit=term.market_per_unit,
            lending_per_unit=term.lending_per_unit,
        )
        for position, make in zip(made, makes, strict=True)
        for term in make.terms
    )
    live = [position for position in made if position.right not in TERMINAL_RIGHTS]
    _hold(act, live)
    named = {one.pk: make.serials for one, make in zip(made, makes, strict=True) if make.serials}
    claim_serials(live, named, now=act.now)
    add_to_pool({position.pk: position.quantity for position in live})
    check_eligibility(act, live)
    is_fixing = kind == ConversionKind.CRYSTALLISE  # the right changes where the goods lie
    inherit_suspensions(act, _heirs(kind, taken, live), goods_moved=not is_fixing)
    pending = PendingConversion(
        id=uuid.uuid4(),
        tenant_id=act.facility.tenant_id,
        facility_id=act.facility.pk,
        kind=kind,
        on=act.on,
        now=act.now,
        actor=act.actor,
        maker_id=maker_id,
        evidence=evidence.as_dict(),
        reason=reason,
        legs=_legs(taken, made),
        stock_act_ids=[one.pk for one in moved],
        reverses_id=reverses_id,
    )
    act.conversions.append(pending)
    _tell(pending, made)
    return made


def _position(act: CoverAct, make: Make) -> Position:
    return Position(
        tenant_id=act.facility.tenant_id,
        facility=act.facility,
        right=make.right,
        lot=make.lot,
        label=make.label[:140],
        quantity=make.quantity,
        remaining=make.quantity,
        unit=make.unit,
        parent=make.parent,
        opened_at=act.now,
        opened_on=act.on,
    )


def _hold(act: CoverAct, positions: Sequence[Position]) -> None:
    held = [position for position in positions if position.right in HOLD_OF_RIGHT]
    lots = lock_lots([position.lot_id for position in held if position.lot_id is not None])
    by_id = {lot.pk: lot for lot in lots}
    place_holds(
        holds=[
            NewHold(
                lot=by_id[position.lot_id],
                kind=HOLD_OF_RIGHT[Right(position.right)],
                quantity=position.quantity,
                reference=position.pk,
            )
            for position in held
            if position.lot_id is not None
        ],
        now=act.now,
    )


def _heirs(
    kind: ConversionKind, taken: Sequence[Taken], live: Sequence[Position]
) -> dict[uuid.UUID, list[Position]]:
    """Return by new position whose suspensions it takes over: the same goods under another right.

    What a reversal restores is as doubtful as it was, and as what it was in the meantime.
    """
    if kind not in CARRYING:
        return {}
    meanwhile = [one.position for one in taken] if kind == ConversionKind.REVERSE else []
    return {one.pk: [*meanwhile, *([one.parent] if one.parent else [])] for one in live}


def _legs(taken: Sequence[Taken], made: Sequence[Position]) -> list[PendingLeg]:
    legs = [PendingLeg(one.position.pk, Direction.CONSUMED, one.quantity) for one in taken]
    return legs + [
        PendingLeg(position.pk, Direction.PRODUCED, position.quantity) for position in made
    ]


def _tell(pending: PendingConversion, made: Sequence[Position]) -> None:
    payload = {
        "kind": str(pending.kind),
        "facility": pending.facility_id,
        "evidence": pending.evidence,
        "produced": [str(position.pk) for position in made],
    }
    emit_many(
        [
            NewEvent(
                topic="pledges.conversion_recorded",
                aggregate="conversion",
                aggregate_id=str(pending.id),
                tenant_id=pending.tenant_id,
                payload=payload,
            )
        ],
        now=pending.now,
    )
    record(
        action=f"pledges.{pending.kind}",
        actor=pending.actor,
        object_type="conversion",
        object_id=str(pending.id),
        at=pending.now,
        business_date=pending.on,
        detail=payload,
        reason=pending.reason,
    )

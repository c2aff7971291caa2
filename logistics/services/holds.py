"""Claims of positions on lots. The database counts them on the lot and refuses one too many.

All run inside the caller's transaction, which locked the lots first (`lock_lots`); a caller who
forgets the lock is refused all the same, by the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.errors import InvariantBroken, Refusal, constraint_refusals
from logistics.models import Hold, Lot
from logistics.refusals import AlreadyClaimed, HoldReferenceTaken, HoldTooSmall, UnknownHold
from logistics.rules.quantities import show
from logistics.services.locking import lock_lots
from logistics.services.lots import claimed_refusal, require_amount
from logistics.states import HoldKind
from outbox.services import emit, record
from parties.actors import Actor

_REDUCE = """
    UPDATE logistics_hold AS hold
       SET quantity = hold.quantity - wanted.quantity,
           lifted_at = CASE WHEN hold.quantity = wanted.quantity THEN %s END
      FROM unnest(%s::uuid[], %s::numeric[]) AS wanted (reference, quantity)
     WHERE hold.reference = wanted.reference
"""


@dataclass(frozen=True, slots=True)
class NewHold:
    """A claim to be placed: on so much of a lot, in the item's unit, for a position."""

    lot: Lot
    kind: HoldKind
    quantity: Decimal
    reference: UUID


def place_hold(
    *, lot: Lot, kind: HoldKind, quantity: Decimal, reference: UUID, now: datetime
) -> Hold:
    """Claim a quantity of a locked lot for a position, and bring `lot` up to date.

    Raises NotFree if more is asked than is there, AlreadyClaimed if it is there but bound
    elsewhere (to whom is not said), HoldReferenceTaken if the position has its claim.
    """
    [hold] = place_holds(holds=[NewHold(lot, kind, quantity, reference)], now=now)
    return hold


def place_holds(*, holds: Sequence[NewHold], now: datetime) -> list[Hold]:
    """Place several claims in one statement, all or none; like `place_hold`."""
    for new in holds:
        require_amount(new.quantity, name=new.lot.number)
    rows = [
        Hold(
            lot=new.lot,
            kind=new.kind,
            quantity=new.quantity,
            reference=new.reference,
            placed_at=now,
        )
        for new in holds
    ]
    with constraint_refusals(
        {
            "lot_claims_within_quantity_on_hand": lambda: _refusal(holds),
            "hold_position_claims_once": HoldReferenceTaken(
                message=_("The position has its claim on goods already."), field="reference"
            ),
        }
    ):
        Hold.objects.bulk_create(rows)
    _refresh([new.lot for new in holds])
    return rows


def _refusal(holds: Sequence[NewHold]) -> Refusal:
    """Name the first lot that has too little free. The lots are locked: the figures stand."""
    asked: dict[int, Decimal] = {}
    for new in holds:
        asked[new.lot.pk] = asked.get(new.lot.pk, Decimal(0)) + new.quantity
    for lot in lock_lots(asked):
        if asked[lot.pk] > lot.free:
            return claimed_refusal(lot, asked[lot.pk])
    raise InvariantBroken("a lot has enough free, yet refused the claim")


def _refresh(lots: Sequence[Lot]) -> None:
    """Bring the callers' instances up to what the database counted."""
    rows = Lot.objects.in_bulk([lot.pk for lot in lots])
    for lot in lots:
        row = rows[lot.pk]
        lot.on_hand, lot.claimed, lot.held = row.on_hand, row.claimed, row.held


def reduce_hold(*, reference: UUID, quantity: Decimal, now: datetime) -> Hold:
    """Take a quantity off a position's claim; at zero it is lifted. Returns the claim.

    Raises UnknownHold, HoldTooSmall (with the numbers).
    """
    [hold] = reduce_holds(quantities={reference: quantity}, now=now)
    return hold


def reduce_holds(*, quantities: Mapping[UUID, Decimal], now: datetime) -> list[Hold]:
    """Take quantities off several claims in one statement, all or none; like `reduce_hold`.

    Locks the lots, then the claims; returns these in order of their ids.
    """
    found = Hold.objects.filter(reference__in=quantities)
    lock_lots(found.values_list("lot_id", flat=True))
    holds = list(found.select_related("lot__item").order_by("pk").select_for_update(of=("self",)))
    if len(holds) != len(quantities):
        raise UnknownHold(message=_("There is no such claim on goods."), field="reference")
    for hold in holds:
        _check_reduction(hold, quantities[hold.reference])
    references, amounts = list(quantities), list(quantities.values())
    with connection.cursor() as cursor:
        cursor.execute(_REDUCE, [now, references, amounts])
    return list(found.select_related("lot__item").order_by("pk"))


@transaction.atomic
def note_double_claim(*, refusal: AlreadyClaimed, actor: Actor, now: datetime) -> None:
    """Raise the alarm over a refused claim on goods that are claimed already.

    The refusal rolled its transaction back, so whoever answers the one who asked (a view, a task)
    calls this after it: event `logistics.double_claim_refused` and a line in the audit journal.
    """
    lot_id = refusal.numbers["lot"]
    emit(
        topic="logistics.double_claim_refused",
        aggregate="logistics.lot",
        aggregate_id=lot_id,
        payload=refusal.numbers | {"organisation": actor.organisation_id},
        tenant_id=actor.organisation_id,
        now=now,
    )
    record(
        action="note_double_claim",
        actor=actor,
        object_type="logistics.lot",
        object_id=lot_id,
        at=now,
        detail=refusal.numbers,
    )


def _check_reduction(hold: Hold, asked: Decimal) -> None:
    require_amount(asked, name=hold.lot.number)
    if asked > hold.quantity:
        figures = {"held": hold.quantity, "asked": asked, "short": asked - hold.quantity}
        shown = {name: show(value, hold.lot.item.unit) for name, value in figures.items()}
        raise HoldTooSmall(
            message=_("%(lot)s: claimed %(held)s, asked %(asked)s, short %(short)s")
            % {"lot": hold.lot.number, **shown},
            field="quantity",
            numbers=figures,
        )

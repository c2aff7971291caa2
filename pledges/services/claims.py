"""Claims on single things: a receipt or a piece backs one position at a time, whoever lends.

The database's unique indexes decide, on one spelling of the numbers. The refusal reads alike
whoever holds the claim, and says nothing of it.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db.models import Exists, OuterRef, Sum
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from logistics.models import Lot, SerialUnit, WarehouseReceipt
from logistics.refusals import AlreadyClaimed
from logistics.rules.lot_numbers import normal_lot_number
from logistics.services.locking import lock_lots
from logistics.services.receipts import lock_receipts
from logistics.states import ReceiptState
from pledges.models import ClaimedReceipt, ClaimedSerial, Position
from pledges.states import Right

if TYPE_CHECKING:
    from pledges.services.cover import CoverAct


class OfferedTwice(AlreadyClaimed):
    """A receipt or a piece backs a position already; whose is not said."""

    code = AlreadyClaimed.code
    holders: frozenset[int] = frozenset()

    @classmethod
    def of(cls, lot_id: int | None, holders: Collection[int], *, field: str) -> Self:
        """Say only that the goods are claimed; `holders` are for the alarm, never for the asker."""
        refusal = cls(
            message=_("These goods are claimed already."), field=field, numbers={"lot": lot_id}
        )
        refusal.holders = frozenset(holders)
        return refusal


class NameTheSerials(Refusal):
    """Part of a lot of pieces with serial numbers is pledged by naming the pieces."""

    code = "name_the_serials"


def key_of(receipt: WarehouseReceipt) -> str:
    """Return what tells a receipt apart on the whole platform."""
    return f"{receipt.operator_id}:{receipt.normal_number}"


def claim_receipts(
    *, position: Position, receipts: Sequence[WarehouseReceipt], now: datetime
) -> None:
    """Claim receipts for a position; raises OfferedTwice. The receipts are locked."""
    keys = [key_of(receipt) for receipt in receipts]

    def refusal() -> OfferedTwice:
        standing = ClaimedReceipt.objects.filter(key__in=keys, lifted_at__isnull=True)
        holders = standing.values_list("position__tenant_id", flat=True)
        return OfferedTwice.of(position.lot_id, set(holders), field="receipt")

    with constraint_refusals({"receipt_claimed_once": refusal}):
        ClaimedReceipt.objects.bulk_create(
            ClaimedReceipt(position=position, receipt=receipt, key=key, placed_at=now)
            for receipt, key in zip(receipts, keys, strict=True)
        )


def require_receipt_unclaimed(receipt: WarehouseReceipt) -> None:
    """Raise OfferedTwice if any position is backed by a locked receipt."""
    standing = ClaimedReceipt.objects.filter(key=key_of(receipt), lifted_at__isnull=True)
    if holders := set(standing.values_list("position__tenant_id", flat=True)):
        raise OfferedTwice.of(receipt.lot_id, holders, field="receipt")


def claim_serials(
    positions: Sequence[Position],
    named: Mapping[uuid.UUID, Sequence[str]],
    *,
    now: datetime,
) -> None:
    """Claim the recorded pieces behind new positions on goods in the lender's hands.

    A position on the whole lot takes all its pieces, one that follows a position that has just
    ended takes over that one's, any other takes those `named` for it. One query where the lots
    have no serial numbers. Raises OfferedTwice, NameTheSerials.
    """
    firm = [one for one in positions if one.right in (Right.PLEDGE, Right.IN_TRANSIT) and one.lot]
    lots = {one.lot_id for one in firm if one.lot_id is not None}
    recorded = SerialUnit.objects.filter(lot_id__in=lots).select_related("lot__item")
    units: dict[int, list[SerialUnit]] = defaultdict(list)
    for unit in recorded.order_by("normal_serial"):
        units[unit.lot_id].append(unit)
    for position in firm:
        if in_lot := units.get(position.lot_id or 0):
            _claim(position, _chosen(position, in_lot, named.get(position.pk), now), now)


def _chosen(
    position: Position, units: list[SerialUnit], named: Sequence[str] | None, now: datetime
) -> list[SerialUnit]:
    if named is not None:
        wanted = {normal_lot_number(serial) for serial in named}
        found = [unit for unit in units if unit.normal_serial in wanted]
        if len(found) == len(named) == position.quantity:
            return found
        raise _name_them(position, len(found))
    if position.parent_id is not None:
        freed = ClaimedSerial.objects.filter(position_id=position.parent_id, lifted_at=now)
        keys = set(freed.values_list("key", flat=True))
        return [unit for unit in units if unit.key in keys]
    if position.quantity >= len(units):
        return units
    raise _name_them(position, 0)


def _name_them(position: Position, found: int) -> NameTheSerials:
    pieces = f"{position.quantity.normalize():f}"
    return NameTheSerials(
        message=_("%(thing)s: name the serial numbers of %(pieces)s pieces, found %(found)s")
        % {"thing": position.label, "pieces": pieces, "found": found},
        field="serials",
        numbers={"pieces": position.quantity, "found": found},
    )


def _claim(position: Position, units: Sequence[SerialUnit], now: datetime) -> None:
    keys = sorted(unit.key for unit in units)
    by_key = {unit.key: unit for unit in units}

    def refusal() -> OfferedTwice:
        standing = ClaimedSerial.objects.filter(key__in=keys, lifted_at__isnull=True)
        holders = standing.values_list("position__tenant_id", flat=True)
        return OfferedTwice.of(position.lot_id, set(holders), field="serials")

    with constraint_refusals({"serial_claimed_once": refusal}):
        # In order of the keys: two lenders who claim the same pieces wait in one order.
        ClaimedSerial.objects.bulk_create(
            ClaimedSerial(position=position, unit=by_key[key], key=key, placed_at=now)
            for key in keys
        )


def claim_again(*, restored: Position, before: Position, now: datetime) -> None:
    """Claim for a restored position what the one before it gave up when it ended.

    Its receipts, as far as they still stand, and its pieces. Two queries where there were none.
    Raises OfferedTwice if another position has them by now.
    """
    if restored.lot_id is None:
        return
    gave_up = before.claimed_receipts.filter(
        lifted_at=before.closed_at,
        receipt__state=ReceiptState.ISSUED,
        receipt__lot_id=restored.lot_id,
    )
    if papers := [one.receipt for one in gave_up.select_related("receipt").order_by("pk")]:
        claim_receipts(position=restored, receipts=lock_receipts(papers), now=now)
    pieces = before.claimed_serials.filter(lifted_at=before.closed_at, unit__lot_id=restored.lot_id)
    had = restored.claimed_serials.values("key")
    if units := [one.unit for one in pieces.exclude(key__in=had).select_related("unit__lot__item")]:
        _claim(restored, units, now)


def require_not_under_others_receipts(
    act: "CoverAct", goods: Sequence[tuple[Lot, Decimal]]
) -> None:
    """Refuse goods that are on paper somebody else's: under a receipt that an outsider holds.

    Whoever holds a receipt that nobody has pledged may fetch its goods: of a lot only what is
    under no such receipt can be pledged. One query where there is none. Raises OfferedTwice, in
    the words that any claim has.
    """
    pledged = ClaimedReceipt.objects.filter(receipt=OuterRef("pk"), lifted_at__isnull=True)
    papers = (
        WarehouseReceipt.objects.filter(
            ~Exists(pledged),
            lot_id__in=[lot.pk for lot, _quantity in goods],
            state=ReceiptState.ISSUED,
        )
        .exclude(holder_id__in=[act.facility.borrower_id, act.facility.tenant_id])
        .order_by()
    )
    others = dict(papers.values_list("lot_id").annotate(Sum("quantity")))
    if not others:
        return
    locked = {lot.pk: lot for lot in lock_lots([lot.pk for lot, _quantity in goods])}
    for lot, quantity in goods:
        fresh = locked[lot.pk]
        if quantity > fresh.on_hand - fresh.claimed - others.get(lot.pk, Decimal(0)):
            raise OfferedTwice.of(lot.pk, (), field="lot")


def holders_of(lot: Lot) -> set[int]:
    """Return the lenders with a live claim on a lot."""
    return set(Position.objects.live().filter(lot=lot).values_list("tenant_id", flat=True))

"""Divide a receipt into several, or join several into one: quantities sum to the whole."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from logistics.hooks import receipts_ended, receipts_ending
from logistics.models import WarehouseReceipt
from logistics.models.receipt import TERMS
from logistics.refusals import PartsDiffer
from logistics.rules.quantities import show
from logistics.services.lots import require_quantity
from logistics.services.receipts import (
    entry_of,
    insert_receipt,
    lock_receipts,
    note,
    require_operator,
    trace,
)
from logistics.states import ReceiptAct
from parties.actors import Actor

FEWEST = 2
# What is of the whole alone: a part's packages and value are not known from the whole's.
_OWN = ("packages", "market_value", "depositor")
_SHARED = [term for term in TERMS if term not in _OWN]
# The operator may keep any part until all is paid, so each part carries all; joined, it is once.
_DUES = ("charges", "operator_lien", "operator_advances")


@transaction.atomic
def split_receipt(
    *,
    receipt: WarehouseReceipt,
    parts: Sequence[tuple[str, Decimal]],
    on: date,
    actor: Actor,
    now: datetime,
) -> list[WarehouseReceipt]:
    """Put receipts for the parts, each with its number, in the place of one; return them.

    A claim on the whole goes over to all parts. Raises PartsDiffer unless the parts sum to the
    whole, ReceiptNumberTaken, NotTheCustodian, TransitionRefused.
    """
    require_operator(actor, receipt.site)
    receipts_ending(receipts=[receipt], act=ReceiptAct.SPLIT, actor=actor, now=now)
    [locked] = lock_receipts([receipt])
    locked.split()
    _require_sum(locked, parts)
    locked.save(update_fields=["state"])
    made = [_successor([locked], number, quantity, on, now) for number, quantity in parts]
    note(
        [
            *(
                entry_of(locked, ReceiptAct.SPLIT, actor, now, other=part, quantity=part.quantity)
                for part in made
            ),
            *(
                entry_of(part, ReceiptAct.ISSUED, actor, now, to_holder_id=part.holder_id)
                for part in made
            ),
        ]
    )
    receipts_ended(receipts=[locked], act=ReceiptAct.SPLIT, successors=made, now=now)
    trace([locked, *made], "split_receipt", "receipt_split", actor, now)
    return made


@transaction.atomic
def merge_receipts(
    *,
    receipts: Sequence[WarehouseReceipt],
    number: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> WarehouseReceipt:
    """Put one receipt in the place of several for the same lot and holder; return it.

    A claim on all of them goes over to it. Raises PartsDiffer, ReceiptNumberTaken,
    NotTheCustodian, TransitionRefused, and what differing claims forbid.
    """
    for receipt in receipts:
        require_operator(actor, receipt.site)
    receipts_ending(receipts=receipts, act=ReceiptAct.MERGED, actor=actor, now=now)
    locked = lock_receipts(receipts)
    _require_alike(locked)
    for one in locked:
        one.merge()
        one.save(update_fields=["state"])
    total = sum((one.quantity for one in locked), Decimal(0))
    whole = _successor(locked, number, total, on, now)
    note(
        [
            *(entry_of(one, ReceiptAct.MERGED, actor, now, other=whole) for one in locked),
            entry_of(whole, ReceiptAct.ISSUED, actor, now, to_holder_id=whole.holder_id),
        ]
    )
    receipts_ended(receipts=locked, act=ReceiptAct.MERGED, successors=[whole], now=now)
    trace([*locked, whole], "merge_receipts", "receipt_merged", actor, now)
    return whole


def _successor(
    before: Sequence[WarehouseReceipt], number: str, quantity: Decimal, on: date, now: datetime
) -> WarehouseReceipt:
    first = before[0]
    dues = {name: max(getattr(one, name) for one in before) for name in _DUES}
    return insert_receipt(
        lot=first.lot,
        quantity=quantity,
        number=number,
        holder_id=first.holder_id,
        on=on,
        columns={
            "depositor_id": first.depositor_id,
            **{name: getattr(first, name) for name in _SHARED},
            **dues,
        },
        now=now,
    )


def _require_sum(receipt: WarehouseReceipt, parts: Sequence[tuple[str, Decimal]]) -> None:
    item = receipt.lot.item
    total = sum((require_quantity(part, item=item) for _number, part in parts), Decimal(0))
    if len(parts) >= FEWEST and total == receipt.quantity:
        return
    raise PartsDiffer(
        message=_("%(number)s stands for %(whole)s, its %(count)s parts for %(parts)s")
        % {
            "number": receipt.number,
            "whole": show(receipt.quantity, item.unit),
            "count": len(parts),
            "parts": show(total, item.unit),
        },
        field="parts",
        numbers={"whole": receipt.quantity, "parts": total},
    )


def _require_alike(receipts: Sequence[WarehouseReceipt]) -> None:
    """Refuse what one receipt could not say: other goods, another holder, other terms."""
    told = ["lot_id", "holder_id", "negotiability", "depositor_id", "currency", "grade"]
    kinds = {tuple(getattr(one, name) for name in told) for one in receipts}
    if len(receipts) < FEWEST or len(kinds) != 1:
        raise PartsDiffer(
            message=_("Receipts are joined that are for one lot, of one holder and on like terms"),
            field="receipts",
        )

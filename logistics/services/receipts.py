"""Warehouse receipts: issue, hand on, cancel, take back against the goods.

Dividing and joining them is in `receipt_parts`. Locks: lots by id, then receipts by id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_in_order
from logistics.hooks import receipts_ended, receipts_ending
from logistics.models import Lot, ReceiptEntry, Site, WarehouseReceipt
from logistics.refusals import (
    NotTheCustodian,
    NotTheHolder,
    ReceiptNumberNotPossible,
    ReceiptNumberTaken,
    ReceiptOutstanding,
    ReceiptsBeyondGoods,
)
from logistics.rules.lot_numbers import normal_lot_number
from logistics.rules.quantities import show
from logistics.services.locking import lock_lots
from logistics.services.lots import require_quantity
from logistics.states import Negotiability, ReceiptAct, ReceiptState
from outbox.services import NewEvent, emit_many, record
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind, Role
from parties.services.authority import require_role

NUMBER_LENGTH = 60
WRITERS = (Role.PARTNER, Role.OPERATIONS, Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptTerms:
    """What the operator writes on a receipt besides its number and the goods."""

    description: str
    negotiability: Negotiability = Negotiability.TO_ORDER
    operator_licence: str = ""
    place: str = ""
    packages: int | None = None
    marks: str = ""
    grade: str = ""
    keeps_until: date | None = None
    market_value: Decimal | None = None
    currency: str = ""
    charges: Decimal = Decimal(0)
    operator_lien: Decimal = Decimal(0)
    operator_advances: Decimal = Decimal(0)
    operator_owns_part: bool = False
    insurer: str = ""
    insured_sum: Decimal | None = None
    insured_until: date | None = None
    signature_reference: str = ""
    signature_hash: str = ""
    fungible: bool = False
    may_be_commingled: bool = False
    may_be_substituted: bool = False

    def as_columns(self) -> dict[str, Any]:
        """Return the terms as the receipt's columns hold them."""
        return {term.name: getattr(self, term.name) for term in fields(self)}


@transaction.atomic
def issue_receipt(
    *,
    lot: Lot,
    quantity: Decimal,
    number: str,
    terms: ReceiptTerms,
    on: date,
    actor: Actor,
    now: datetime,
    holder: Organisation | None = None,
) -> WarehouseReceipt:
    """Issue a receipt for so much of a lot, by the operator of its site; the owner holds it.

    Raises ReceiptsBeyondGoods where the lot's receipts would stand for more than lies there,
    ReceiptNumberTaken, ReceiptNumberNotPossible, NotTheCustodian, QuantityNotPossible.
    """
    require_operator(actor, lot.site)
    [locked] = lock_lots([lot.pk])
    asked = require_quantity(quantity, item=locked.item)
    _require_goods(locked, asked)
    receipt = insert_receipt(
        lot=locked,
        quantity=asked,
        number=number,
        holder_id=(holder or locked.owner).pk,
        on=on,
        columns={"depositor_id": locked.owner_id, **terms.as_columns()},
        now=now,
    )
    note([entry_of(receipt, ReceiptAct.ISSUED, actor, now, to_holder_id=receipt.holder_id)])
    trace([receipt], "issue_receipt", "receipt_issued", actor, now)
    return receipt


@transaction.atomic
def transfer_receipt(
    *, receipt: WarehouseReceipt, to: Organisation, reason: str, actor: Actor, now: datetime
) -> WarehouseReceipt:
    """Hand a receipt on to another holder; the journal keeps both.

    Raises NotTheHolder, TransitionRefused (it has ended), and what a claim on it forbids.
    """
    receipts_ending(receipts=[receipt], act=ReceiptAct.TRANSFERRED, actor=actor, now=now)
    [locked] = lock_receipts([receipt])
    require_issued(locked)
    _require_holder(actor, locked)
    before, locked.holder = locked.holder_id, to
    locked.save(update_fields=["holder"])
    moved = entry_of(
        locked,
        ReceiptAct.TRANSFERRED,
        actor,
        now,
        from_holder_id=before,
        to_holder_id=to.pk,
        reason=reason,
    )
    note([moved])
    receipts_ended(receipts=[locked], act=ReceiptAct.TRANSFERRED, now=now)
    trace([locked], "transfer_receipt", "receipt_transferred", actor, now, reason)
    return locked


@transaction.atomic
def cancel_receipt(
    *, receipt: WarehouseReceipt, reason: str, actor: Actor, now: datetime
) -> WarehouseReceipt:
    """Declare a receipt void, by its operator; what was secured by it counts for nothing.

    Raises NotTheCustodian, TransitionRefused.
    """
    require_operator(actor, receipt.site)
    return _end(receipt, ReceiptAct.CANCELLED, reason, actor, now)


@transaction.atomic
def surrender_receipt(
    *, receipt: WarehouseReceipt, reason: str, actor: Actor, now: datetime
) -> WarehouseReceipt:
    """Give a receipt back against the goods, by its holder (or the operator who got it back).

    Raises NotTheHolder, TransitionRefused, and what a claim on it forbids.
    """
    if actor.organisation_id != receipt.operator_id:
        _require_holder(actor, receipt)
    return _end(receipt, ReceiptAct.SURRENDERED, reason, actor, now)


def _end(
    receipt: WarehouseReceipt, act: ReceiptAct, reason: str, actor: Actor, now: datetime
) -> WarehouseReceipt:
    receipts_ending(receipts=[receipt], act=act, actor=actor, now=now)
    [locked] = lock_receipts([receipt])
    if act == ReceiptAct.CANCELLED:
        locked.cancel()
    else:
        locked.surrender()
    locked.save(update_fields=["state"])
    note([entry_of(locked, act, actor, now, from_holder_id=locked.holder_id, reason=reason)])
    receipts_ended(receipts=[locked], act=act, now=now)
    verb = "cancel" if act == ReceiptAct.CANCELLED else "surrender"
    trace([locked], f"{verb}_receipt", f"receipt_{act}", actor, now, reason)
    return locked


def require_operator(actor: Actor, site: Site) -> None:
    """Refuse who does not run the site, unless a lender or the platform writes it down for it."""
    require_role(actor, *WRITERS)
    writes_for_others = actor.sees_everything or actor.organisation_kind == OrganisationKind.LENDER
    if not writes_for_others and actor.organisation_id != site.operator_id:
        raise NotTheCustodian(
            message=_("Receipts for goods at %(site)s are written by its operator")
            % {"site": site.name},
            field="receipt",
        )


def _require_holder(actor: Actor, receipt: WarehouseReceipt) -> None:
    require_role(actor, *WRITERS)
    if not actor.sees_everything and actor.organisation_id != receipt.holder_id:
        raise NotTheHolder(
            message=_("%(number)s is not yours to hand on") % {"number": receipt.number},
            field="receipt",
        )


def require_issued(receipt: WarehouseReceipt) -> None:
    """Raise TransitionRefused unless a receipt still stands."""
    if receipt.state != ReceiptState.ISSUED:
        receipt.surrender()  # refuses, in the words of every refused transition


def lock_receipts(receipts: Sequence[WarehouseReceipt]) -> list[WarehouseReceipt]:
    """Lock the receipts' lots and then the receipts, each by id; return them as they now are."""
    lock_lots([receipt.lot_id for receipt in receipts])
    rows = WarehouseReceipt.objects.select_related("lot__item", "lot__site", "site")
    return lock_in_order(rows.filter(pk__in=[receipt.pk for receipt in receipts]))


def normal_number_of(number: str) -> str:
    """Return a number's one spelling; raises ReceiptNumberNotPossible."""
    normal = normal_lot_number(number.strip())
    if not normal or len(number.strip()) > NUMBER_LENGTH or len(normal) > NUMBER_LENGTH:
        raise ReceiptNumberNotPossible(
            message=_("A number has letters or digits and at most %(most)s signs.")
            % {"most": NUMBER_LENGTH},
            field="number",
        )
    return normal


def insert_receipt(
    *,
    lot: Lot,
    quantity: Decimal,
    number: str,
    holder_id: int,
    on: date,
    columns: Mapping[str, Any],
    now: datetime,
) -> WarehouseReceipt:
    """Write a receipt down; raises ReceiptNumberTaken and ReceiptNumberNotPossible."""
    normal = normal_number_of(number)
    taken = ReceiptNumberTaken(
        message=_("%(number)s is the number of another receipt") % {"number": number.strip()},
        field="number",
    )
    with constraint_refusals({"receipt_number_unique_by_operator": taken}):
        return WarehouseReceipt.objects.create(
            operator_id=lot.site.operator_id,
            site=lot.site,
            number=number.strip(),
            normal_number=normal,
            issued_on=on,
            holder_id=holder_id,
            lot=lot,
            quantity=quantity,
            recorded_at=now,
            **columns,
        )


def entry_of(
    receipt: WarehouseReceipt, act: ReceiptAct, actor: Actor, now: datetime, **columns: Any
) -> ReceiptEntry:
    """Return a line of the receipt's journal, of the whole quantity unless told otherwise."""
    values = {"quantity": receipt.quantity, **columns}
    return ReceiptEntry(
        receipt=receipt, act=act, actor_label=actor.label, happened_at=now, **values
    )


def note(entries: Sequence[ReceiptEntry]) -> None:
    """Write lines of the journal."""
    ReceiptEntry.objects.bulk_create(entries)


def trace(
    receipts: Sequence[WarehouseReceipt],
    action: str,
    topic: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Tell the outbox and the audit journal what became of the receipts."""
    for receipt in receipts:
        told = {
            "receipt": receipt.number,
            "lot": receipt.lot_id,
            "quantity": receipt.quantity,
            "holder": receipt.holder_id,
            "state": receipt.state,
        }
        emit_many([NewEvent(f"logistics.{topic}", "receipt", receipt.pk, told)], now=now)
        record(
            action=action,
            actor=actor,
            object_type="logistics.warehousereceipt",
            object_id=receipt.pk,
            at=now,
            detail=told,
            reason=reason,
        )


def _receipted(lot: Lot) -> Decimal:
    issued = lot.receipts.filter(state=ReceiptState.ISSUED)
    total: Decimal = issued.aggregate(sum=Sum("quantity", default=Decimal(0)))["sum"]
    return total


def _require_goods(lot: Lot, asked: Decimal) -> None:
    outside = lot.on_hand - _receipted(lot)
    if asked <= outside:
        return
    figures = {"outside": outside, "asked": asked, "short": asked - outside}
    shown = {name: show(value, lot.item.unit) for name, value in figures.items()}
    raise ReceiptsBeyondGoods(
        message=_("%(lot)s: %(outside)s under no receipt, asked %(asked)s, short %(short)s")
        % {"lot": lot.number, **shown},
        field="quantity",
        numbers=figures,
    )


def require_receipts_surrendered(lot_ids: Iterable[int]) -> None:
    """Raise ReceiptOutstanding where a lot has less on hand than its receipts stand for.

    Called when goods have left, under the locks of their lots; one query.
    """
    beyond = (
        Lot.objects.filter(pk__in=set(lot_ids), receipts__state=ReceiptState.ISSUED)
        .annotate(short=Sum("receipts__quantity") - F("on_hand"))
        .filter(short__gt=0)
        .order_by("pk")
        .values_list("pk", "number", "item__unit", "short")
    )
    for lot_id, number, unit, short in beyond:
        raise ReceiptOutstanding(
            message=_("%(lot)s: surrender or divide its receipts first, %(short)s stand under them")
            % {"lot": number, "short": show(short, unit)},
            field="quantity",
            numbers={"lot": lot_id, "short": short},
        )

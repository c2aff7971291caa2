"""Pledges of warehouse receipts: all goods of one, or one put behind goods already pledged."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from common.errors import Refusal
from lending.models import Facility
from lending.services.acts import require_lender
from logistics.models import WarehouseReceipt
from logistics.rules.lot_numbers import normal_lot_number
from logistics.services.receipts import lock_receipts
from logistics.states import ReceiptState
from parties.actors import Actor
from parties.models import Organisation
from pledges.models import Position
from pledges.services.claims import claim_receipts, require_receipt_unclaimed
from pledges.services.conversion import Evidence
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.eligibility import restore
from pledges.services.registrations import FILERS
from pledges.services.warehouse import pledge_free
from pledges.states import SuspensionReason


class UnknownReceipt(Refusal):
    """The operator has issued no such receipt."""

    code = "unknown_receipt"


class ReceiptNotValid(Refusal):
    """The receipt has been divided, joined, cancelled or given back."""

    code = "receipt_not_valid"


class ReceiptNotHeld(Refusal):
    """A receipt is pledged by handing it on to the lender; the lender does not hold it."""

    code = "receipt_not_held"


def find_receipt(*, operator: Organisation, number: str) -> WarehouseReceipt:
    """Return the operator's receipt by its number in any spelling; raises UnknownReceipt."""
    found = WarehouseReceipt.objects.filter(
        operator=operator, normal_number=normal_lot_number(number)
    ).first()
    if found is None:
        raise UnknownReceipt(
            message=_("%(operator)s has issued no receipt of this number") % {"operator": operator},
            field="receipt",
        )
    return found


def pledge_receipt(
    *, act: CoverAct, operator: Organisation, number: str, evidence: Evidence
) -> Position:
    """Pledge the goods of a receipt, all of them, by its number in any spelling.

    Raises OfferedTwice (also where this lender holds it already), ReceiptNotValid,
    UnknownReceipt and what `pledge_free` raises.
    """
    receipt = _valid(find_receipt(operator=operator, number=number))
    require_receipt_unclaimed(receipt)
    [position] = pledge_free(act=act, lots=[(receipt.lot, receipt.quantity)], evidence=evidence)
    claim_receipts(position=position, receipts=[receipt], now=act.now)
    return position


def pledge_held_receipt(
    *, facility: Facility, receipt: WarehouseReceipt, actor: Actor, on: date, now: datetime
) -> Position:
    """Take the goods of a receipt in pledge, by the lender to whom it was handed on.

    Handing the receipt on is its owner's word that the goods are pledged. Raises ReceiptNotHeld,
    NotYourFacility, NotAllowed and what `pledge_receipt` raises.
    """
    with covering(facility_id=facility.pk, cause="pledge", actor=actor, on=on, now=now) as act:
        require_lender(actor, act.facility, *FILERS)
        held = _held(receipt, act.facility)
        evidence = Evidence("warehouse_receipt", held.number, {"site": held.site.name})
        return pledge_receipt(
            act=act, operator=held.operator, number=held.number, evidence=evidence
        )


def present_held_receipt(
    *, position: Position, receipt: WarehouseReceipt, actor: Actor, on: date, now: datetime
) -> Position:
    """Put a receipt that the lender holds behind a position whose receipt became void.

    Raises ReceiptNotHeld, NotYourFacility, NotAllowed and what `present_receipt` raises.
    """
    with covering(
        facility_id=position.facility_id,
        cause="receipt",
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    ) as act:
        require_lender(actor, act.facility, *FILERS)
        held = _held(receipt, act.facility)
        return present_receipt(
            act=act, position=position, operator=held.operator, number=held.number
        )


def _held(receipt: WarehouseReceipt, facility: Facility) -> WarehouseReceipt:
    """Lock a receipt and return it if the facility's lender holds it."""
    [locked] = lock_receipts([receipt])
    if locked.holder_id != facility.tenant_id:
        raise ReceiptNotHeld(
            message=_("%(number)s must be handed on to %(lender)s first; %(holder)s holds it")
            % {"number": locked.number, "lender": facility.tenant, "holder": locked.holder},
            field="receipt",
        )
    return locked


def present_receipt(
    *, act: CoverAct, position: Position, operator: Organisation, number: str
) -> Position:
    """Put a valid receipt for the same goods behind a position whose receipt became void.

    The position counts again. Raises OfferedTwice, ReceiptNotValid, UnknownReceipt.
    """
    receipt = _valid(find_receipt(operator=operator, number=number))
    require_receipt_unclaimed(receipt)
    mine = act.facility.positions.select_for_update(of=("self",), no_key=True).get(pk=position.pk)
    if receipt.lot_id != mine.lot_id or receipt.quantity < mine.remaining:
        raise ReceiptNotValid(
            message=_("%(number)s does not stand for these goods") % {"number": receipt.number},
            field="receipt",
        )
    mine.claimed_receipts.filter(lifted_at__isnull=True).update(lifted_at=act.now)
    claim_receipts(position=mine, receipts=[receipt], now=act.now)
    restore(act=act, reason=SuspensionReason.RECEIPT, position_ids=[mine.pk])
    return mine


def _valid(receipt: WarehouseReceipt) -> WarehouseReceipt:
    """Lock a receipt behind its lot and return it if it still stands."""
    [locked] = lock_receipts([receipt])
    if locked.state != ReceiptState.ISSUED:
        raise ReceiptNotValid(
            message=_("%(number)s is %(state)s: it stands for nothing now")
            % {"number": locked.number, "state": locked.get_state_display()},
            field="receipt",
            numbers={"state": locked.state},
        )
    return locked

"""Take goods back on a credit note: the buyer owes less, the goods secure the lender again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.money import Money
from factoring.models import CreditNote, CreditNoteLine, Receivable
from factoring.refusals import (
    CreditNoteDiffers,
    CreditNoteUnsound,
    MoreThanOutstanding,
    NotSoldOnIt,
)
from factoring.rules import ZERO, normal_invoice_number
from factoring.services.acts import CLERKS, leave_trace, lock_receivable
from factoring.services.settling import settle_if_done
from factoring.states import ReceivableState
from lending.refusals import require_payable
from lending.services.acts import require_lender
from logistics.models import Lot
from logistics.rules.quantities import show
from parties.actors import Actor
from pledges.models import ConversionLeg, Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.sale import Back, give_back
from pledges.services.warehouse import Arrival
from pledges.states import ConversionKind, Direction

NUMBER_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A credit note as the seller wrote it: so much off the debt, for goods that came back."""

    number: str
    amount: Decimal
    goods: Sequence[tuple[Lot, Decimal]]
    reason: str
    issued_on: date

    @property
    def normal_number(self) -> str:
        """Return the one spelling under which the note counts."""
        return normal_invoice_number(self.number)


def record_return(
    *,
    receivable: Receivable,
    note: Note,
    store: Arrival,
    on: date,
    actor: Actor,
    now: datetime,
) -> CreditNote:
    """Enter a return: the receivable shrinks by the note, the goods are pledged in the store.

    `note.goods` are the lots from which the goods had been shipped, with what came back of each;
    in one act with the note they are back in `store`. A fact that nobody at the lender chose: it
    is recorded, and a margin call opens if it leaves the facility uncovered, but never refused
    for it. Collections after it are matched against what is still owed. The same note again
    returns the first. Raises CreditNoteUnsound, CreditNoteDiffers, MoreThanOutstanding and
    NotSoldOnIt with the numbers, MoreThanShipped, NotYourFacility.
    """
    with covering(
        facility_id=receivable.facility_id,
        cause="return",
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    ) as act:
        require_lender(actor, act.facility, *CLERKS)
        locked = lock_receivable(receivable.pk)
        before = _known(locked, note)
        if before is not None:
            return before
        _require_sound(locked, note, on)
        _require_sold(locked, note)
        return _record(act, locked, note, store)


def _known(receivable: Receivable, note: Note) -> CreditNote | None:
    """Return the note of this number if it is the same one; refuse another content."""
    found = CreditNote.objects.filter(
        seller_id=receivable.seller_id, normal_number=note.normal_number
    ).first()
    if found is None:
        return None
    same = (found.receivable_id, found.amount, found.issued_on) == (
        receivable.pk,
        note.amount,
        note.issued_on,
    )
    if not same:
        raise _differs(note)
    return found


def _differs(note: Note) -> CreditNoteDiffers:
    return CreditNoteDiffers(
        message=_("Credit note %(number)s is on record differently.") % {"number": note.number},
        field="number",
    )


def _require_sound(receivable: Receivable, note: Note, on: date) -> None:
    is_named = 0 < len(note.normal_number) <= NUMBER_LENGTH and note.reason.strip()
    if not is_named or not note.goods:
        raise CreditNoteUnsound(
            message=_("A credit note has a number, a reason and goods that came back."),
            field="number",
        )
    if not receivable.issued_on <= note.issued_on <= on:
        raise CreditNoteUnsound(
            message=_("issued on %(issued)s: not possible on %(on)s")
            % {"issued": note.issued_on, "on": on},
            field="issued_on",
        )
    require_payable(note.amount, receivable.currency)
    outstanding = _position_of(receivable).remaining
    above = note.amount - outstanding
    if above > 0 or receivable.state != ReceivableState.ASSIGNED:
        raise MoreThanOutstanding(
            message=_(
                "%(invoice)s: outstanding %(outstanding)s, credited %(credited)s, too much by "
                "%(above)s"
            )
            % {
                "invoice": receivable.invoice_number,
                "outstanding": Money(outstanding, receivable.currency),
                "credited": Money(note.amount, receivable.currency),
                "above": Money(max(above, ZERO), receivable.currency),
            },
            field="amount",
            numbers={"outstanding": outstanding, "credited": note.amount, "above": above},
        )


def _position_of(receivable: Receivable) -> Position:
    """Return the position of an assigned receivable; a CHECK holds that there is one."""
    assert receivable.position is not None
    return receivable.position


def _require_sold(receivable: Receivable, note: Note) -> None:
    """Refuse goods that were not sold on the invoice, or more of an item than was."""
    sold = _by_item(receivable, ConversionKind.SELL, made=Direction.PRODUCED)
    back = _by_item(receivable, ConversionKind.RETURN, made=Direction.CONSUMED)
    asked: dict[int, Decimal] = {}
    for lot, quantity in note.goods:
        asked[lot.item_id] = asked.get(lot.item_id, ZERO) + quantity
        left = sold.get(lot.item_id, ZERO) - back.get(lot.item_id, ZERO)
        over = asked[lot.item_id] - left
        if over > 0:
            raise NotSoldOnIt(
                message=_(
                    "%(item)s: %(left)s sold on %(invoice)s and not returned, over by %(over)s"
                )
                % {
                    "item": lot.item,
                    "left": show(left, lot.item.unit),
                    "invoice": receivable.invoice_number,
                    "over": show(over, lot.item.unit),
                },
                field="goods",
                numbers={"left": left, "asked": asked[lot.item_id], "over": over},
            )


def _by_item(
    receivable: Receivable, kind: ConversionKind, *, made: Direction
) -> dict[int, Decimal]:
    """Return quantities by item across from the receivable in its conversions of a kind."""
    other = Direction.CONSUMED if made == Direction.PRODUCED else Direction.PRODUCED
    rows = (
        ConversionLeg.objects.filter(
            direction=other,
            conversion__in=ConversionLeg.objects.filter(
                position__in=Position.objects.continuing(_position_of(receivable)),
                direction=made,
                conversion__kind=kind,
            ).values("conversion"),
        )
        .values_list("position__lot__item_id")
        .annotate(Sum("quantity"))
    )
    return {item_id: total for item_id, total in rows.order_by() if item_id is not None}


def _record(act: CoverAct, receivable: Receivable, note: Note, store: Arrival) -> CreditNote:
    position = _position_of(receivable)
    pledged = give_back(
        act=act,
        receivable=Take(position.pk, note.amount),
        goods=[Back(lot, quantity) for lot, quantity in note.goods],
        store=store,
        evidence=Evidence(
            "credit_note",
            note.number.strip(),
            {
                "invoice": receivable.invoice_number,
                "debtor": receivable.debtor.name,
                "amount": str(note.amount),
                "store": store.reference,
                "reason": note.reason.strip(),
            },
        ),
    )
    credit_note = _write(act, receivable, note, store, pledged)
    position.refresh_from_db(fields=["remaining"])
    if position.remaining == 0:
        receivable.collect()
        receivable.save(update_fields=["state"])
    _trace(act, credit_note)
    settle_if_done(receivable, on=act.on, now=act.now)
    return credit_note


def _write(
    act: CoverAct,
    receivable: Receivable,
    note: Note,
    store: Arrival,
    pledged: Sequence[Position],
) -> CreditNote:
    credit_note = CreditNote(
        tenant_id=receivable.tenant_id,
        seller_id=receivable.seller_id,
        receivable=receivable,
        number=note.number.strip(),
        normal_number=note.normal_number,
        amount=note.amount,
        reason=note.reason.strip(),
        store_reference=store.reference,
        issued_on=note.issued_on,
        recorded_at=act.now,
        recorded_by=act.actor.label,
    )
    with constraint_refusals({"credit_note_issued_once": _differs(note)}):
        credit_note.save(force_insert=True)
    CreditNoteLine.objects.bulk_create(
        CreditNoteLine(credit_note=credit_note, item=lot.item, quantity=quantity, position=position)
        for (lot, quantity), position in zip(note.goods, pledged, strict=True)
    )
    return credit_note


def _trace(act: CoverAct, note: CreditNote) -> None:
    leave_trace(
        note,
        action="record_return",
        topic="goods_returned",
        detail={
            "credit_note": note.number,
            "invoice": note.receivable.invoice_number,
            "amount": note.amount,
            "reason": note.reason,
            "outstanding": _position_of(note.receivable).remaining,
        },
        tenant_id=note.tenant_id,
        actor=act.actor,
        now=act.now,
        on=act.on,
    )

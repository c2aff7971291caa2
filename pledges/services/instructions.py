"""Asking for goods to be pledged, given back or swapped: the first stamp of an instruction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common.canonical import canonical_hash
from common.errors import constraint_refusals
from common.locks import lock_in_order
from lending.models import Facility
from lending.services.acts import act_once, lock_facility, person_of
from logistics.models import Lot
from logistics.rules.quantities import show
from logistics.services.locking import lock_lots
from logistics.services.lots import claimed_refusal, require_quantity
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_role
from pledges.instruction_refusals import (
    CallIsOpen,
    GoodsPromised,
    NotAParty,
    ReasonNeeded,
    SeveralCustodians,
)
from pledges.instruction_states import InstructionKind, InstructionState, LineDirection
from pledges.models import Instruction, InstructionLine, MarginCall, Position
from pledges.services.approvals import (
    approve_by_rule,
    order_detail,
    order_said,
    verdict_of_rule,
)
from pledges.services.conversion import (
    NotEnoughLeft,
    NothingToConvert,
    NotInThisFacility,
    Take,
    WrongRight,
)
from pledges.services.goods import NotTheBorrowersGoods
from pledges.services.preview import Change, Preview, preview_change
from pledges.services.stamps import promise, stamp
from pledges.states import PROPERTY_RIGHTS, MarginCallState

Goods = Sequence[tuple[Lot, Decimal]]

_SIDES = {
    InstructionKind.PLEDGE: (False, True),
    InstructionKind.RELEASE: (True, False),
    InstructionKind.SUBSTITUTE: (True, True),
}


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, under the facility's lock."""

    facility: Facility
    kind: InstructionKind
    give: Sequence[Take]
    bring: Goods
    reason: str
    actor: Actor
    on: date
    now: datetime

    def as_payload(self) -> dict[str, Any]:
        """Return all of the order: its hash is what the custodian acknowledges."""
        return {
            "facility": self.facility.pk,
            "kind": str(self.kind),
            "give": sorted([str(one.position_id), one.quantity] for one in self.give),
            "bring": sorted([lot.pk, quantity] for lot, quantity in self.bring),
            "reason": self.reason,
        }


def request_instruction(
    *,
    facility: Facility,
    kind: InstructionKind,
    give: Sequence[Take] = (),
    bring: Goods = (),
    reason: str,
    actor: Actor,
    on: date,
    now: datetime,
    idempotency_key: str | None = None,
) -> Instruction:
    """Ask for goods of one custodian to be held (`bring`), given back (`give`) or swapped (both).

    Borrower or lender may ask. Nothing moves; the goods are promised to this instruction. Where
    a rule of the facility allows it, it is approved and sent in the same act, else it waits for
    the lender. Raises NotAParty, NotAllowed, NothingToConvert, NotInThisFacility, WrongRight,
    NotEnoughLeft, NotTheBorrowersGoods, NotFree, AlreadyClaimed, GoodsPromised,
    SeveralCustodians, ReasonNeeded, CallIsOpen.
    """
    asked = _Request(facility, InstructionKind(kind), give, bring, reason.strip(), actor, on, now)
    with act_once(
        service="request_instruction",
        tenant_id=facility.tenant_id,
        key=idempotency_key,
        payload=asked.as_payload(),
        now=now,
    ) as once:
        if once.replayed:
            return Instruction.objects.get(pk=once.response["instruction"])
        instruction = _request(replace(asked, facility=lock_facility(facility.pk)))
        once.store({"instruction": instruction.pk})
        return instruction


def _request(asked: _Request) -> Instruction:
    maker_id = person_of(asked.actor, _("Asking for goods to be moved"))
    _require_party(asked.actor, asked.facility)
    _check_shape(asked)
    positions, lots = _lock_goods(asked.facility, asked.give, asked.bring)
    change = _change(asked, lots)
    preview = preview_change(change, on=asked.on)
    _check_calls(asked, preview)
    kept = [one.lot for one in positions if one.lot is not None]
    instruction = _draft(asked, maker_id, _custodian([*kept, *lots.values()]), preview)
    instruction.save()
    _promise_goods(instruction, positions, change)
    verdict = verdict_of_rule(instruction=instruction, preview=preview, on=asked.on, now=asked.now)
    said = order_said(instruction, order_detail(preview) | verdict.as_detail())
    stamp(instruction, actor=asked.actor, now=asked.now, said=said)
    approve_by_rule(instruction=instruction, verdict=verdict, preview=preview, now=asked.now)
    return instruction


def _require_party(actor: Actor, facility: Facility) -> None:
    if actor.organisation_id not in (facility.borrower_id, facility.tenant_id):
        raise NotAParty(message=_("There is no such facility."), field="facility")
    require_role(actor, Role.PREPARER, Role.APPROVER, Role.OPERATIONS, Role.RISK_OFFICER)


def _check_shape(asked: _Request) -> None:
    quantities = [one.quantity for one in asked.give] + [one[1] for one in asked.bring]
    things = [one.position_id for one in asked.give], [lot.pk for lot, _quantity in asked.bring]
    once = all(len(set(ids)) == len(ids) for ids in things)
    sides = (bool(asked.give), bool(asked.bring))
    if sides != _SIDES[asked.kind] or not once or min(quantities) <= 0:
        raise NothingToConvert(
            message=_("name each lot once, with a quantity above zero"), field="quantity"
        )
    if not asked.reason:
        raise ReasonNeeded(message=_("Say what it is for."), field="reason")


def _lock_goods(
    facility: Facility, give: Sequence[Take], bring: Goods
) -> tuple[list[Position], dict[int, Lot]]:
    """Lock what is promised, in the order of every service, and check that it is there."""
    wanted = {one.position_id: one.quantity for one in give}
    positions = lock_in_order(facility.positions.filter(pk__in=list(wanted)))
    held = {one.lot_id for one in positions if one.lot_id is not None}
    lots = {lot.pk: lot for lot in lock_lots({*held, *(lot.pk for lot, _quantity in bring)})}
    if len(positions) != len(wanted):
        raise NotInThisFacility(message=_("no such position in this facility"), field="position")
    for position in positions:
        position.lot = lots.get(position.lot_id or 0)
        _check_given(position, wanted[position.pk])
    for lot, quantity in bring:
        _check_brought(facility, lots[lot.pk], quantity)
    return positions, {lot.pk: lots[lot.pk] for lot, _quantity in bring}


def _check_given(position: Position, asked: Decimal) -> None:
    if position.right not in PROPERTY_RIGHTS or position.lot is None:
        raise WrongRight(
            message=_("%(label)s is under the right %(right)s; no custodian holds it")
            % {"label": position.label, "right": position.get_right_display()},
            field="position",
        )
    require_quantity(asked, item=position.lot.item)
    if asked > position.remaining:
        figures = {"left": position.remaining, "asked": asked, "short": asked - position.remaining}
        shown = {name: show(value, position.unit) for name, value in figures.items()}
        raise NotEnoughLeft(
            message=_("%(label)s: %(left)s left, asked %(asked)s, short %(short)s")
            % {"label": position.label, **shown},
            field="quantity",
            numbers=figures,
        )


def _check_brought(facility: Facility, lot: Lot, asked: Decimal) -> None:
    if lot.owner_id != facility.borrower_id:
        raise NotTheBorrowersGoods(
            message=_("%(lot)s does not belong to %(borrower)s")
            % {"lot": lot, "borrower": facility.borrower},
            field="lot",
        )
    require_quantity(asked, item=lot.item)
    if asked > lot.free:
        raise claimed_refusal(lot, asked)


def _custodian(lots: Sequence[Lot]) -> int:
    operators = {lot.site.operator_id for lot in lots}
    if len(operators) != 1:
        raise SeveralCustodians(
            message=_("These goods are kept by %(count)s custodians: one instruction each.")
            % {"count": len(operators)},
            field="lot",
            numbers={"custodians": len(operators)},
        )
    return operators.pop()


def _change(asked: _Request, lots: dict[int, Lot]) -> Change:
    return Change(
        asked.facility,
        {one.position_id: one.quantity for one in asked.give},
        [(lots[lot.pk], quantity) for lot, quantity in asked.bring],
    )


def _check_calls(asked: _Request, preview: Preview) -> None:
    """Refuse to ask for a release while a call is open, unless cover would allow it even so."""
    if asked.kind != InstructionKind.RELEASE:
        return
    facility = asked.facility
    allowed = (preview.after.lending_value * facility.release_factor).quantize(Decimal("0.01"))
    short = preview.after.exposure - allowed
    uncured = MarginCall.objects.filter(facility=facility).exclude(state=MarginCallState.CURED)
    if short > 0 and uncured.exists():
        shown = {"allowed": f"{allowed:,.2f}", "short": f"{short:,.2f}"}
        raise CallIsOpen(
            message=_(
                "A margin call is open: after the release exposure may be at most %(allowed)s, "
                "short %(short)s %(currency)s."
            )
            % {**shown, "currency": facility.currency},
            numbers={"allowed": allowed, "short": short},
        )


def _draft(asked: _Request, maker_id: int, custodian_id: int, preview: Preview) -> Instruction:
    times, now = promise(), asked.now
    return Instruction(
        tenant_id=asked.facility.tenant_id,
        facility=asked.facility,
        custodian_id=custodian_id,
        kind=asked.kind,
        reason=asked.reason[:300],
        maker_id=maker_id,
        maker_organisation_id=asked.actor.organisation_id or 0,
        market_value=preview.amount,
        contents_hash=canonical_hash(asked.as_payload()),
        requested_at=now,
        requested_on=asked.on,
        stamped_at=now,
        due_at=now + times.whole,
        step_due_at=times.step_due_at(InstructionState.REQUESTED, now),
        expires_at=now + times.expires,
    )


def _promise_goods(instruction: Instruction, positions: Sequence[Position], change: Change) -> None:
    """Write the lines; the database counts what pending instructions promise of each thing."""
    lines = [
        InstructionLine(
            instruction=instruction,
            direction=LineDirection.GIVE,
            position=position,
            lot=position.lot,
            quantity=change.give[position.pk],
        )
        for position in positions
    ]
    lines += [
        InstructionLine(
            instruction=instruction, direction=LineDirection.BRING, lot=lot, quantity=quantity
        )
        for lot, quantity in change.bring
    ]
    promised = GoodsPromised(
        message=_("The goods are promised to another instruction that is not done yet."),
        field="quantity",
    )
    with constraint_refusals({"instructionline_goods_promised_once": promised}):
        InstructionLine.objects.bulk_create(lines)

"""Reversals and goods given up: asked for by one person, carried out or refused by another."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from lending.models import Facility
from lending.refusals import ReasonMissing
from lending.services.acts import Trace, lock_facility, person_of, require_lender
from logistics.rules.quantities import show
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_other_person
from pledges.models import ActRequest, Conversion, DisposalCase, Position
from pledges.services.conversion import NotEnoughLeft, Take
from pledges.services.cover import covering
from pledges.services.disposal.acts import CHECKERS, MAKERS, require_selling
from pledges.services.disposal.settle_case import give_up_goods
from pledges.services.reversal import find_reversible, reverse
from pledges.services.reversing_rooms import room_for
from pledges.states import RequestKind

ASKERS = (*MAKERS, Role.OPERATIONS)


class AskedAlready(Refusal):
    """The same act is asked for and waits for a second person."""

    code = "act_asked_already"


@transaction.atomic
def ask_reversal(*, conversion: Conversion, reason: str, actor: Actor, now: datetime) -> ActRequest:
    """Ask that a mistaken conversion be undone; nothing moves until another person does it.

    Raises NotYourFacility, NotAllowed, PersonNeeded, ReasonMissing, AskedAlready, and what
    `find_reversible` raises.
    """
    facility = lock_facility(conversion.facility_id)
    require_lender(actor, facility, *ASKERS)
    by_its_room = room_for(conversion) is not None
    found = find_reversible(facility, conversion.pk, by_its_room=by_its_room)
    return _ask(facility, RequestKind.REVERSE, reason, actor, now, {"conversion": found})


@transaction.atomic
def ask_giving_up(
    *,
    case: DisposalCase,
    position: Position,
    quantity: Decimal,
    reason: str,
    actor: Actor,
    now: datetime,
) -> ActRequest:
    """Ask that goods or claims of a case be written off, because they cannot be had.

    Raises NotYourFacility, NotAllowed, PersonNeeded, ReasonMissing, CaseNotSelling,
    NotEnoughLeft, AskedAlready.
    """
    facility = lock_facility(case.facility_id)
    require_lender(actor, facility, *MAKERS)
    require_selling(case)
    left = facility.positions.get(pk=position.pk).remaining
    if quantity > left:
        raise NotEnoughLeft(
            message=_("%(label)s: %(left)s left, asked %(asked)s")
            % {
                "label": position.label,
                "left": show(left, position.unit),
                "asked": show(quantity, position.unit),
            },
            field="quantity",
            numbers={"left": left, "asked": quantity},
        )
    about = {"case": case, "position": position, "quantity": quantity}
    return _ask(facility, RequestKind.GIVE_UP, reason, actor, now, about)


def _ask(
    facility: Facility,
    kind: RequestKind,
    reason: str,
    actor: Actor,
    now: datetime,
    about: Mapping[str, Any],
) -> ActRequest:
    maker_id = person_of(actor, str(kind.label))
    if not reason.strip():
        raise ReasonMissing.of("reason")
    waits = AskedAlready(message=_("This is asked for already: decide on that first."))
    names = ("act_request_asked_once", "act_request_gives_a_position_up_once")
    with constraint_refusals(dict.fromkeys(names, waits)):
        request = ActRequest.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            kind=kind,
            reason=reason.strip(),
            maker_id=maker_id,
            asked_at=now,
            **about,
        )
    _trace(request, "asked", actor, now)
    return request


@transaction.atomic
def carry_out_request(*, request: ActRequest, on: date, actor: Actor, now: datetime) -> ActRequest:
    """Do what was asked for, by another person than its maker, with authority for its value.

    Raises SamePerson, TransitionRefused, and what the act itself raises: nothing has moved then,
    and the request still waits.
    """
    locked, checker_id = _open(request, actor)
    _ACTS[RequestKind(locked.kind)](locked, actor, on, now)
    locked.carry_out(checker_id=checker_id, now=now)
    locked.save(update_fields=["state", "checker_id", "decided_at"])
    _trace(locked, "carried_out", actor, now)
    return locked


@transaction.atomic
def refuse_request(*, request: ActRequest, note: str, actor: Actor, now: datetime) -> ActRequest:
    """Leave everything as it is. Raises SamePerson, TransitionRefused, NotYourFacility."""
    locked, checker_id = _open(request, actor)
    locked.refuse(checker_id=checker_id, note=note.strip(), now=now)
    locked.save(update_fields=["state", "checker_id", "note", "decided_at"])
    _trace(locked, "refused", actor, now)
    return locked


@transaction.atomic
def withdraw_request(*, request: ActRequest, actor: Actor, now: datetime) -> ActRequest:
    """Take a request back, by the lender's people who may ask. Raises TransitionRefused."""
    facility = lock_facility(request.facility_id)
    require_lender(actor, facility, *ASKERS)
    locked = _lock(request)
    locked.withdraw(now=now)
    locked.save(update_fields=["state", "decided_at"])
    _trace(locked, "withdrawn", actor, now)
    return locked


def _lock(request: ActRequest) -> ActRequest:
    rows = ActRequest.objects.select_related("facility", "maker__organisation")
    return lock_one(rows, request.pk)


def _open(request: ActRequest, actor: Actor) -> tuple[ActRequest, int]:
    facility = lock_facility(request.facility_id)
    require_lender(actor, facility, *CHECKERS)
    locked = _lock(request)
    require_other_person(actor, maker_id=locked.maker_id)
    return locked, person_of(actor, str(locked.get_kind_display()))


def _reverse(request: ActRequest, actor: Actor, on: date, now: datetime) -> None:
    assert request.conversion is not None  # the database: a reversal names its conversion
    room = room_for(request.conversion)
    if room is not None:
        room(
            conversion=request.conversion,
            maker_id=request.maker_id,
            reason=request.reason,
            on=on,
            actor=actor,
            now=now,
        )
        return
    with covering(
        facility_id=request.facility_id, cause="reverse", actor=actor, on=on, now=now
    ) as act:
        reverse(
            act=act,
            conversion_id=request.conversion.pk,
            maker_id=request.maker_id,
            reason=request.reason,
        )


def _give_up(request: ActRequest, actor: Actor, on: date, now: datetime) -> None:
    # The database: a giving up names its case, its position and how much of it.
    assert request.case is not None
    assert request.position_id is not None
    assert request.quantity is not None
    give_up_goods(
        case=request.case,
        goods=[Take(request.position_id, request.quantity)],
        reason=request.reason,
        maker=Actor.of(request.maker),
        on=on,
        actor=actor,
        now=now,
    )


_ACTS: dict[RequestKind, Callable[[ActRequest, Actor, date, datetime], None]] = {
    RequestKind.REVERSE: _reverse,
    RequestKind.GIVE_UP: _give_up,
}


def _trace(request: ActRequest, what: str, actor: Actor, now: datetime) -> None:
    Trace(request.tenant_id, actor, now).leave(
        request,
        action=f"act_request_{what}",
        topic=f"act_request_{what}",
        detail={
            "kind": request.kind,
            "conversion": str(request.conversion_id or ""),
            "position": str(request.position_id or ""),
            "quantity": request.quantity,
        },
        reason=request.note or request.reason,
    )

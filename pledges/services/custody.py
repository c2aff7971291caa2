"""The custodian's side of an instruction: acknowledge, execute or decline, and give evidence."""

import re
import uuid
from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.states import TransitionRefused
from lending.services.acts import act_once
from logistics.refusals import AlreadyClaimed
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_role
from pledges.instruction_refusals import EvidenceMissing, NotYourInstruction
from pledges.instruction_states import InstructionKind, InstructionState
from pledges.models import EvidencePhoto, Instruction
from pledges.services.approvals import (
    REQUIREMENTS,
    change_of,
    lock_instruction,
    require_reason,
    require_unexpired,
)
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct, covering
from pledges.services.double_pledge import alarm_desks
from pledges.services.evidence import note_reuse
from pledges.services.stamps import Paper, Said, alert_sides, stamp
from pledges.services.warehouse import pledge_free, release, substitute

SHA256 = re.compile(r"[0-9a-f]{64}")


def _require_custodian(actor: Actor, instruction: Instruction) -> None:
    sent = instruction.instructed_at is not None
    if actor.organisation_id != instruction.custodian_id or not sent:
        raise NotYourInstruction(message=_("There is no such instruction."), field="instruction")
    require_role(actor, Role.PARTNER, Role.OPERATIONS)


@transaction.atomic
def acknowledge_instruction(
    *, instruction: Instruction, actor: Actor, now: datetime
) -> Instruction:
    """Note that the custodian has the order and what it says (the hash of its contents).

    Raises NotYourInstruction, NotAllowed, InstructionExpired, TransitionRefused.
    """
    _facility, locked = lock_instruction(instruction)
    _require_custodian(actor, locked)
    locked.acknowledge()
    require_unexpired(locked, now)
    stamp(locked, actor=actor, now=now, said=Said(Paper(locked.number, locked.contents_hash)))
    return locked


@transaction.atomic
def decline_instruction(
    *, instruction: Instruction, reason: str, actor: Actor, now: datetime
) -> Instruction:
    """Answer that the order cannot be carried out, and why; lender and asker are alerted.

    Raises NotYourInstruction, NotAllowed, ReasonNeeded, TransitionRefused.
    """
    _facility, locked = lock_instruction(instruction)
    _require_custodian(actor, locked)
    why = require_reason(reason)
    locked.decline(refusal={"code": "declined", "message": why})
    stamp(locked, actor=actor, now=now, said=Said(reason=why))
    alert_sides(
        locked,
        topic="pledges.instruction_declined",
        key=f"instruction:{locked.pk}:declined",
        organisation_ids={locked.tenant_id, locked.maker_organisation_id},
        payload={"reason": why},
        now=now,
    )
    return locked


def execute_instruction(
    *,
    instruction: Instruction,
    actor: Actor,
    on: date,
    now: datetime,
    idempotency_key: str | None = None,
) -> Instruction:
    """Carry the order out: the goods are held, given back or swapped in this transaction.

    Cover is judged on the live price and exposure of this moment, under the facility's lock. If
    it (or anything else) forbids the act now, nothing moves: the instruction is `failed`, with
    the refusal's numbers, and both sides are alerted; goods that somebody else claims meanwhile
    ring the alarm of a double pledge. Raises NotYourInstruction, NotAllowed,
    InstructionExpired, TransitionRefused (not acknowledged, done already, withdrawn).
    """
    with act_once(
        service="execute_instruction",
        tenant_id=instruction.tenant_id,
        key=idempotency_key,
        payload={"instruction": instruction.pk},
        now=now,
    ) as once:
        if once.replayed:
            return Instruction.objects.get(pk=instruction.pk)
        _facility, locked = lock_instruction(instruction)
        _require_custodian(actor, locked)
        _require_acknowledged(locked)
        require_unexpired(locked, now)
        try:
            # In a savepoint of its own: what it refuses is undone, what we note of it stays.
            conversion_id = _convert(locked, actor, on, now)
        except Refusal as refusal:
            _fail(locked, refusal, actor, now)
        else:
            locked.execute(conversion_id=conversion_id, now=now)
            said = Said(Paper(str(conversion_id)), detail={"conversion": conversion_id})
            stamp(locked, actor=actor, now=now, said=said)
        once.store({"instruction": locked.pk})
        return locked


def _require_acknowledged(instruction: Instruction) -> None:
    if instruction.state != InstructionState.ACKNOWLEDGED:
        state = InstructionState(instruction.state)
        raise TransitionRefused(
            message=_("%(number)s is “%(state)s”: it cannot be executed now")
            % {"number": instruction.number, "state": state.label},
            field="state",
            numbers={"state": state.value},
        )


def _convert(instruction: Instruction, actor: Actor, on: date, now: datetime) -> uuid.UUID:
    """Do the real conversion. The pledge is the custodian's word, a release its checker's."""
    kind = InstructionKind(instruction.kind)
    checker = instruction.checker
    assert checker is not None  # the database: sent only by a second person
    with covering(
        facility_id=instruction.facility_id,
        cause=kind.value,
        actor=actor if kind == InstructionKind.PLEDGE else Actor.of(checker),
        on=on,
        now=now,
        requirement=REQUIREMENTS[kind],
    ) as act:
        _do(act, instruction, actor)
    return act.conversions[-1].id


def _do(act: CoverAct, instruction: Instruction, actor: Actor) -> None:
    change = change_of(instruction)
    takes = [Take(position_id, quantity) for position_id, quantity in change.give.items()]
    details = {
        "custodian": instruction.custodian.name,
        "executed_by": actor.label,
        "sha256": instruction.contents_hash,
    }
    evidence = Evidence("instruction", instruction.number, details)
    if instruction.kind == InstructionKind.PLEDGE:
        pledge_free(act=act, lots=change.bring, evidence=evidence)
    elif instruction.kind == InstructionKind.RELEASE:
        release(
            act=act,
            goods=takes,
            maker_id=instruction.maker_id,
            reference=instruction.number,
            reason=instruction.reason,
        )
    else:
        substitute(
            act=act,
            give=takes,
            bring=change.bring,
            maker_id=instruction.maker_id,
            evidence=evidence,
            reason=instruction.reason,
        )


def _fail(instruction: Instruction, refusal: Refusal, actor: Actor, now: datetime) -> None:
    told = refusal.as_dict()
    instruction.fail(refusal=told)
    stamp(instruction, actor=actor, now=now, said=Said(reason=refusal.message[:300], detail=told))
    houses = {instruction.tenant_id, instruction.maker_organisation_id, instruction.custodian_id}
    alert_sides(
        instruction,
        topic="pledges.instruction_failed",
        key=f"instruction:{instruction.pk}:failed",
        organisation_ids=houses,
        payload={"code": told["code"]},
        now=now,
    )
    if isinstance(refusal, AlreadyClaimed):
        alarm_desks(refusal, facility=instruction.facility, actor=actor, now=now)


@transaction.atomic
def give_evidence(
    *,
    instruction: Instruction,
    reference: str,
    sha256: str,
    photos: Iterable[str] = (),
    actor: Actor,
    now: datetime,
) -> Instruction:
    """Hand in the document of what was done, and photos, each by its SHA-256.

    A document or photo that served another instruction is taken, and the lenders' desks are
    alerted. Raises NotYourInstruction, NotAllowed, EvidenceMissing, TransitionRefused.
    """
    _facility, locked = lock_instruction(instruction)
    _require_custodian(actor, locked)
    document, *pictures = [_checked(one) for one in (sha256, *photos)]
    if not reference.strip():
        raise EvidenceMissing(message=_("Name the document."), field="reference")
    pictures = list(dict.fromkeys(pictures))
    locked.be_evidenced()
    said = Said(Paper(reference.strip()[:120], document), detail={"photos": pictures})
    step = stamp(locked, actor=actor, now=now, said=said)
    EvidencePhoto.objects.bulk_create(EvidencePhoto(step=step, sha256=one) for one in pictures)
    note_reuse(instruction=locked, hashes=[document, *pictures], now=now)
    return locked


def _checked(sha256: str) -> str:
    value = sha256.strip().lower()
    if not SHA256.fullmatch(value):
        raise EvidenceMissing(
            message=_("A SHA-256 has 64 hexadecimal digits, not “%(told)s”.")
            % {"told": sha256[:70]},
            field="sha256",
        )
    return value

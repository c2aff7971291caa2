"""The lender's decision on an instruction: by a rule, or by a second person."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import act_once, lock_facility, person_of, require_lender
from parties.actors import Actor, system_actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person, require_role
from pledges.instruction_queries import custodian_rating
from pledges.instruction_refusals import InstructionExpired, NotAParty, ReasonNeeded
from pledges.instruction_states import InstructionKind, InstructionState, LineDirection, RuleState
from pledges.models import AutoApprovalRule, Instruction
from pledges.rules.approval import Bounds, Rating, objections
from pledges.services.cover import CoverAct, Requirement, judge
from pledges.services.preview import Change, Preview, preview_change
from pledges.services.stamps import Paper, Said, alert_sides, stamp

DECIDERS = (Role.APPROVER, Role.RISK_OFFICER)
REQUIREMENTS = {
    InstructionKind.PLEDGE: Requirement.NOT_WORSE,
    InstructionKind.RELEASE: Requirement.RELEASE,
    InstructionKind.SUBSTITUTE: Requirement.NOT_WORSE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of an instruction; approves if there is a rule and no objection."""

    rule: AutoApprovalRule | None = None
    rating: Rating = field(default_factory=Rating)
    objections: list[str] = field(default_factory=list)

    @property
    def approves(self) -> bool:
        """Return whether nobody needs to look at it."""
        return self.rule is not None and not self.objections

    def as_detail(self) -> dict[str, Any]:
        """Return what the stamps keep of it."""
        if self.rule is None:
            return {}
        return {
            "rule": self.rule.pk,
            "rule_version": self.rule.version,
            "objections": self.objections,
            "punctual": self.rating.punctual,
            "rated": self.rating.counted,
        }


def change_of(instruction: Instruction) -> Change:
    """Return the goods of an instruction as a change of cover (one query, none if prefetched)."""
    lines = list(instruction.lines.all())
    return Change(
        instruction.facility,
        {
            line.position_id: line.quantity
            for line in lines
            if line.direction == LineDirection.GIVE and line.position_id is not None
        },
        [(line.lot, line.quantity) for line in lines if line.direction == LineDirection.BRING],
    )


def lock_instruction(instruction: Instruction) -> tuple[Facility, Instruction]:
    """Lock the facility, then the instruction, and return both as they now are."""
    facility = lock_facility(instruction.facility_id)
    locked = lock_one(Instruction.objects.select_related("custodian", "checker"), instruction.pk)
    locked.facility = facility
    return facility, locked


def require_unexpired(instruction: Instruction, now: datetime) -> None:
    """Refuse to go on with what is too old, whether or not the clock has struck it off yet."""
    if now >= instruction.expires_at:
        raise InstructionExpired(
            message=_("%(number)s was good until %(when)s UTC.")
            % {"number": instruction.number, "when": f"{instruction.expires_at:%Y-%m-%d %H:%M}"},
            numbers={"expires_at": instruction.expires_at},
        )


def judge_preview(
    *, instruction: Instruction, preview: Preview, actor: Actor, on: date, now: datetime
) -> None:
    """Refuse what the act itself would refuse if it were done now: the same measure, a preview."""
    kind = InstructionKind(instruction.kind)
    act = CoverAct(
        facility=instruction.facility,
        cause=kind.value,
        actor=actor,
        on=on,
        priced_on=preview.priced_on,
        now=now,
        before=preview.before,
        requirement=REQUIREMENTS[kind],
        previewed=True,
    )
    judge(act, preview.after)
    if kind != InstructionKind.PLEDGE:
        currency = instruction.facility.currency
        require_authority(actor, Act.RELEASE, preview.given.market, currency)


def verdict_of_rule(
    *, instruction: Instruction, preview: Preview, on: date, now: datetime
) -> Verdict:
    """Return what the facility's rule in force says of a request; it changes nothing."""
    rules = AutoApprovalRule.objects.select_related("checker")
    rule = rules.filter(
        facility_id=instruction.facility_id, kind=instruction.kind, state=RuleState.IN_FORCE
    ).first()
    if rule is None:
        return Verdict()
    rating = custodian_rating(
        tenant_id=instruction.tenant_id, custodian_id=instruction.custodian_id, now=now
    )
    found = objections(
        _bounds(rule), amount=preview.amount, after=preview.after, rating=rating, on=on
    )
    return Verdict(rule, rating, found + _hands(rule, instruction, preview, on, now))


def _bounds(rule: AutoApprovalRule) -> Bounds:
    return Bounds(
        max_amount=rule.max_amount,
        min_coverage=rule.min_coverage,
        min_rating=rule.min_rating,
        min_rated=rule.min_rated,
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
    )


def _hands(
    rule: AutoApprovalRule, instruction: Instruction, preview: Preview, on: date, now: datetime
) -> list[str]:
    """Return why the person behind the rule could not approve it himself, by the refusal's code."""
    assert rule.checker is not None  # in force only by a second person
    actor = Actor.of(rule.checker)
    try:
        require_other_person(actor, maker_id=instruction.maker_id)
        require_lender(actor, instruction.facility, *DECIDERS)
        judge_preview(instruction=instruction, preview=preview, actor=actor, on=on, now=now)
    except Refusal as refusal:
        return [refusal.code]
    return []


def approve_by_rule(
    *, instruction: Instruction, verdict: Verdict, preview: Preview, now: datetime
) -> bool:
    """Send the instruction if the rule approves; tell whether it did."""
    rule = verdict.rule
    if rule is None or rule.checker_id is None or not verdict.approves:
        return False
    instruction.instruct(checker_id=rule.checker_id, rule=rule, now=now)
    actor = system_actor(_("Rule %(version)s") % {"version": rule.version})
    detail = order_detail(preview) | verdict.as_detail()
    stamp(instruction, actor=actor, now=now, said=order_said(instruction, detail))
    return True


def approve_instruction(
    *,
    instruction: Instruction,
    actor: Actor,
    on: date,
    now: datetime,
    reason: str = "",
    idempotency_key: str | None = None,
) -> Instruction:
    """Approve a request and send it to the custodian, as a second person of the lender.

    Nothing is released by it: cover is judged here, and again at execution. Raises SamePerson,
    NotYourFacility, NotAllowed, BeyondAuthority, BelowReleaseLevel, WouldUncover,
    InstructionExpired, TransitionRefused.
    """
    checker_id = person_of(actor, _("Approving an instruction"))
    with act_once(
        service="approve_instruction",
        tenant_id=instruction.tenant_id,
        key=idempotency_key,
        payload={"instruction": instruction.pk, "by": checker_id},
        now=now,
    ) as once:
        if once.replayed:
            return Instruction.objects.get(pk=instruction.pk)
        facility, locked = lock_instruction(instruction)
        require_lender(actor, facility, *DECIDERS)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.instruct(checker_id=checker_id, rule=None, now=now)
        require_unexpired(locked, now)
        preview = preview_change(change_of(locked), on=on)
        judge_preview(instruction=locked, preview=preview, actor=actor, on=on, now=now)
        said = order_said(locked, order_detail(preview), reason)
        stamp(locked, actor=actor, now=now, said=said)
        once.store({"instruction": locked.pk})
        return locked


def order_detail(preview: Preview) -> dict[str, Any]:
    """Return the figures that were looked at: the goods' value and the cover around them."""
    return {
        "market_value": preview.amount,
        "exposure": preview.before.exposure,
        "lending_value_before": preview.before.lending_value,
        "lending_value_after": preview.after.lending_value,
        "priced_on": preview.priced_on,
    }


def order_said(instruction: Instruction, detail: dict[str, Any], reason: str = "") -> Said:
    """Return what the order rests on: its number and the hash of its contents."""
    paper = Paper(instruction.number, instruction.contents_hash)
    return Said(paper, reason or instruction.reason, detail)


@transaction.atomic
def refuse_instruction(
    *, instruction: Instruction, reason: str, actor: Actor, now: datetime
) -> Instruction:
    """Turn a request down; its goods are free for another one.

    Raises NotYourFacility, NotAllowed, SamePerson, ReasonNeeded, TransitionRefused.
    """
    checker_id = person_of(actor, _("Refusing an instruction"))
    facility, locked = lock_instruction(instruction)
    require_lender(actor, facility, *DECIDERS)
    require_other_person(actor, maker_id=locked.maker_id)
    why = require_reason(reason)
    locked.refuse(checker_id=checker_id, refusal={"code": "refused", "message": why})
    stamp(locked, actor=actor, now=now, said=Said(reason=why))
    return locked


@transaction.atomic
def withdraw_instruction(
    *, instruction: Instruction, reason: str, actor: Actor, now: datetime
) -> Instruction:
    """Take an instruction back before goods move; the custodian is alerted if it had it.

    The house that asked for it may, and the lender. Raises NotAParty, NotAllowed, ReasonNeeded,
    TransitionRefused (executed already).
    """
    _facility, locked = lock_instruction(instruction)
    if actor.organisation_id not in (locked.maker_organisation_id, locked.tenant_id):
        raise NotAParty(message=_("There is no such instruction."), field="instruction")
    require_role(actor, Role.PREPARER, Role.OPERATIONS, *DECIDERS)
    why = require_reason(reason)
    was_sent = locked.state != InstructionState.REQUESTED
    locked.withdraw()
    stamp(locked, actor=actor, now=now, said=Said(reason=why))
    if was_sent:
        alert_sides(
            locked,
            topic="pledges.instruction_withdrawn",
            key=f"instruction:{locked.pk}:withdrawn",
            organisation_ids={locked.custodian_id},
            payload={"reason": why},
            now=now,
        )
    return locked


def require_reason(reason: str) -> str:
    """Return the reason that was given; ReasonNeeded if there is none."""
    if not reason.strip():
        raise ReasonNeeded(message=_("Say why."), field="reason")
    return reason.strip()[:300]

"""Rules that approve by themselves: proposed by one person, put in force by another."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import lock_facility, person_of, require_lender
from outbox.services.audit import record
from outbox.services.events import emit
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person
from pledges.instruction_states import InstructionKind, RuleState
from pledges.models import AutoApprovalRule
from pledges.rules.approval import Bounds


class BoundsNotPossible(Refusal):
    """An amount of nothing, a share beyond one, or no day on which the rule would be valid."""

    code = "bounds_not_possible"


@transaction.atomic
def propose_rule(
    *, facility: Facility, kind: InstructionKind, bounds: Bounds, actor: Actor, now: datetime
) -> AutoApprovalRule:
    """Propose the next version of a facility's rule for one kind; it approves nothing yet.

    Raises NotYourFacility, NotAllowed, PersonNeeded, BoundsNotPossible.
    """
    maker_id = person_of(actor, _("Proposing a rule"))
    locked = lock_facility(facility.pk)
    require_lender(actor, locked, Role.PREPARER, Role.RISK_OFFICER)
    earlier = AutoApprovalRule.objects.filter(facility=locked, kind=kind)
    last = earlier.aggregate(last=Max("version"))["last"] or 0
    impossible = BoundsNotPossible(
        message=_("Amount above zero, rating from 0 to 1, valid for one day at least."),
        field="max_amount",
    )
    breaches = ("approval_rule_bounds_possible", "approval_rule_valid_for_a_day_at_least")
    with constraint_refusals(dict.fromkeys(breaches, impossible)):
        rule = AutoApprovalRule.objects.create(
            tenant_id=locked.tenant_id,
            facility=locked,
            kind=kind,
            version=last + 1,
            max_amount=bounds.max_amount,
            min_coverage=bounds.min_coverage,
            min_rating=bounds.min_rating,
            min_rated=bounds.min_rated,
            valid_from=bounds.valid_from,
            valid_until=bounds.valid_until,
            maker_id=maker_id,
            proposed_at=now,
        )
    _trace(rule, "proposed", actor, now)
    return rule


@transaction.atomic
def approve_rule(*, rule: AutoApprovalRule, actor: Actor, now: datetime) -> AutoApprovalRule:
    """Put a proposed rule in force; the version before it ends in the same act.

    The checker answers for what it approves: he needs authority for its largest amount, where
    goods are given back. Raises SamePerson, BeyondAuthority, NotYourFacility, NotAllowed,
    TransitionRefused.
    """
    checker_id = person_of(actor, _("Approving a rule"))
    facility, locked = _lock(rule)
    require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
    require_other_person(actor, maker_id=locked.maker_id)
    if locked.kind != InstructionKind.PLEDGE:
        require_authority(actor, Act.RELEASE, locked.max_amount, facility.currency)
    in_force = AutoApprovalRule.objects.filter(
        facility=facility, kind=locked.kind, state=RuleState.IN_FORCE
    )
    for former in in_force:
        _end(former, actor, now)
    locked.come_into_force(checker_id=checker_id, now=now)
    locked.save()
    _trace(locked, "in_force", actor, now)
    return locked


@transaction.atomic
def refuse_rule(*, rule: AutoApprovalRule, actor: Actor, now: datetime) -> AutoApprovalRule:
    """Turn a proposal down. Raises SamePerson, NotYourFacility, NotAllowed, TransitionRefused."""
    checker_id = person_of(actor, _("Refusing a rule"))
    facility, locked = _lock(rule)
    require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
    require_other_person(actor, maker_id=locked.maker_id)
    locked.refuse(checker_id=checker_id, now=now)
    locked.save()
    _trace(locked, "refused", actor, now)
    return locked


@transaction.atomic
def end_rule(*, rule: AutoApprovalRule, actor: Actor, now: datetime) -> AutoApprovalRule:
    """Stop a rule; one person may always ask for more care. Raises NotYourFacility, NotAllowed."""
    facility, locked = _lock(rule)
    require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
    _end(locked, actor, now)
    return locked


def _lock(rule: AutoApprovalRule) -> tuple[Facility, AutoApprovalRule]:
    facility = lock_facility(rule.facility_id)
    return facility, lock_one(AutoApprovalRule.objects.all(), rule.pk)


def _end(rule: AutoApprovalRule, actor: Actor, now: datetime) -> None:
    rule.end(now=now)
    rule.save()
    _trace(rule, "ended", actor, now)


def _trace(rule: AutoApprovalRule, what: str, actor: Actor, now: datetime) -> None:
    detail = {
        "facility": rule.facility_id,
        "kind": str(rule.kind),
        "version": rule.version,
        "max_amount": rule.max_amount,
        "min_coverage": rule.min_coverage,
        "min_rating": rule.min_rating,
        "valid_from": rule.valid_from,
        "valid_until": rule.valid_until,
    }
    emit(
        topic=f"pledges.approval_rule_{what}",
        aggregate="pledges.autoapprovalrule",
        aggregate_id=rule.pk,
        payload=detail,
        tenant_id=rule.tenant_id,
        now=now,
    )
    record(
        action=f"pledges.approval_rule_{what}",
        actor=actor,
        object_type="pledges.autoapprovalrule",
        object_id=rule.pk,
        at=now,
        tenant_id=rule.tenant_id,
        detail=detail,
    )

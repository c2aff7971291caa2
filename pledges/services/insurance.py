"""Insurance policies: recorded, ended early; each change is felt by the positions at once."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import Trace, require_lender
from logistics.models import Site
from logistics.rules.lot_numbers import normal_lot_number
from parties.actors import Actor
from pledges.models import InsurancePolicy, InsuredSite
from pledges.services.registrations import FILERS
from pledges.services.site_duties import review_sites


class PolicyNotPossible(Refusal):
    """A policy without number, sum, places, or with a term that does not run forward."""

    code = "policy_not_possible"


class PolicyKnown(Refusal):
    """The insurer's policy of that term is on file."""

    code = "policy_known"


@transaction.atomic
def record_policy(
    *,
    facility: Facility,
    insurer: str,
    number: str,
    insured_sum: Decimal,
    sites: Sequence[Site],
    term: tuple[date, date],
    lender_is_loss_payee: bool,
    on: date,
    actor: Actor,
    now: datetime,
) -> InsurancePolicy:
    """Put a policy on file, its sum in the facility's currency; positions it covers count again.

    `term` is its first day and the first day without cover. Raises
    PolicyNotPossible, PolicyKnown, NotYourFacility.
    """
    require_lender(actor, facility, *FILERS)
    from_on, until_on = term
    normal = normal_lot_number(number)
    if not normal or not insurer.strip() or insured_sum <= 0 or not sites or until_on <= from_on:
        raise PolicyNotPossible(
            message=_("A policy has an insurer, a number, a sum, places and a term."),
            field="number" if not normal else "until_on" if until_on <= from_on else "insured_sum",
        )
    known = PolicyKnown(message=_("This policy is on file already."), field="number")
    with constraint_refusals({"policy_recorded_once": known}):
        policy = InsurancePolicy.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            insurer=insurer.strip(),
            number=number.strip(),
            normal_number=normal,
            insured_sum=insured_sum,
            currency=facility.currency,
            from_on=from_on,
            until_on=until_on,
            lender_is_loss_payee=lender_is_loss_payee,
            recorded_at=now,
        )
    InsuredSite.objects.bulk_create(InsuredSite(policy=policy, site=site) for site in sites)
    _trace(policy, "policy_recorded", actor, on, now)
    review_sites(on=on, actor=actor, now=now, facility_ids=[facility.pk])
    return policy


@transaction.atomic
def end_policy(
    *, policy: InsurancePolicy, on: date, actor: Actor, now: datetime
) -> InsurancePolicy:
    """Note that a policy ends before its time; what only it insured counts for nothing."""
    require_lender(actor, policy.facility, *FILERS)
    locked: InsurancePolicy = lock_one(
        InsurancePolicy.objects.select_related("facility"), policy.pk
    )
    if locked.ended_on is not None:
        raise PolicyNotPossible(
            message=_("The policy ended on %(day)s") % {"day": locked.ended_on}, field="policy"
        )
    locked.ended_on = on
    locked.save(update_fields=["ended_on"])
    _trace(locked, "policy_ended", actor, on, now)
    review_sites(on=on, actor=actor, now=now, facility_ids=[locked.facility_id])
    return locked


def _trace(policy: InsurancePolicy, what: str, actor: Actor, on: date, now: datetime) -> None:
    Trace(policy.tenant_id, actor, now, on).leave(
        policy,
        action=what,
        topic=what,
        detail={"number": policy.number, "insurer": policy.insurer, "until_on": policy.until_on},
    )

"""Goods count only at places that are insured and controlled, where the facility demands it.

One review finds what changed: positions at places without a policy in force (or without fresh
evidence of control) are suspended, and restored as soon as there is one.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from lending.models import Facility
from lending.states import FacilityState
from logistics.models import Site
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import ControlEvidence, InsuredSite, Position, Suspension
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.eligibility import Findings, restore, suspend
from pledges.states import Right, SuspensionReason

# Goods on the road are under the carrier's insurance and in the carrier's hands.
AT_A_SITE = (Right.PLEDGE, Right.FLOATING_MORTGAGE)
DEMANDS = {
    SuspensionReason.INSURANCE: "insurance_required",
    SuspensionReason.CONTROL: "control_required",
}


def insured_sites(facility_id: int, *, on: date) -> set[int]:
    """Return the places under a policy in force on a day with the lender as loss payee."""
    named = InsuredSite.objects.filter(
        policy__facility_id=facility_id,
        policy__from_on__lte=on,
        policy__until_on__gt=on,
        policy__lender_is_loss_payee=True,
    ).exclude(policy__ended_on__lte=on)
    return set(named.values_list("site_id", flat=True))


def controlled_sites(facility_id: int, *, on: date) -> set[int]:
    """Return the places whose supervisor's control is evidenced on a day."""
    fresh = ControlEvidence.objects.filter(
        facility_id=facility_id, taken_at__date__lte=on, valid_until__gte=on
    )
    return set(fresh.values_list("site_id", flat=True))


_SITES = {
    SuspensionReason.INSURANCE: insured_sites,
    SuspensionReason.CONTROL: controlled_sites,
}


def check_insurance(act: CoverAct, positions: Sequence[Position]) -> Findings:
    """Find new positions at places without insurance, where the facility demands it."""
    return _found(act, positions, SuspensionReason.INSURANCE)


def check_control(act: CoverAct, positions: Sequence[Position]) -> Findings:
    """Find new positions at places without evidence of control, where the facility demands it."""
    return _found(act, positions, SuspensionReason.CONTROL)


def _found(act: CoverAct, positions: Sequence[Position], reason: SuspensionReason) -> Findings:
    here = [one for one in positions if one.right in AT_A_SITE and one.lot is not None]
    if not here or not getattr(act.facility, DEMANDS[reason]):
        return {}
    fine = _SITES[reason](act.facility.pk, on=act.on)
    return {
        one.pk: {"site": one.lot.site_id, "on": act.on.isoformat()}
        for one in here
        if one.lot is not None and one.lot.site_id not in fine
    }


def review_sites(
    *, on: date, actor: Actor, now: datetime, facility_ids: Collection[int] | None = None
) -> int:
    """Suspend and restore what the policies and evidence of a day ask; return how many changed.

    Locks only facilities in which something changes.
    """
    demanding = Facility.objects.exclude(state=FacilityState.CLOSED)
    if facility_ids is not None:
        demanding = demanding.filter(pk__in=facility_ids)
    changed = 0
    for facility in demanding.order_by("pk"):
        for reason, demand in DEMANDS.items():
            if getattr(facility, demand) and any(_changes(facility, reason, on=on)):
                changed += _review(facility, reason, on=on, actor=actor, now=now)
    return changed


def _changes(
    facility: Facility, reason: SuspensionReason, *, on: date
) -> tuple[dict[uuid.UUID, dict[str, Any]], list[uuid.UUID]]:
    """Return what to suspend, with what was found, and what to restore (three queries)."""
    fine = _SITES[reason](facility.pk, on=on)
    standing = facility.positions.live().filter(right__in=AT_A_SITE)
    open_ = Suspension.objects.filter(
        position__facility=facility, reason=reason, lifted_at__isnull=True
    )
    suspended = set(open_.values_list("position_id", flat=True))
    places = list(standing.order_by("pk").values_list("pk", "lot__site_id"))
    lapsed = {
        pk: {"site": site, "on": on.isoformat()}
        for pk, site in places
        if site not in fine and pk not in suspended
    }
    return lapsed, [pk for pk, site in places if site in fine and pk in suspended]


def _review(
    facility: Facility, reason: SuspensionReason, *, on: date, actor: Actor, now: datetime
) -> int:
    with covering(
        facility_id=facility.pk,
        cause=str(reason),
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    ) as act:
        lapsed, back = _changes(facility, reason, on=on)
        if lapsed:
            suspend(act=act, reason=reason, findings=lapsed)
            raise_alerts(_alerts(facility, reason, lapsed, on), now=now)
        if back:
            restore(act=act, reason=reason, position_ids=back)
    return len(lapsed) + len(back)


def _alerts(
    facility: Facility, reason: SuspensionReason, lapsed: Mapping[uuid.UUID, Any], on: date
) -> list[NewAlert]:
    by_site: dict[int, int] = defaultdict(int)
    for found in lapsed.values():
        by_site[found["site"]] += 1
    return [
        NewAlert(
            organisation_id=facility.tenant_id,
            topic=f"pledges.{reason}_lapsed",
            aggregate="facility",
            aggregate_id=facility.pk,
            key=f"{reason}_lapsed:{facility.pk}:{site}:{on}",
            severity=Severity.URGENT,
            payload={"facility": facility.code, "positions": count, "site": _site(site)},
        )
        for site, count in sorted(by_site.items())
    ]


def _site(site_id: int) -> str:
    return Site.objects.values_list("name", flat=True).get(pk=site_id)

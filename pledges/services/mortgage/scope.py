"""What is under a mortgage on a day, and which positions are outside it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from logistics.models import Lot
from pledges.models import FloatingMortgage, Position
from pledges.services.cover import CoverAct, Requirement
from pledges.services.eligibility import Findings, restore, suspend
from pledges.states import Right, SuspensionReason


@dataclass(frozen=True, slots=True)
class Scope:
    """The items and sites that a mortgage names on a day, by their keys."""

    mortgage: FloatingMortgage
    borrower_id: int
    items: frozenset[int]
    sites: frozenset[int]

    def names(self, lot: Lot) -> bool:
        """Tell whether goods that come into the lot come under the mortgage."""
        return (
            lot.owner_id == self.borrower_id
            and lot.item_id in self.items
            and lot.site_id in self.sites
        )


def scope_of(mortgage: FloatingMortgage, on: date) -> Scope:
    """Return what the mortgage names on a day (two queries)."""
    return Scope(
        mortgage=mortgage,
        borrower_id=mortgage.facility.borrower_id,
        items=frozenset(mortgage.items.on(on).values_list("item_id", flat=True)),
        sites=frozenset(mortgage.sites.on(on).values_list("site_id", flat=True)),
    )


def mortgage_of(facility_id: int) -> FloatingMortgage | None:
    """Return the facility's mortgage in force, if it has one."""
    found = FloatingMortgage.objects.in_force().select_related("facility")
    return found.filter(facility_id=facility_id).first()


def outside_scope(act: CoverAct, positions: Sequence[Position]) -> Findings:
    """Find the new mortgaged positions that the facility's mortgage does not reach.

    Their item is not chosen, or they lie outside the named sites. Without a mortgage in force
    nothing is found: what such a facility takes is agreed case by case.
    """
    mortgaged = [one for one in positions if one.right == Right.FLOATING_MORTGAGE]
    mortgage = mortgage_of(act.facility.pk) if mortgaged else None
    if mortgage is None:
        return {}
    return _outside(scope_of(mortgage, act.on), mortgaged)


def _outside(
    scope: Scope, positions: Sequence[Position], *, kept: frozenset[uuid.UUID] = frozenset()
) -> dict[uuid.UUID, dict[str, Any]]:
    findings: dict[uuid.UUID, dict[str, Any]] = {}
    for position in positions:
        lot = position.lot
        assert lot is not None  # goods: the database guarantees it
        wrong = []
        if lot.site_id not in scope.sites:
            wrong.append("site")
        if lot.item_id not in scope.items and position.pk not in kept:
            wrong.append("item")
        if wrong:
            findings[position.pk] = {"mortgage": scope.mortgage.number, "not_named": wrong}
    return findings


def judge_again(act: CoverAct, mortgage: FloatingMortgage, *, keep_attached: bool = True) -> None:
    """Suspend and restore mortgaged positions after the mortgage names other goods or places.

    A position whose item was withdrawn stays as it is: what is attached stays attached.
    """
    scope = scope_of(mortgage, act.on)
    positions = list(
        act.facility.positions.live()
        .filter(right=Right.FLOATING_MORTGAGE)
        .select_related("lot")
        .order_by("pk")
    )
    suspended = set(
        act.facility.positions.filter(
            pk__in=[one.pk for one in positions],
            suspensions__reason=SuspensionReason.PLACE,
            suspensions__lifted_at__isnull=True,
        ).values_list("pk", flat=True)
    )
    counting = frozenset(one.pk for one in positions) - suspended
    outside = _outside(scope, positions, kept=counting if keep_attached else frozenset())
    leaving = {pk: found for pk, found in outside.items() if pk not in suspended}
    back = suspended - set(outside)
    if leaving or back:
        act.standing_by = False  # cover changes, although nothing is converted
        act.require(Requirement.NOT_WORSE)
        suspend(act=act, reason=SuspensionReason.PLACE, findings=leaving)
        restore(act=act, reason=SuspensionReason.PLACE, position_ids=back)

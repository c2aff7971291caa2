"""Which positions count: suspended for a reason, restored when it is gone.

A suspended position stays what it is, and its goods stay held; it only secures nothing. Reasons
known when a position is made are found by the checks registered here; later ones are reported.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from outbox.services.events import NewEvent, emit_many
from pledges.models import Position, Suspension
from pledges.services.cover import CoverAct
from pledges.services.pool import add_to_pool, take_from_pool
from pledges.states import SuspensionReason

Findings = Mapping[uuid.UUID, Mapping[str, Any]]
Check = Callable[[CoverAct, Sequence[Position]], Findings]

# What is asked of every new live position, in a constant number of queries each.
CHECKS: dict[SuspensionReason, Check] = {}


def check_eligibility(act: CoverAct, positions: Sequence[Position]) -> None:
    """Suspend those of the new positions that a check speaks against."""
    for reason, check in CHECKS.items():
        if findings := check(act, positions):
            suspend(act=act, reason=reason, findings=findings)


def inherit_suspensions(
    act: CoverAct, heirs: Mapping[uuid.UUID, Collection[Position]], *, goods_moved: bool
) -> None:
    """Let what counted for nothing go on so in what became of it (new position id -> sources).

    Where the goods moved, the reasons that are asked of every new position have been asked of
    these already, and the answer in the new place counts; where they stayed, every reason stays.
    No query unless a source is suspended, else a constant number for each reason.
    """
    suspended = {one.pk for sources in heirs.values() for one in sources if one.suspended}
    if not suspended:
        return
    standing = Suspension.objects.filter(position__in=suspended, lifted_at__isnull=True)
    if goods_moved:
        standing = standing.exclude(reason__in=list(CHECKS))
    findings: dict[SuspensionReason, dict[uuid.UUID, Any]] = {}
    for one in standing.order_by("pk"):
        found = findings.setdefault(SuspensionReason(one.reason), {})
        for heir, sources in heirs.items():
            if any(one.position_id == source.pk for source in sources):
                found.setdefault(heir, one.detail)
    for reason, found in findings.items():
        suspend(act=act, reason=reason, findings=found)


def suspend(*, act: CoverAct, reason: SuspensionReason, findings: Findings) -> list[Suspension]:
    """Let positions of the act's facility count for nothing, each with what was found.

    Those that are suspended for this reason already stay as they are. Nobody chose it: open the
    act with Requirement.NONE, so that cover is judged and called, but nothing refused.
    """
    positions = _live(act, findings)
    known = _open(positions, reason).values_list("position_id", flat=True)
    new = [position for position in positions if position.pk not in set(known)]
    take_from_pool({position.pk: position.remaining for position in new})
    made = Suspension.objects.bulk_create(
        Suspension(
            position=position,
            reason=reason,
            detail=dict(findings[position.pk]),
            since=act.now,
            since_on=act.on,
        )
        for position in new
    )
    _tell(act, "position_suspended", reason, new)
    return made


def restore(
    *, act: CoverAct, reason: SuspensionReason, position_ids: Collection[uuid.UUID]
) -> list[Position]:
    """Lift the suspensions for one reason; return the positions that count again."""
    positions = _live(act, position_ids)
    lifted = _open(positions, reason)
    concerned = set(lifted.values_list("position_id", flat=True))
    lifted.update(lifted_at=act.now)
    counting = list(act.facility.positions.filter(pk__in=concerned, suspended=False).order_by("pk"))
    add_to_pool({position.pk: position.remaining for position in counting})
    _tell(act, "position_restored", reason, counting)
    return counting


def _live(act: CoverAct, position_ids: Collection[uuid.UUID]) -> list[Position]:
    return list(
        Position.objects.live()
        .filter(facility=act.facility, pk__in=list(position_ids))
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )


def _open(positions: Sequence[Position], reason: SuspensionReason) -> Any:
    return Suspension.objects.filter(position__in=positions, reason=reason, lifted_at__isnull=True)


def _tell(
    act: CoverAct, what: str, reason: SuspensionReason, positions: Sequence[Position]
) -> None:
    emit_many(
        [
            NewEvent(
                topic=f"pledges.{what}",
                aggregate="position",
                aggregate_id=position.pk,
                tenant_id=act.facility.tenant_id,
                payload={
                    "facility": act.facility.pk,
                    "reason": str(reason),
                    "label": position.label,
                },
            )
            for position in positions
        ],
        now=act.now,
    )

"""`crystallise`: the claim on goods that may move becomes one on goods that may not."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pledges.models import Position, Suspension
from pledges.services.conversion import Evidence, Take, Taken, convert, take
from pledges.services.cover import CoverAct
from pledges.services.eligibility import suspend
from pledges.services.goods import lot_of, secured_makes
from pledges.states import ConversionKind, Right, SuspensionReason


def fix(
    *, act: CoverAct, positions: Sequence[Position], evidence: Evidence, reason: str
) -> list[Position]:
    """Turn mortgaged positions into pledges of the same goods: their custodians hold them.

    What counted for nothing goes on counting for nothing. Returns the pledges.
    """
    if not positions:
        return []
    taken = take(
        act=act,
        kind=ConversionKind.CRYSTALLISE,
        takes=[Take(one.pk, one.remaining) for one in positions],
    )
    makes = secured_makes([(lot_of(one), one.quantity) for one in taken], Right.PLEDGE)
    made = convert(
        act=act,
        kind=ConversionKind.CRYSTALLISE,
        taken=taken,
        makes=[replace(make, parent=one.position) for make, one in zip(makes, taken, strict=True)],
        evidence=evidence,
        reason=reason,
    )
    _suspend_as_before(act, taken, made)
    return made


def _suspend_as_before(act: CoverAct, taken: Sequence[Taken], made: Sequence[Position]) -> None:
    heirs = {one.position.pk: heir.pk for one, heir in zip(taken, made, strict=True)}
    open_ones = Suspension.objects.filter(position__in=list(heirs), lifted_at__isnull=True)
    findings: dict[SuspensionReason, dict[uuid.UUID, dict[str, Any]]] = {}
    for one in open_ones:
        found = findings.setdefault(SuspensionReason(one.reason), {})
        found[heirs[one.position_id]] = one.detail
    for reason, found in findings.items():
        suspend(act=act, reason=reason, findings=found)

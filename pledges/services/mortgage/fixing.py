"""`crystallise`: the claim on goods that may move becomes one on goods that may not."""

from collections.abc import Sequence
from dataclasses import replace

from pledges.models import Position
from pledges.services.conversion import Evidence, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import lot_of, secured_makes
from pledges.states import ConversionKind, Right


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
    return convert(
        act=act,
        kind=ConversionKind.CRYSTALLISE,
        taken=taken,
        makes=[replace(make, parent=one.position) for make, one in zip(makes, taken, strict=True)],
        evidence=evidence,
        reason=reason,
    )

"""Judging acts by which goods leave the lender's control.

They are released by order, or leave in the ordinary course under a floating mortgage.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from common.errors import Refusal
from pledges.measure import controlled_value
from pledges.models import FloatingMortgage
from pledges.rules.controlled import exposure_allowed, goods_short

if TYPE_CHECKING:
    from pledges.rules.cover import Cover
    from pledges.services.cover import CoverAct

WHOLE = Decimal(1)


class BelowReleaseLevel(Refusal):
    """Goods may be given back only while exposure stays well within lending value."""

    code = "below_release_level"


class BelowFloor(Refusal):
    """Goods leave in the ordinary course only while enough of them stays."""

    code = "below_floor"


def judge_goods_left(
    act: CoverAct, after: Cover, *, by_order: bool, in_ordinary_course: bool
) -> None:
    """Refuse an act after which too little stays, with the numbers.

    By order: E ≤ release factor × ΣLV and the minimum controlled value. In the ordinary course:
    E ≤ ΣLV and the larger of the floor and that minimum.
    """
    facility = act.facility
    mortgage = FloatingMortgage.objects.in_force().filter(facility=facility).first()
    minimum = facility.minimum_controlled_value
    if mortgage is not None:
        minimum = max(minimum, mortgage.minimum_controlled_value)
    if by_order:
        _require_exposure_within(act, after, facility.release_factor)
        if minimum:
            _require_goods(act, after, minimum, BelowReleaseLevel)
    if in_ordinary_course:
        _require_covered(act, after)
        floor = mortgage.floor_value if mortgage else Decimal(0)
        _require_goods(act, after, max(minimum, floor), BelowFloor)


def _require_exposure_within(act: CoverAct, after: Cover, factor: Decimal) -> None:
    allowed = exposure_allowed(lending_value=after.lending_value, factor=factor)
    short = after.exposure - allowed
    if short <= 0:
        return
    raise BelowReleaseLevel(
        message=_(
            "after the release exposure %(exposure)s may be at most %(allowed)s "
            "(%(factor)s of lending value): short %(short)s %(currency)s"
        )
        % {
            "exposure": f"{after.exposure:,.2f}",
            "allowed": f"{allowed:,.2f}",
            "factor": f"{factor.normalize():f}",
            "short": f"{short:,.2f}",
            "currency": act.facility.currency,
        },
        numbers={"exposure": after.exposure, "allowed": allowed, "short": short},
    )


def _require_covered(act: CoverAct, after: Cover) -> None:
    if after.shortfall == 0:
        return
    raise BelowFloor(
        message=_(
            "lending value %(lending_value)s would stay against exposure %(exposure)s: short "
            "%(short)s %(currency)s. More may leave only when %(lender)s releases it."
        )
        % {
            "exposure": f"{after.exposure:,.2f}",
            "lending_value": f"{after.lending_value:,.2f}",
            "short": f"{after.shortfall:,.2f}",
            "currency": act.facility.currency,
            "lender": act.facility.tenant,
        },
        field="quantity",
        numbers={
            "exposure": after.exposure,
            "lending_value": after.lending_value,
            "short": after.shortfall,
        },
    )


def _require_goods(act: CoverAct, after: Cover, required: Decimal, refusal: type[Refusal]) -> None:
    controlled = controlled_value(as_of=act.priced_on, facility_id=act.facility.pk)
    if act.previewed:  # an order gives and takes goods only
        controlled += after.market_value - act.before.market_value
    act.detail |= {"controlled": str(controlled), "required": str(required)}
    short = goods_short(controlled=controlled, required=required, exposure=after.exposure)
    if short == 0:
        return
    raise refusal(
        message=_(
            "goods worth %(controlled)s would stay under the control of %(lender)s, at least "
            "%(required)s must: short %(short)s %(currency)s. More may leave only when "
            "%(lender)s releases it."
        )
        % {
            "controlled": f"{controlled:,.2f}",
            "required": f"{required:,.2f}",
            "short": f"{short:,.2f}",
            "currency": act.facility.currency,
            "lender": act.facility.tenant,
        },
        field="quantity",
        numbers={"controlled": controlled, "required": required, "short": short},
    )

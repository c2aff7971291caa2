"""Acts on cover: everything that changes exposure or collateral happens inside `covering`.

`covering` locks the facility, lets its body lend, receive, convert and repay, and judges the
facility ONCE at the end: the act is refused whole if it would leave the lender uncovered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from lending.models import Facility
from lending.states import FacilityState
from parties.actors import Actor
from pledges.measure import judging_days, measure
from pledges.models import MarginCall, PoolLine
from pledges.rules.cover import Cover
from pledges.services.call_history import last_standings
from pledges.services.controlled import BelowReleaseLevel, judge_goods_left
from pledges.services.journal import PendingConversion, write_conversions
from pledges.services.price_gate import share_gates
from pledges.services.readings import Reading, record_readings
from pledges.states import MarginCallState
from risk.queries import frozen_commodities

__all__ = [
    "BelowReleaseLevel",
    "CallBlocksDrawing",
    "CallBlocksRelease",
    "CoverAct",
    "NoReleaseInDefault",
    "PriceInDoubt",
    "Requirement",
    "WouldUncover",
    "covering",
    "open_act",
    "open_acts",
]


class Requirement(IntEnum):
    """What an act must leave behind, from nothing to everything; the strictest asked for counts."""

    NONE = 0  # nobody chose it: a price, an accrual, a loss. It is recorded, never refused
    NOT_WORSE = 1  # may not leave a shortfall larger than it found
    COVERED = 2  # money out: E ≤ ΣLV afterwards
    RELEASE = 3  # goods given back: E ≤ release factor × ΣLV afterwards


class WouldUncover(Refusal):
    """The act would leave exposure above lending value."""

    code = "would_uncover"


class NoReleaseInDefault(Refusal):
    """Nothing is given back under a default while anything is owed: the lender may sell it."""

    code = "no_release_in_default"


class PriceInDoubt(Refusal):
    """A price that would make the goods worth far less is held, and nobody has decided on it."""

    code = "price_in_doubt"


class CallBlocksDrawing(WouldUncover):
    """While a margin call is open, nothing is drawn but by an act that cures it."""

    code = "margin_call_open"


class CallBlocksRelease(BelowReleaseLevel):
    """While a margin call is open, goods leave only as part of a cure, such as a swap."""

    code = "margin_call_open"


@dataclass
class CoverAct:
    """One open act on a facility's cover; conversions gather here until it is judged."""

    facility: Facility
    cause: str
    actor: Actor
    on: date
    priced_on: date
    now: datetime
    before: Cover
    requirement: Requirement
    standing_by: bool = False
    keeps_floor: bool = False
    previewed: bool = False  # nothing has moved: the cover after it is worked out
    detail: dict[str, Any] = field(default_factory=dict)
    conversions: list[PendingConversion] = field(default_factory=list)

    def require(self, requirement: Requirement) -> None:
        """Ask for at least this much when the act is judged."""
        self.requirement = max(self.requirement, requirement)

    def keep_floor(self) -> None:
        """Ask that enough stays for goods to have left in the ordinary course."""
        self.keeps_floor = True


_acts: ContextVar[dict[int, CoverAct] | None] = ContextVar("open_cover_acts", default=None)


def open_act(facility_id: int) -> CoverAct | None:
    """Return the act that is open on the facility in this transaction, if any."""
    return (_acts.get() or {}).get(facility_id)


def open_acts() -> list[CoverAct]:
    """Return the acts that are open in this transaction, on any facility."""
    return list((_acts.get() or {}).values())


@contextmanager
def covering(
    *,
    facility_id: int,
    cause: str,
    actor: Actor,
    on: date,
    now: datetime,
    requirement: Requirement = Requirement.NOT_WORSE,
    standing_by: bool = False,
) -> Iterator[CoverAct]:
    """Open an act on a facility's cover, or join the one that is open.

    Locks the facility until commit. Values are those of the live price, even for an act of an
    earlier business day `on`. On leaving the outermost act: measures, refuses with
    WouldUncover or BelowReleaseLevel (nothing is changed then), writes the conversions with the
    cover before and after, the reading, the band, and opens or cures the margin call.

    An act that is only `standing_by`, for what a report of goods may bring, leaves no trace if
    nothing is converted in it.
    """
    joined = open_act(facility_id)
    if joined is not None:
        joined.require(requirement)
        joined.standing_by = joined.standing_by and standing_by
        yield joined
        return
    with transaction.atomic():
        facility = lock_one(Facility.objects.all(), facility_id)
        share_gates([facility_id])
        [priced_on] = judging_days(on=on, facility_ids=[facility_id])
        before = measure(as_of=priced_on, facility_ids=[facility_id])[facility_id]
        act = CoverAct(facility, cause, actor, on, priced_on, now, before, requirement, standing_by)
        token = _acts.set({**(_acts.get() or {}), facility_id: act})
        try:
            yield act
        finally:
            _acts.reset(token)
        _close(act)


def _close(act: CoverAct) -> None:
    facility = act.facility
    if act.standing_by and not act.conversions:
        return
    after = measure(as_of=act.priced_on, facility_ids=[facility.pk])[facility.pk]
    judge(act, after)
    conversions = write_conversions(
        act.conversions, before=act.before, after=after, priced_on=act.priced_on
    )
    record_readings(
        [
            Reading(
                facility.pk,
                facility.tenant_id,
                after,
                act.priced_on,
                conversions,
                act.detail,
                before=act.before,
            )
        ],
        cause=act.cause,
        actor=act.actor,
        on=act.on,
        now=act.now,
    )
    facility.refresh_from_db(fields=["exposure"])


def judge(act: CoverAct, after: Cover) -> None:
    """Refuse what would uncover; see Requirement for the four measures. Also judges previews."""
    by_order = act.requirement >= Requirement.RELEASE
    if by_order or act.keeps_floor:
        _require_no_default(act, after)
        if by_order and after.shortfall:
            _refuse_while_called(act, after, CallBlocksRelease)
        judge_goods_left(act, after, by_order=by_order, in_ordinary_course=act.keeps_floor)
    if act.requirement >= Requirement.COVERED and after.exposure:
        _refuse_while_in_doubt(act.facility)
    if after.shortfall == 0:
        return
    worse = after.shortfall > act.before.shortfall
    if act.requirement >= Requirement.COVERED:
        _refuse_while_called(act, after, CallBlocksDrawing)
    if act.requirement >= Requirement.COVERED or (act.requirement and worse):
        raise WouldUncover(
            message=_(
                "exposure would be %(exposure)s against lending value %(lending_value)s: "
                "short %(short)s %(currency)s"
            )
            % {
                "exposure": f"{after.exposure:,.2f}",
                "lending_value": f"{after.lending_value:,.2f}",
                "short": f"{after.shortfall:,.2f}",
                "currency": act.facility.currency,
            },
            numbers={
                "exposure": after.exposure,
                "lending_value": after.lending_value,
                "short": after.shortfall,
            },
        )


def _require_no_default(act: CoverAct, after: Cover) -> None:
    facility = act.facility
    if facility.state == FacilityState.DEFAULTED and after.exposure:
        raise NoReleaseInDefault(
            message=_("%(facility)s is in default and owes %(exposure)s %(currency)s.")
            % {
                "facility": facility,
                "exposure": f"{after.exposure:,.2f}",
                "currency": facility.currency,
            },
            numbers={"exposure": after.exposure},
        )


def _refuse_while_in_doubt(facility: Facility) -> None:
    """Refuse money out and goods back while a grave price of the facility's goods is held."""
    frozen = frozen_commodities()
    if not frozen:
        return
    lines = PoolLine.objects.filter(facility=facility, basis_id__in=frozen)
    line = lines.select_related("basis").order_by("basis__code").first()
    if line is not None:
        day = frozen[line.basis_id]
        raise PriceInDoubt(
            message=_("the price of %(goods)s of %(day)s is in quarantine: decide on it first")
            % {"goods": line.basis, "day": day},
            numbers={"commodity": line.basis.code, "on": day},
        )


def _refuse_while_called(act: CoverAct, after: Cover, refusal: type[Refusal]) -> None:
    """Refuse by the name of the open call, if one is: it must be cured first."""
    uncured = MarginCall.objects.exclude(state=MarginCallState.CURED)
    call = uncured.filter(facility=act.facility).first()
    if call is None:
        return
    need = last_standings([call.pk])[call.pk].need
    raise refusal(
        message=_(
            "margin call %(number)d of %(day)s is open and needed %(need)s %(currency)s by its "
            "last reading; afterwards it would be short %(short)s"
        )
        % {
            "number": call.pk,
            "day": call.opened_on,
            "need": f"{need:,.2f}",
            "short": f"{after.shortfall:,.2f}",
            "currency": act.facility.currency,
        },
        numbers={
            "call": call.pk,
            "need": need,
            "short": after.shortfall,
            "exposure": after.exposure,
            "lending_value": after.lending_value,
        },
    )

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
from decimal import Decimal
from enum import IntEnum

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from lending.models import Facility
from lending.states import FacilityState
from parties.actors import Actor
from pledges.measure import judging_days, measure
from pledges.rules.cover import Cover
from pledges.services.journal import PendingConversion, write_conversions
from pledges.services.price_gate import share_gate
from pledges.services.readings import Reading, record_readings


class Requirement(IntEnum):
    """What an act must leave behind, from nothing to everything; the strictest asked for counts."""

    NONE = 0  # nobody chose it: a price, an accrual, a loss. It is recorded, never refused
    NOT_WORSE = 1  # may not leave a shortfall larger than it found
    COVERED = 2  # money out: E ≤ ΣLV afterwards
    RELEASE = 3  # goods given back: E ≤ release factor × ΣLV afterwards


class WouldUncover(Refusal):
    """The act would leave exposure above lending value."""

    code = "would_uncover"


class BelowReleaseLevel(Refusal):
    """Goods may be given back only while exposure stays well within lending value."""

    code = "below_release_level"


class NoReleaseInDefault(Refusal):
    """Nothing is given back under a default while anything is owed: the lender may sell it."""

    code = "no_release_in_default"


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
    conversions: list[PendingConversion] = field(default_factory=list)

    def require(self, requirement: Requirement) -> None:
        """Ask for at least this much when the act is judged."""
        self.requirement = max(self.requirement, requirement)


_acts: ContextVar[dict[int, CoverAct] | None] = ContextVar("open_cover_acts", default=None)


def open_act(facility_id: int) -> CoverAct | None:
    """Return the act that is open on the facility in this transaction, if any."""
    return (_acts.get() or {}).get(facility_id)


@contextmanager
def covering(
    *,
    facility_id: int,
    cause: str,
    actor: Actor,
    on: date,
    now: datetime,
    requirement: Requirement = Requirement.NOT_WORSE,
) -> Iterator[CoverAct]:
    """Open an act on a facility's cover, or join the one that is open.

    Locks the facility until commit. Values are those of the live price, even for an act of an
    earlier business day `on`. On leaving the outermost act: measures, refuses with
    WouldUncover or BelowReleaseLevel (nothing is changed then), writes the conversions with the
    cover before and after, the reading, the band, and opens or cures the margin call.
    """
    joined = open_act(facility_id)
    if joined is not None:
        joined.require(requirement)
        yield joined
        return
    with transaction.atomic():
        facility = lock_one(Facility.objects.all(), facility_id)
        share_gate()
        [priced_on] = judging_days(on=on, facility_ids=[facility_id])
        before = measure(as_of=priced_on, facility_ids=[facility_id])[facility_id]
        act = CoverAct(facility, cause, actor, on, priced_on, now, before, requirement)
        token = _acts.set({**(_acts.get() or {}), facility_id: act})
        try:
            yield act
        finally:
            _acts.reset(token)
        _close(act)


def _close(act: CoverAct) -> None:
    facility = act.facility
    after = measure(as_of=act.priced_on, facility_ids=[facility.pk])[facility.pk]
    judge(act, after)
    conversions = write_conversions(
        act.conversions, before=act.before, after=after, priced_on=act.priced_on
    )
    record_readings(
        [Reading(facility.pk, facility.tenant_id, after, act.priced_on, conversions)],
        cause=act.cause,
        actor=act.actor,
        on=act.on,
        now=act.now,
    )
    facility.refresh_from_db(fields=["exposure"])


def judge(act: CoverAct, after: Cover) -> None:
    """Refuse what would uncover; see Requirement for the four measures. Also judges previews."""
    if act.requirement >= Requirement.RELEASE:
        _judge_release(act, after)
    if after.shortfall == 0:
        return
    worse = after.shortfall > act.before.shortfall
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


def _judge_release(act: CoverAct, after: Cover) -> None:
    """Hold the release rule: E ≤ factor × ΣLV, and value above the minimum controlled value."""
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
    allowed = (after.lending_value * facility.release_factor).quantize(Decimal("0.01"))
    floor = facility.minimum_controlled_value if after.exposure else Decimal(0)
    short = max(after.exposure - allowed, floor - after.market_value)
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
            "factor": f"{facility.release_factor.normalize():f}",
            "short": f"{short:,.2f}",
            "currency": facility.currency,
        },
        numbers={"exposure": after.exposure, "allowed": allowed, "short": short},
    )

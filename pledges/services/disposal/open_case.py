"""Open a case after a default by one person; let selling begin by another; cancel it."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from lending.models import DefaultNotice
from lending.refusals import NotInDefault, ReasonMissing
from lending.services.acts import person_of, require_lender
from lending.states import FacilityState
from parties.actors import Actor
from parties.services.authority import require_other_person
from pledges.models import DisposalCase
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import (
    CHECKERS,
    MAKERS,
    enforcing,
    fresh_cover,
    leave_trace,
    lock_case,
    withdraw_lots,
)
from pledges.services.disposal.refusals import CaseRuns, NothingToRestore
from pledges.states import DisposalTarget


def open_case(
    *, notice: DefaultNotice, target: str, on: date, actor: Actor, now: datetime
) -> DisposalCase:
    """Open a case with the figures of the day; nothing is for sale until another person says so.

    `target` is what is to be sold: as much as restores the cover, or as pays what is owed. Raises
    NotInDefault, CaseRuns, NothingToRestore, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Opening a case"))
    with enforcing(notice.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *MAKERS)
        if act.facility.state != FacilityState.DEFAULTED:
            raise NotInDefault.of(act.facility)
        cover = fresh_cover(act)
        restoring = target == DisposalTarget.RESTORE
        if not (cover.shortfall if restoring else cover.exposure):
            raise NothingToRestore(
                message=_("%s is covered, or owes nothing: nothing may be sold.") % act.facility,
                field="target",
            )
        runs = CaseRuns(
            message=_("A case of facility %s is running already.") % act.facility.code,
            field="facility",
        )
        with constraint_refusals({"disposal_case_runs_once": runs}):
            case = DisposalCase.objects.create(
                tenant_id=act.facility.tenant_id,
                facility=act.facility,
                notice=notice,
                target=DisposalTarget(target),
                opened_at=now,
                opened_on=on,
                exposure=cover.exposure,
                market_value=cover.market_value,
                lending_value=cover.lending_value,
                maker_id=maker_id,
            )
        _trace(case, "open_disposal", "disposal_opened", act)
        return case


def begin_selling(*, case: DisposalCase, on: date, actor: Actor, now: datetime) -> DisposalCase:
    """Let selling begin, by another person than opened the case.

    Raises SamePerson, TransitionRefused, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Letting selling begin"))
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CHECKERS)
        locked = lock_case(case.pk)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.begin(checker_id=checker_id)
        locked.save(update_fields=["state", "checker"])
        _trace(locked, "begin_selling", "disposal_selling", act)
        return locked


def cancel_case(
    *, case: DisposalCase, reason: str, on: date, actor: Actor, now: datetime
) -> DisposalCase:
    """End a case without a result; what was sold stays sold, the rest is taken off the market."""
    with enforcing(case.facility_id, cause="enforce", on=on, actor=actor, now=now) as act:
        require_lender(actor, act.facility, *CHECKERS)
        if not reason.strip():
            raise ReasonMissing.of("reason")
        locked = lock_case(case.pk)
        withdraw_lots(locked)
        locked.cancel(reason=reason.strip(), now=now)
        locked.save(update_fields=["state", "reason", "ended_at"])
        _trace(locked, "cancel_disposal", "disposal_cancelled", act, reason=reason)
        return locked


def _trace(case: DisposalCase, action: str, topic: str, act: CoverAct, *, reason: str = "") -> None:
    leave_trace(
        case,
        action=action,
        topic=topic,
        facility=act.facility,
        detail={
            "case": case.pk,
            "target": case.target,
            "exposure": case.exposure,
            "state": case.state,
        },
        actor=act.actor,
        now=act.now,
        on=act.on,
        reason=reason,
    )

"""Default of a facility as the rights engine sees it: calls past their clock, cover restored."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from common.money import Money
from lending.models import DefaultNotice, Facility
from lending.services import default as lending
from lending.states import DefaultCause
from outbox.services.alerts import NewAlert, end_alerts, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import MarginCall
from pledges.services.conversion import Evidence
from pledges.services.cover import CoverAct
from pledges.services.disposal.acts import enforcing, fresh_cover, lock_case, withdraw_lots
from pledges.services.disposal.refusals import NotEnforceable, StillShort
from pledges.services.mortgage.ending import crystallise_mortgage
from pledges.states import CrystallisationCause, MarginCallState, MortgageState

_CRYSTALLISED_BY = {
    DefaultCause.UNPAID: CrystallisationCause.UNPAID,
    DefaultCause.UNCURED_CALL: CrystallisationCause.AGREED_EVENT,
    DefaultCause.INSOLVENCY: CrystallisationCause.INSOLVENCY,
    DefaultCause.AGREED_EVENT: CrystallisationCause.AGREED_EVENT,
}


def is_enforceable(call: MarginCall, now: datetime) -> bool:
    """Tell whether a call has escalated and its cure clock has run out without a cure."""
    return call.state == MarginCallState.ESCALATED and call.is_out_of_time(now)


def propose_default(
    *,
    facility: Facility,
    cause: str,
    reference: str,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> DefaultNotice:
    """Write a notice of default down; for an uncured margin call, one must be enforceable.

    Raises NotEnforceable and what `lending.services.default.propose_default` raises.
    """
    with enforcing(facility.pk, cause="default", on=on, actor=actor, now=now) as act:
        notice = lending.propose_default(
            facility=act.facility,
            cause=cause,
            reference=reference,
            reason=reason,
            on=on,
            actor=actor,
            now=now,
        )
        _require_cause(notice, now)
        return notice


def _require_cause(notice: DefaultNotice, now: datetime) -> None:
    if notice.cause != DefaultCause.UNCURED_CALL:
        return
    calls = MarginCall.objects.filter(facility_id=notice.facility_id)
    if any(is_enforceable(call, now) for call in calls.exclude(state=MarginCallState.CURED)):
        return
    raise NotEnforceable(
        message=_("Facility %s has no margin call that went uncured past its clock.")
        % notice.facility.code,
        field="cause",
    )


def declare_default(
    *, notice: DefaultNotice, on: date, actor: Actor, now: datetime
) -> DefaultNotice:
    """Give the notice, by a second person; the borrower is alerted, nothing more is drawn.

    Floating mortgages of the facility crystallise with it: their goods may no longer move.

    Raises NotEnforceable (cured meanwhile) and what lending's verb of this name raises.
    """
    with enforcing(notice.facility_id, cause="default", on=on, actor=actor, now=now) as act:
        _require_cause(notice, now)
        given = lending.declare_default(notice=notice, on=on, actor=actor, now=now)
        _crystallise(given, act)
        raise_alerts(
            [
                NewAlert(
                    organisation_id=organisation_id,
                    topic="pledges.default_declared",
                    aggregate="facility",
                    aggregate_id=act.facility.pk,
                    key=f"default:{given.pk}",
                    severity=Severity.URGENT,
                    payload={
                        "facility": act.facility.code,
                        "cause": given.cause,
                        "exposure": str(given.exposure),
                        "currency": act.facility.currency,
                    },
                )
                for organisation_id in (act.facility.tenant_id, act.facility.borrower_id)
            ],
            now=now,
        )
        return given


def _crystallise(notice: DefaultNotice, act: CoverAct) -> None:
    in_force = act.facility.mortgages.filter(state=MortgageState.ACTIVE)
    for mortgage in in_force.order_by("pk"):
        crystallise_mortgage(
            mortgage=mortgage,
            cause=_CRYSTALLISED_BY[DefaultCause(notice.cause)],
            evidence=Evidence("default_notice", f"{act.facility.code}/{notice.pk}"),
            reason=notice.reason,
            on=act.on,
            actor=act.actor,
            now=act.now,
        )


def heal_default(*, notice: DefaultNotice, on: date, actor: Actor, now: datetime) -> DefaultNotice:
    """End a default that is cured: nothing overdue, exposure within lending value.

    A running case ends with it and its lots are withdrawn. Raises StillShort with the numbers and
    what lending's verb of this name raises.
    """
    with enforcing(notice.facility_id, cause="heal", on=on, actor=actor, now=now) as act:
        cover = fresh_cover(act)
        if cover.shortfall:
            raise StillShort(
                message=_("%(facility)s is still short by %(short)s.")
                % {
                    "facility": act.facility,
                    "short": Money(cover.shortfall, act.facility.currency),
                },
                numbers={"short": cover.shortfall},
            )
        healed = lending.heal_default(notice=notice, on=on, actor=actor, now=now)
        for running in act.facility.disposals.running():
            case = lock_case(running.pk)
            withdraw_lots(case)
            case.heal(now=now)
            case.save(update_fields=["state", "ended_at"])
        end_alerts(
            aggregate="facility",
            aggregate_ids=[act.facility.pk],
            topics=["pledges.default_declared"],
            ended_with="pledges.default_healed",
            actor=actor,
            now=now,
        )
        return healed

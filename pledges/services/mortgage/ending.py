"""How a floating mortgage ends: it crystallises for a cause, or is discharged by two people."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from lending.services.acts import person_of, require_lender
from lending.states import OWING
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_other_person
from pledges.models import FloatingMortgage, Position
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import Requirement, covering
from pledges.services.mortgage.acts import (
    DischargeNotAsked,
    MortgageEnded,
    NothingOverdue,
    is_in_force,
    leave_trace,
    locked,
    require_reason,
)
from pledges.services.mortgage.fixing import fix
from pledges.services.warehouse import release
from pledges.states import ConversionKind, CrystallisationCause, Direction, Right


def crystallise_mortgage(
    *,
    mortgage: FloatingMortgage,
    cause: CrystallisationCause,
    evidence: Evidence,
    reason: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> FloatingMortgage:
    """Fix the mortgage on all goods that are under it; the lender's risk officer or approver does.

    Every mortgaged position of the facility becomes a pledge: its goods are held, and production
    with them stops. What is received later is attached and fixed in one act. Recorded whatever
    the cover. Raises NothingOverdue (for the cause `unpaid`), ReasonMissing, TransitionRefused,
    NotYourFacility, NotAllowed.
    """
    words = require_reason(reason)
    require_reason(evidence.reference, field="evidence")
    person_id = person_of(actor, _("Crystallising a mortgage"))
    with covering(
        facility_id=mortgage.facility_id,
        cause=ConversionKind.CRYSTALLISE,
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.NONE,
    ) as act:
        row = locked(mortgage)
        require_lender(actor, row.facility, Role.RISK_OFFICER, Role.APPROVER)
        kept = CrystallisationCause(cause)
        if kept == CrystallisationCause.UNPAID:
            _require_overdue(row, on)
        row.crystallise(cause=kept, person_id=person_id, on=on, now=now)
        row.evidence = evidence.as_dict()
        row.save()
        fix(act=act, positions=_floating(row), evidence=evidence, reason=words)
        leave_trace(
            row, what="mortgage_crystallised", detail={"cause": str(kept), **row.evidence},
            actor=actor, on=on, now=now, reason=words,
        )  # fmt: skip
        raise_alerts([_news_for_borrower(row, kept)], now=now)
    return row


def _require_overdue(mortgage: FloatingMortgage, on: date) -> None:
    loans = mortgage.facility.loans.filter(state__in=OWING, due_on__lt=on)
    if not loans.exists():
        raise NothingOverdue(
            message=_("no loan under %(facility)s is unpaid beyond its due date on %(on)s")
            % {"facility": mortgage.facility, "on": on.isoformat()},
            field="cause",
        )


def _floating(mortgage: FloatingMortgage) -> list[Position]:
    live = Position.objects.live().filter(facility_id=mortgage.facility_id)
    return list(live.filter(right=Right.FLOATING_MORTGAGE).order_by("pk"))


def _news_for_borrower(mortgage: FloatingMortgage, cause: CrystallisationCause) -> NewAlert:
    return NewAlert(
        organisation_id=mortgage.facility.borrower_id,
        topic="pledges.mortgage_crystallised",
        aggregate="facility",
        aggregate_id=mortgage.facility_id,
        key=f"crystallised:{mortgage.pk}",
        severity=Severity.URGENT,
        payload={
            "mortgage": mortgage.number,
            "facility": mortgage.facility.code,
            "cause": str(cause),
        },
    )


@transaction.atomic
def ask_discharge(
    *, mortgage: FloatingMortgage, reason: str, on: date, actor: Actor, now: datetime
) -> FloatingMortgage:
    """Ask for a discharge, as the first of two people of the lender; asked again, the last counts.

    Raises MortgageEnded unless it is in force, ReasonMissing, NotYourFacility, NotAllowed.
    """
    words = require_reason(reason)
    maker_id = person_of(actor, _("Asking for a discharge"))
    row = locked(mortgage)
    require_lender(actor, row.facility, Role.PREPARER, Role.RISK_OFFICER)
    if not is_in_force(row):
        raise MortgageEnded(
            message=_("%(mortgage)s is not in force") % {"mortgage": row.number}, field="mortgage"
        )
    row.discharge_maker_id, row.discharge_asked_at, row.discharge_reason = maker_id, now, words
    row.save(update_fields=["discharge_maker", "discharge_asked_at", "discharge_reason"])
    leave_trace(
        row, what="mortgage_discharge_asked", detail={}, actor=actor, on=on, now=now, reason=words
    )
    return row


def discharge_mortgage(
    *, mortgage: FloatingMortgage, on: date, actor: Actor, now: datetime
) -> FloatingMortgage:
    """End the mortgage and give back what is still under it, as the second of two people.

    That is what floats, and what crystallised and has not become anything else. Judged like any
    release: nothing is owed, or what remains covers it well. Raises DischargeNotAsked,
    SamePerson, BeyondAuthority, BelowReleaseLevel, TransitionRefused, NotYourFacility,
    NotAllowed.
    """
    checker_id = person_of(actor, _("Discharging a mortgage"))
    with covering(
        facility_id=mortgage.facility_id,
        cause=ConversionKind.RELEASE,
        actor=actor,
        on=on,
        now=now,
        requirement=Requirement.RELEASE,
    ) as act:
        row = locked(mortgage)
        require_lender(actor, row.facility, Role.APPROVER, Role.RISK_OFFICER)
        if is_in_force(row) and row.discharge_maker_id is None:
            raise DischargeNotAsked(
                message=_("nobody has asked for the discharge of %s") % row.number,
                field="mortgage",
            )
        require_other_person(actor, maker_id=row.discharge_maker_id)
        row.discharge(checker_id=checker_id, on=on, now=now)
        row.save()
        if goods := _still_under(row):
            release(
                act=act,
                goods=[Take(one.pk, one.remaining) for one in goods],
                maker_id=row.discharge_maker_id or 0,
                reference=row.number,
                reason=row.discharge_reason,
            )
        leave_trace(row, what="mortgage_discharged", detail={}, actor=actor, on=on, now=now)
    return row


def _still_under(mortgage: FloatingMortgage) -> list[Position]:
    fixed = Q(
        right=Right.PLEDGE,
        legs__direction=Direction.PRODUCED,
        legs__conversion__kind=ConversionKind.CRYSTALLISE,
    )
    live = Position.objects.live().filter(facility_id=mortgage.facility_id)
    return list(live.filter(Q(right=Right.FLOATING_MORTGAGE) | fixed).distinct().order_by("pk"))

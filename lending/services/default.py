"""Say that a borrower is in default, and that it has healed: each by two people of the lender."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.locks import lock_one
from lending.models import DefaultNotice, Facility
from lending.refusals import DefaultStands, NothingUnpaid, ReasonMissing, StillUnpaid
from lending.rules import ZERO
from lending.services.accrual import count_interest
from lending.services.acts import Trace, lock_facility, person_of, require_lender
from lending.services.exposure import tell_exposure
from lending.states import OWING, DefaultCause, FacilityState
from parties.actors import Actor
from parties.roles import Role
from parties.services.authority import require_other_person


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
    """Write a notice of default down; it has no effect until another person gives it.

    Raises DefaultStands, NothingUnpaid (the cause says so, but no loan is), ReasonMissing,
    TransitionRefused for a facility that is a draft or closed, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Proposing a default"))
    with transaction.atomic():
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.PREPARER, Role.RISK_OFFICER)
        _require_words(reference=reference, reason=reason)
        if locked.state in (FacilityState.DRAFT, FacilityState.CLOSED):
            locked.fall_into_default()  # refuses in the words of every other transition
        if cause == DefaultCause.UNPAID and not overdue_on(locked, on):
            raise NothingUnpaid.of(locked, on)
        with constraint_refusals({"default_stands_once": lambda: DefaultStands.of(locked)}):
            notice = DefaultNotice.objects.create(
                tenant_id=locked.tenant_id,
                facility=locked,
                cause=DefaultCause(cause),
                reference=reference.strip(),
                reason=reason.strip(),
                maker_id=maker_id,
                proposed_at=now,
            )
        _trace(notice, "propose_default", actor, now, on=on)
        return notice


def _require_words(**texts: str) -> None:
    for field, text in texts.items():
        if not text.strip():
            raise ReasonMissing.of(field)


def overdue_on(facility: Facility, on: date) -> Decimal:
    """Return what the facility's loans owe that were due before a day (one query)."""
    late = facility.loans.filter(Q(due_on__lt=on), state__in=OWING)
    return sum((loan.owed_total for loan in late), ZERO)


def declare_default(
    *, notice: DefaultNotice, on: date, actor: Actor, now: datetime
) -> DefaultNotice:
    """Give the notice: nothing more is agreed or drawn, what is owed stays owed.

    Interest is counted to the day first, so that `exposure` is what the notice claims. Raises
    SamePerson, NothingUnpaid (paid meanwhile), TransitionRefused, NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Declaring a default"))
    with transaction.atomic():
        facility = lock_facility(notice.facility_id)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        locked = lock_one(DefaultNotice.objects.select_related("facility"), notice.pk)
        require_other_person(actor, maker_id=locked.maker_id)
        count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
        if locked.cause == DefaultCause.UNPAID and not overdue_on(facility, on):
            raise NothingUnpaid.of(facility, on)
        tell_exposure([facility.pk], cause="accrue", on=on, actor=actor, now=now)
        facility.refresh_from_db(fields=["exposure"])
        locked.declare(checker_id=checker_id, on=on, now=now)
        locked.exposure = facility.exposure
        locked.save()
        facility.fall_into_default()
        facility.save(update_fields=["state"])
        _trace(locked, "declare_default", actor, now, on=on)
        return locked


def withdraw_default(*, notice: DefaultNotice, actor: Actor, now: datetime) -> DefaultNotice:
    """Let a proposed notice fall; TransitionRefused once it was given."""
    with transaction.atomic():
        facility = lock_facility(notice.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)
        locked = lock_one(DefaultNotice.objects.select_related("facility"), notice.pk)
        locked.withdraw()
        locked.save()
        _trace(locked, "withdraw_default", actor, now)
        return locked


def ask_to_heal(
    *, notice: DefaultNotice, reason: str, actor: Actor, now: datetime
) -> DefaultNotice:
    """Ask for a default to be ended; asked again, the last one who asked is the maker."""
    maker_id = person_of(actor, _("Asking for a default to be healed"))
    with transaction.atomic():
        facility = lock_facility(notice.facility_id)
        require_lender(actor, facility, Role.PREPARER, Role.RISK_OFFICER)
        _require_words(heal_reason=reason)
        locked = lock_one(DefaultNotice.objects.select_related("facility"), notice.pk)
        locked.heal_maker_id, locked.heal_reason = maker_id, reason.strip()
        locked.save(update_fields=["heal_maker", "heal_reason"])
        _trace(locked, "ask_to_heal_default", actor, now)
        return locked


def heal_default(*, notice: DefaultNotice, on: date, actor: Actor, now: datetime) -> DefaultNotice:
    """End a default that somebody else asked to be ended: the facility is active again.

    Raises StillUnpaid while a loan is overdue, SamePerson (or nobody asked), TransitionRefused,
    NotYourFacility, NotAllowed. Whether the facility is covered is for the rooms above to ask.
    """
    checker_id = person_of(actor, _("Healing a default"))
    with transaction.atomic():
        facility = lock_facility(notice.facility_id)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        locked = lock_one(DefaultNotice.objects.select_related("facility"), notice.pk)
        if locked.heal_maker_id is None:
            raise ReasonMissing.of("heal_reason")
        require_other_person(actor, maker_id=locked.heal_maker_id)
        if overdue := overdue_on(facility, on):
            raise StillUnpaid.of(facility, overdue)
        locked.heal(checker_id=checker_id, now=now)
        locked.save()
        facility.heal()
        facility.save(update_fields=["state"])
        _trace(locked, "heal_default", actor, now, on=on)
        return locked


_TOPICS = {
    "propose_default": "default_proposed",
    "declare_default": "default_declared",
    "withdraw_default": "default_withdrawn",
    "ask_to_heal_default": "default_healing_asked",
    "heal_default": "default_healed",
}


def _trace(
    notice: DefaultNotice, action: str, actor: Actor, now: datetime, *, on: date | None = None
) -> None:
    detail = {
        "facility": notice.facility.code,
        "cause": notice.cause,
        "reference": notice.reference,
        "exposure": notice.exposure,
        "state": notice.state,
    }
    Trace(notice.tenant_id, actor, now, on).leave(
        notice, action=action, topic=_TOPICS[action], detail=detail, reason=notice.reason
    )

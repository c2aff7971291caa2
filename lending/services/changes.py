"""Change the terms of a facility in use: asked for by one person, applied by another."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from lending.models import Facility, FacilityChange
from lending.refusals import FacilityNotActive, ReasonMissing, TermsUnsound
from lending.services.acts import Trace, act_once, lock_facility, person_of, require_lender
from lending.services.exposure import tell_exposure
from lending.services.facilities import require_sound
from lending.states import OPEN, FacilityState
from lending.terms import CHANGEABLE, FacilityTerms
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import require_authority, require_other_person

_IN_USE = (FacilityState.ACTIVE, FacilityState.FROZEN)


class NothingToChange(Refusal):
    """The terms asked for are the terms that stand."""

    code = "nothing_to_change"


class ChangeWaiting(Refusal):
    """Another change of this facility has not been decided yet."""

    code = "change_waiting"


class TermsMovedOn(Refusal):
    """The terms it was asked against no longer stand."""

    code = "terms_moved_on"


def request_change(
    *,
    facility: Facility,
    changes: Mapping[str, Any],
    reason: str,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> FacilityChange:
    """Ask for other terms, by name (see `lending.terms.CHANGEABLE`); nothing changes yet.

    Terms named with the value that stands are left out. Raises NothingToChange, TermsUnsound (with
    the term as field), ChangeWaiting, FacilityNotActive, PersonNeeded, NotYourFacility, NotAllowed.
    """
    maker_id = person_of(actor, _("Asking for other terms"))
    asked = dict(changes)
    with act_once(
        service="request_change",
        tenant_id=facility.tenant_id,
        key=idempotency_key,
        payload={"facility": facility.pk, "changes": _written(asked), "reason": reason},
        now=now,
    ) as once:
        if once.replayed:
            return FacilityChange.objects.get(pk=once.response["change"])
        locked = lock_facility(facility.pk)
        require_lender(actor, locked, Role.PREPARER, Role.RISK_OFFICER)
        before, after = _difference(locked, asked)
        _require_possible(locked, after)
        change = _insert(locked, before, after, reason, maker_id, now)
        _trace(change, actor, now, "request_change", "change_requested")
        once.store({"change": change.pk})
        return change


def apply_change(*, change: FacilityChange, on: date, actor: Actor, now: datetime) -> Facility:
    """Put a change in force and judge the facility's cover by its new lines and limit.

    An approver other than the maker decides, with authority for the limit that stands afterwards.
    A lowered limit or line is recorded and called, never refused. Raises SamePerson,
    BeyondAuthority, TermsMovedOn, TermsUnsound, FacilityNotActive, TransitionRefused,
    NotYourFacility, NotAllowed.
    """
    checker_id = person_of(actor, _("Changing the terms of a facility"))
    with transaction.atomic():
        facility, locked = _lock(change)
        require_lender(actor, facility, Role.APPROVER)
        require_other_person(actor, maker_id=locked.maker_id)
        after = _read(locked.after)
        require_authority(
            actor, Act.SET_LIMIT, after.get("limit", facility.limit), facility.currency
        )
        _require_possible(facility, after)
        locked.apply(checker_id=checker_id, now=now)
        with constraint_refusals({"facilitychange_applies_to_the_terms_it_names": _moved_on}):
            locked.save()
        _trace(locked, actor, now, "apply_change", "terms_changed", on=on)
        tell_exposure([facility.pk], cause="terms", on=on, actor=actor, now=now)
        facility.refresh_from_db()
        return facility


def refuse_change(
    *, change: FacilityChange, note: str, actor: Actor, now: datetime
) -> FacilityChange:
    """Leave the terms as they are, by the word of another person than the maker."""
    checker_id = person_of(actor, _("Refusing a change"))
    with transaction.atomic():
        facility, locked = _lock(change)
        require_lender(actor, facility, Role.APPROVER, Role.RISK_OFFICER)
        require_other_person(actor, maker_id=locked.maker_id)
        locked.refuse(checker_id=checker_id, note=note, now=now)
        locked.save()
        _trace(locked, actor, now, "refuse_change", "change_refused")
        return locked


def withdraw_change(
    *, change: FacilityChange, note: str, actor: Actor, now: datetime
) -> FacilityChange:
    """Take a request back; anybody of the lender who may ask may also take back."""
    with transaction.atomic():
        facility, locked = _lock(change)
        require_lender(actor, facility, Role.PREPARER, Role.RISK_OFFICER)
        locked.withdraw(note=note, now=now)
        locked.save()
        _trace(locked, actor, now, "withdraw_change", "change_withdrawn")
        return locked


def _lock(change: FacilityChange) -> tuple[Facility, FacilityChange]:
    facility = lock_facility(change.facility_id)
    return facility, FacilityChange.objects.select_related("facility").get(pk=change.pk)


def _difference(
    facility: Facility, asked: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the terms that would differ, as they are and as they are to be."""
    if unknown := sorted(set(asked) - set(CHANGEABLE)):
        raise TermsUnsound(
            message=_("%s cannot change while the facility is in use.") % ", ".join(unknown),
            field=unknown[0],
        )
    after = {name: value for name, value in asked.items() if value != getattr(facility, name)}
    if not after:
        raise NothingToChange(message=_("These are the terms that stand already."))
    return {name: getattr(facility, name) for name in after}, after


def _require_possible(facility: Facility, after: Mapping[str, Any]) -> None:
    if facility.state not in _IN_USE:
        raise FacilityNotActive.of(facility)
    require_sound(
        FacilityTerms.of(facility, **after),
        lender_id=facility.tenant_id,
        borrower=facility.borrower,
    )
    matures_on = after.get("matures_on")
    if matures_on and facility.loans.filter(state__in=OPEN, due_on__gt=matures_on).exists():
        raise TermsUnsound(
            message=_("Loans are due after %s.") % matures_on,
            field="matures_on",
            numbers={"matures_on": matures_on},
        )


def _insert(
    facility: Facility,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str,
    maker_id: int,
    now: datetime,
) -> FacilityChange:
    if not reason.strip():
        raise ReasonMissing.of("reason")
    with constraint_refusals({"facility_change_open_once": _waiting}):
        return FacilityChange.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            before=_written(before),
            after=_written(after),
            reason=reason,
            maker_id=maker_id,
            requested_at=now,
        )


def _waiting() -> ChangeWaiting:
    return ChangeWaiting(message=_("A change of this facility waits for its decision already."))


def _moved_on() -> TermsMovedOn:
    return TermsMovedOn(message=_("The terms have changed since this was asked for: ask again."))


def _written(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms as JSON keeps them exactly: decimals and days as text."""
    return {
        name: str(value) if isinstance(value, Decimal | date) else value
        for name, value in terms.items()
    }


def _read(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms as the facility's columns hold them."""
    columns = {field.name: field for field in Facility._meta.concrete_fields}
    return {name: columns[name].to_python(value) for name, value in written.items()}


def _trace(
    change: FacilityChange,
    actor: Actor,
    now: datetime,
    action: str,
    topic: str,
    *,
    on: date | None = None,
) -> None:
    detail = {
        "change": change.pk,
        "facility": change.facility.code,
        "before": change.before,
        "after": change.after,
        "state": change.state,
    }
    Trace(change.tenant_id, actor, now, on).leave(
        change, action=action, topic=topic, detail=detail, reason=change.note or change.reason
    )

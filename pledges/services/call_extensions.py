"""More time for a margin call: a risk officer asks with a reason, another person grants it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import person_of, require_lender
from outbox.services.audit import record
from parties.actors import Actor
from parties.roles import Role
from pledges.models import MarginCall, MarginCallExtension
from pledges.rules.clock import hours_of
from pledges.services.call_history import Note, last_standings, write_history
from pledges.states import CallEntryKind, MarginCallState

# More than two working weeks is no cure period but another agreement.
MOST_DAYS = 10


class ExtensionRefused(Refusal):
    """The call is cured, the time is out of range, no reason, or another request is waiting."""

    code = "extension_refused"


class ExtensionBySamePerson(Refusal):
    """Whoever asked for more time does not grant it."""

    code = "extension_by_same_person"


@transaction.atomic
def ask_extension(
    *, call: MarginCall, business_days: int, reason: str, actor: Actor, now: datetime
) -> MarginCallExtension:
    """Ask to move the deadline by 1 to 10 business days; nothing moves until it is granted.

    Raises ExtensionRefused, NotYourFacility, NotAllowed (risk officers alone), PersonNeeded.
    """
    facility = Facility.objects.select_related("tenant").get(pk=call.facility_id)
    require_lender(actor, facility, Role.RISK_OFFICER)
    maker_id = person_of(actor, "ask_extension")
    locked = lock_one(MarginCall.objects.all(), call.pk)
    _require_open(locked)
    if not 1 <= business_days <= MOST_DAYS:
        raise ExtensionRefused(
            message=_("%(days)d business days; 1 to %(most)d can be granted")
            % {"days": business_days, "most": MOST_DAYS},
            field="business_days",
            numbers={"business_days": business_days},
        )
    if not reason.strip():
        raise ExtensionRefused(message=_("Say why more time is given."), field="reason")
    hours = hours_of(facility.tenant.country)
    with constraint_refusals({"call_extension_asked_once": _asked_already}):
        extension = MarginCallExtension.objects.create(
            tenant_id=locked.tenant_id,
            call=locked,
            due_before=locked.due_at,
            due_after=hours.add_days(max(locked.due_at, now), business_days),
            reason=reason.strip(),
            maker_id=maker_id,
            asked_at=now,
        )
    _record("ask_extension", extension, actor, now)
    return extension


@transaction.atomic
def grant_extension(
    *, extension: MarginCallExtension, actor: Actor, now: datetime
) -> MarginCallExtension:
    """Move the deadline as asked for; the clock runs again if it had run out.

    An escalated call stays escalated: more time delays enforcement, it calls nothing off. Raises
    ExtensionRefused, ExtensionBySamePerson, TransitionRefused, NotYourFacility, NotAllowed.
    """
    call, locked, checker_id = _open_for_decision(extension, actor)
    _require_open(call)
    locked.grant(checker_id=checker_id, now=now)
    locked.save(update_fields=["state", "checker_id", "decided_at"])
    call.due_at, call.ran_out_at = locked.due_after, None
    call.save(update_fields=["due_at", "ran_out_at"])
    last = last_standings([call.pk])[call.pk]
    note = Note(call, CallEntryKind.EXTENDED, last, last, reason=locked.reason)
    write_history([note], actor=actor, now=now)
    _record("grant_extension", locked, actor, now)
    return locked


@transaction.atomic
def refuse_extension(
    *, extension: MarginCallExtension, reason: str, actor: Actor, now: datetime
) -> MarginCallExtension:
    """Leave the deadline where it is.

    Raises ExtensionBySamePerson, TransitionRefused, NotYourFacility, NotAllowed.
    """
    _call, locked, checker_id = _open_for_decision(extension, actor)
    locked.refuse(checker_id=checker_id, now=now, reason=reason.strip())
    locked.save(update_fields=["state", "checker_id", "decided_at", "decision_reason"])
    _record("refuse_extension", locked, actor, now)
    return locked


def _open_for_decision(
    extension: MarginCallExtension, actor: Actor
) -> tuple[MarginCall, MarginCallExtension, int]:
    facility = Facility.objects.get(margin_calls=extension.call_id)
    require_lender(actor, facility, Role.RISK_OFFICER, Role.APPROVER)
    checker_id = person_of(actor, "decide_extension")
    call = lock_one(MarginCall.objects.all(), extension.call_id)
    locked = lock_one(MarginCallExtension.objects.all(), extension.pk)
    if locked.maker_id == checker_id:
        raise ExtensionBySamePerson(message=_("Whoever asked for more time does not decide on it."))
    return call, locked, checker_id


def _require_open(call: MarginCall) -> None:
    if call.state == MarginCallState.CURED:
        raise ExtensionRefused(message=_("The call is cured: it needs no more time."))


def _asked_already() -> Refusal:
    return ExtensionRefused(message=_("More time is asked for already: decide on that first."))


def _record(action: str, extension: MarginCallExtension, actor: Actor, now: datetime) -> None:
    record(
        action=action,
        actor=actor,
        object_type="pledges.margincallextension",
        object_id=extension.pk,
        at=now,
        tenant_id=extension.tenant_id,
        reason=extension.decision_reason or extension.reason,
        detail={
            "call": extension.call_id,
            "due_before": extension.due_before,
            "due_after": extension.due_after,
        },
    )

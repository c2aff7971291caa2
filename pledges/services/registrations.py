"""The lender's registrations: file, amend, continue, discharge; no money out without one."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.locks import lock_one
from lending.models import Facility
from lending.services.acts import Trace, require_lender
from logistics.rules.lot_numbers import normal_lot_number
from parties.actors import Actor
from parties.roles import Role
from pledges.models import Registration, RegistrationEntry
from pledges.rules.jurisdictions import law_of
from pledges.states import RegistrationAct

FILERS = (Role.PREPARER, Role.OPERATIONS, Role.RISK_OFFICER, Role.APPROVER)


class RegistrationMissing(Refusal):
    """The law asks for a registration in force before money goes out; there is none."""

    code = "registration_missing"


class RegistrationNotPossible(Refusal):
    """A registration without a number or with a term that does not run forward."""

    code = "registration_not_possible"


class RegistrationKnown(Refusal):
    """The register's number is on file already."""

    code = "registration_known"


class RegistrationDischarged(Refusal):
    """Nothing is done to a registration that was discharged."""

    code = "registration_discharged"


@transaction.atomic
def file_registration(
    *,
    facility: Facility,
    number: str,
    description: str,
    filed_on: date,
    actor: Actor,
    now: datetime,
    expires_on: date | None = None,
    register: str = "",
) -> Registration:
    """Put a registration on file; the term is the jurisdiction's unless the filing says another.

    Raises RegistrationKnown (in whatever spelling), RegistrationNotPossible, NotYourFacility.
    """
    require_lender(actor, facility, *FILERS)
    law = law_of(facility.jurisdiction)
    ends = expires_on or filed_on + timedelta(days=law.term_days)
    normal = normal_lot_number(number)
    if not normal or ends <= filed_on:
        raise RegistrationNotPossible(
            message=_("A registration has a number and a term that runs forward."),
            field="number" if not normal else "expires_on",
        )
    known = RegistrationKnown(
        message=_("%(number)s is on file already") % {"number": number}, field="number"
    )
    with constraint_refusals({"registration_number_unique_in_register": known}):
        registration = Registration.objects.create(
            tenant_id=facility.tenant_id,
            facility=facility,
            register=register or str(law.register),
            number=number.strip(),
            normal_number=normal,
            description=description,
            filed_on=filed_on,
            expires_on=ends,
            recorded_at=now,
        )
    _enter(registration, RegistrationAct.FILED, filed_on, actor, now)
    return registration


@transaction.atomic
def amend_registration(
    *, registration: Registration, description: str, on: date, actor: Actor, now: datetime
) -> Registration:
    """Note that the description of the collateral was changed at the register."""
    locked = _open(registration, actor)
    locked.description = description
    locked.save(update_fields=["description"])
    _enter(locked, RegistrationAct.AMENDED, on, actor, now)
    return locked


@transaction.atomic
def continue_registration(
    *, registration: Registration, expires_on: date, on: date, actor: Actor, now: datetime
) -> Registration:
    """Note that the term was prolonged; raises RegistrationNotPossible for a shorter one."""
    locked = _open(registration, actor)
    if expires_on <= locked.expires_on:
        raise RegistrationNotPossible(
            message=_("The term runs to %(until)s already") % {"until": locked.expires_on},
            field="expires_on",
            numbers={"expires_on": locked.expires_on},
        )
    locked.expires_on = expires_on
    locked.save(update_fields=["expires_on"])
    _enter(locked, RegistrationAct.CONTINUED, on, actor, now)
    return locked


@transaction.atomic
def discharge_registration(
    *, registration: Registration, on: date, actor: Actor, now: datetime
) -> Registration:
    """Note that the registration was taken out of the register; drawing needs another one."""
    locked = _open(registration, actor)
    locked.discharged_on = on
    locked.save(update_fields=["discharged_on"])
    _enter(locked, RegistrationAct.DISCHARGED, on, actor, now)
    return locked


def _open(registration: Registration, actor: Actor) -> Registration:
    require_lender(actor, registration.facility, *FILERS)
    locked: Registration = lock_one(
        Registration.objects.select_related("facility"), registration.pk
    )
    if locked.discharged_on is not None:
        raise RegistrationDischarged(
            message=_("%(number)s was discharged on %(day)s")
            % {"number": locked.number, "day": locked.discharged_on},
            field="registration",
        )
    return locked


def _enter(
    registration: Registration, act: RegistrationAct, on: date, actor: Actor, now: datetime
) -> None:
    RegistrationEntry.objects.create(
        registration=registration,
        act=act,
        on=on,
        expires_on=registration.expires_on,
        description=registration.description,
        actor_label=actor.label,
        recorded_at=now,
    )
    Trace(registration.tenant_id, actor, now, on).leave(
        registration,
        action=f"registration_{act}",
        topic=f"registration_{act}",
        detail={"number": registration.number, "expires_on": registration.expires_on},
    )


def in_force(*, on: date) -> QuerySet[Registration]:
    """Return the registrations that have effect on a day."""
    return Registration.objects.filter(filed_on__lte=on, expires_on__gt=on).exclude(
        discharged_on__lte=on
    )


def draw_needs_registration(
    *, facility_ids: Sequence[int], cause: str, on: date, actor: Actor, now: datetime
) -> None:
    """Refuse money out of facilities whose law asks for a registration that is not in force.

    Called by lending inside the transaction of every draw. Raises RegistrationMissing.
    """
    if cause != "draw":
        return
    covered = in_force(on=on).filter(facility_id__in=facility_ids).values("facility_id")
    bare = Facility.objects.filter(pk__in=facility_ids).exclude(pk__in=covered).order_by("pk")
    for facility in bare:
        law = law_of(facility.jurisdiction)
        if law.registration_required:
            raise RegistrationMissing(
                message=_(
                    "no registration of %(facility)s is in force on %(day)s: file it at the "
                    "%(register)s and enter its number before money goes out"
                )
                % {"facility": facility.code, "day": on, "register": law.register},
                field="registration",
                numbers={"on": on},
            )

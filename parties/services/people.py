"""Register people, give them roles, and say how much each may decide."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.money import minor_units
from outbox.services import record
from parties.actors import Actor
from parties.models import AuthorityLimit, Organisation, Person, RoleGrant
from parties.roles import Act, Role
from parties.services.authority import NotAllowed, require_role


class UsernameTaken(Refusal):
    """Somebody signs in under this name already."""

    code = "username_taken"


class PasswordTooWeak(Refusal):
    """The password fails one of the configured checks."""

    code = "password_too_weak"


class LimitNotPositive(Refusal):
    """An authority limit is more than nothing; to take authority away, revoke it."""

    code = "limit_not_positive"


def register_person(
    *,
    username: str,
    full_name: str,
    organisation: Organisation | None,
    roles: Iterable[Role],
    actor: Actor,
    now: datetime,
    password: str | None = None,
    language: str = "en",
    email: str = "",
    may_use_console: bool = False,
) -> Person:
    """Register somebody who signs in for the organisation, with roles, and return them.

    Without a password nobody can sign in under the name (until one is set). ``may_use_console``
    opens the admin site. Raises UsernameTaken, PasswordTooWeak, NotAllowed.
    """
    _require_register_keeper(actor, organisation)
    first, _space, last = full_name.strip().rpartition(" ")
    person = Person(
        username=username.strip(),
        first_name=first or last,
        last_name=last if first else "",
        organisation=organisation,
        language=language,
        email=email,
        is_staff=may_use_console,
        date_joined=now,
    )
    _set_password(person, password)
    taken = UsernameTaken(
        message=_("The name %(username)s is taken.") % {"username": person.username},
        field="username",
    )
    with transaction.atomic():
        with constraint_refusals({"parties_person_username_key": taken}):
            person.save(force_insert=True)
        granted = sorted({Role(role) for role in roles})
        RoleGrant.objects.bulk_create(RoleGrant(person=person, role=role) for role in granted)
        _record("register_person", person, actor, now, {"roles": granted})
    return person


def grant_role(*, person: Person, role: Role, actor: Actor, now: datetime) -> RoleGrant:
    """Give a person one more role (again is no change); NotAllowed for oneself."""
    _require_register_keeper(actor, person.organisation)
    _refuse_oneself(actor, person)
    with transaction.atomic():
        grant, made = RoleGrant.objects.get_or_create(person=person, role=Role(role))
        if made:
            _record("grant_role", person, actor, now, {"role": grant.role})
    return grant


def revoke_role(*, person: Person, role: Role, actor: Actor, now: datetime) -> None:
    """Take a role from a person; no change if they do not hold it."""
    _require_register_keeper(actor, person.organisation)
    with transaction.atomic():
        if person.role_grants.filter(role=role).delete()[0]:
            _record("revoke_role", person, actor, now, {"role": str(role)})


def grant_authority(
    *, person: Person, act: Act, currency: str, amount: Decimal, actor: Actor, now: datetime
) -> AuthorityLimit:
    """Set the largest amount the person may decide for an act, in place of any before.

    Raises NotAllowed if people would raise their own limit, LimitNotPositive.
    """
    require_role(actor, Role.RISK_OFFICER)
    _refuse_oneself(actor, person)
    _require_same_house(actor, person.organisation)
    minor_units(currency)
    if amount <= 0:
        raise LimitNotPositive(
            message=_("A limit is more than nothing, not %(amount)s.") % {"amount": amount},
            field="amount",
            numbers={"amount": amount},
        )
    with transaction.atomic():
        limit, _made = AuthorityLimit.objects.update_or_create(
            person=person, act=Act(act), currency=currency, defaults={"amount": amount}
        )
        detail = {"act": limit.act, "currency": currency, "amount": amount}
        _record("grant_authority", person, actor, now, detail)
    return limit


def revoke_authority(
    *, person: Person, act: Act, currency: str, actor: Actor, now: datetime
) -> None:
    """Take the person's authority for an act in a currency away; no change if there is none."""
    require_role(actor, Role.RISK_OFFICER)
    _require_same_house(actor, person.organisation)
    with transaction.atomic():
        if person.authority_limits.filter(act=act, currency=currency).delete()[0]:
            _record("revoke_authority", person, actor, now, {"act": str(act), "currency": currency})


def set_preferences(
    *, person: Person, language: str | None = None, theme: str | None = None
) -> Person:
    """Keep how a person wants the pages: language and theme; what is None stays."""
    if language is not None:
        person.language = language
    if theme is not None:
        person.theme = theme
    person.save(update_fields=["language", "theme"])
    return person


def _record(
    action: str, person: Person, actor: Actor, now: datetime, detail: Mapping[str, Any]
) -> None:
    record(
        action=action,
        actor=actor,
        object_type="parties.person",
        object_id=person.pk,
        at=now,
        detail=detail,
    )


def _require_register_keeper(actor: Actor, organisation: Organisation | None) -> None:
    require_role(actor, Role.OPERATIONS)
    _require_same_house(actor, organisation)


def _require_same_house(actor: Actor, organisation: Organisation | None) -> None:
    if actor.sees_everything:
        return
    if organisation is None or organisation.pk != actor.organisation_id:
        raise NotAllowed(message=_("People are looked after by their own organisation."))


def _refuse_oneself(actor: Actor, person: Person) -> None:
    if actor.person_id == person.pk:
        raise NotAllowed(message=_("Nobody grants roles or authority to themselves."))


def _set_password(person: Person, password: str | None) -> None:
    if password is None:
        person.set_unusable_password()
        return
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise PasswordTooWeak(message=" ".join(error.messages), field="password") from error
    person.set_password(password)

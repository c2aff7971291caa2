"""Whether the one who asks may do it, and up to which amount."""

from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from common.money import Money
from parties.actors import Actor
from parties.models import AuthorityLimit
from parties.roles import Act, Role


class NotAllowed(Refusal):
    """The actor does not hold the role, or not for this organisation."""

    code = "not_allowed"


class BeyondAuthority(Refusal):
    """The amount is more than the actor may decide."""

    code = "beyond_authority"


class SamePerson(Refusal):
    """Whoever prepared an act may not approve it."""

    code = "same_person"


def require_role(actor: Actor, *roles: Role) -> None:
    """Do nothing if the actor holds one of the roles (or is the system); NotAllowed otherwise."""
    if actor.has_role(*roles):
        return
    names = ", ".join(str(role.label) for role in roles)
    raise NotAllowed(
        message=_("%(who)s is not allowed to do this: it takes the role %(roles)s.")
        % {"who": actor.label, "roles": names},
        numbers={"roles": names},
    )


def require_authority(actor: Actor, act: Act, amount: Decimal, currency: str) -> None:
    """Do nothing if the actor may decide on so much; BeyondAuthority, with the limit, otherwise.

    No limit in that currency is no authority. The system decides without limit: what it may do
    by itself is fixed where it is called. One query.
    """
    if actor.is_system:
        return
    limit = _limit_of(actor, act, currency)
    if amount <= limit:
        return
    raise BeyondAuthority(
        message=_("%(who)s may decide on up to %(limit)s; this is %(amount)s.")
        % {
            "who": actor.label,
            "limit": Money(limit, currency),
            "amount": Money(amount, currency),
        },
        field="amount",
        numbers={"limit": limit, "amount": amount, "currency": currency},
    )


def require_other_person(actor: Actor, *, maker_id: int | None) -> None:
    """Do nothing if the actor is not the maker; SamePerson otherwise. The system checks no one.

    A person without an identity (the system) is nobody's second pair of eyes.
    """
    if actor.person_id is not None and actor.person_id != maker_id:
        return
    raise SamePerson(
        message=_("%(who)s prepared this; somebody else has to approve it.") % {"who": actor.label}
    )


def _limit_of(actor: Actor, act: Act, currency: str) -> Decimal:
    if actor.person_id is None:
        return Decimal(0)
    limits = AuthorityLimit.objects.filter(
        person_id=actor.person_id, person__is_active=True, act=act, currency=currency
    )
    return limits.values_list("amount", flat=True).first() or Decimal(0)

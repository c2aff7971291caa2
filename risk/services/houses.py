"""Who may act on what all houses share: people of a lender or of the platform."""

from django.utils.translation import gettext as _

from parties.actors import Actor
from parties.roles import OrganisationKind, Role
from parties.services.authority import NotAllowed, require_role

_HOUSES = (OrganisationKind.LENDER, OrganisationKind.PLATFORM)


def house_person(actor: Actor, *roles: Role) -> int:
    """Return who acts: a person with one of the roles at a lender or the platform.

    Raises NotAllowed.
    """
    require_role(actor, *roles)
    if actor.person_id is None or actor.organisation_kind not in _HOUSES:
        raise NotAllowed(message=_("Prices are set by people of a lender or of the platform."))
    return actor.person_id

"""The people of the demonstration, for the sign-in page."""

from dataclasses import dataclass

from django.conf import settings

from parties.models import Person
from parties.roles import Role


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One login of the demonstration."""

    username: str
    name: str
    organisation: str
    kind: str
    roles: str


def list_demo_people() -> list[DemoPerson]:
    """Return the demonstration's logins by organisation; nothing unless `settings.DEMO`."""
    if not settings.DEMO:
        return []
    people = (
        Person.objects.filter(is_active=True, organisation__isnull=False)
        .select_related("organisation")
        .prefetch_related("role_grants")
        .order_by("organisation__name", "username")
    )
    return [_demo_person(person) for person in people]


def _demo_person(person: Person) -> DemoPerson:
    roles = sorted(grant.role for grant in person.role_grants.all())
    organisation = person.organisation
    return DemoPerson(
        username=person.username,
        name=person.get_full_name() or person.username,
        organisation=organisation.name if organisation else "",
        kind=str(organisation.get_kind_display()) if organisation else "",
        roles=" · ".join(str(Role(role).label) for role in roles),
    )

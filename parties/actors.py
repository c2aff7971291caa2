"""Who acts: a person for an organisation, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from parties.roles import OrganisationKind, Role

if TYPE_CHECKING:
    from parties.models import Person


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who asks. Passed to every query and service; carries no database handle."""

    label: str
    person_id: int | None = None
    organisation_id: int | None = None
    organisation_kind: str = ""
    roles: frozenset[str] = frozenset()
    is_system: bool = False

    @property
    def is_known(self) -> bool:
        """Whether anything at all may be shown."""
        return self.is_system or self.organisation_id is not None

    @property
    def sees_everything(self) -> bool:
        """Whether no scope applies: the system and the platform's own staff."""
        return self.is_system or self.organisation_kind == OrganisationKind.PLATFORM

    @property
    def may_read_console(self) -> bool:
        """Whether the console is for them: lenders' and the platform's people who hold a role."""
        houses = (OrganisationKind.LENDER, OrganisationKind.PLATFORM)
        return self.organisation_kind in houses and bool(self.roles)

    def has_role(self, *roles: Role) -> bool:
        """Tell whether the actor holds any of the roles."""
        return self.is_system or bool(self.roles.intersection(roles))

    @classmethod
    def of(cls, person: Person) -> Actor:
        """Build the actor for a signed-in person (two queries at most)."""
        organisation = person.organisation
        return cls(
            label=person.get_full_name() or person.username,
            person_id=person.pk,
            organisation_id=person.organisation_id,
            organisation_kind=organisation.kind if organisation else "",
            roles=frozenset(person.role_grants.values_list("role", flat=True)),
        )


def system_actor(label: str) -> Actor:
    """Return the actor for work that no person asked for, such as the nightly accrual."""
    return Actor(label=label, is_system=True)

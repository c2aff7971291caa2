"""Reads of the parties room, each for the one who asks."""

from parties.actors import Actor
from parties.models import BankAccount, Organisation, Person
from parties.models.organisation import BankAccountQuerySet, OrganisationQuerySet
from parties.models.person import PersonQuerySet
from parties.roles import OrganisationKind


def get_organisation(*, actor: Actor, code: str) -> Organisation:
    """Return the organisation of a code; Organisation.DoesNotExist if the actor sees none."""
    return Organisation.objects.visible_to(actor).get(code=code)


def list_organisations(
    *, actor: Actor, kind: OrganisationKind | None = None
) -> OrganisationQuerySet:
    """Return the organisations the actor sees, by name; of one kind if asked."""
    found = Organisation.objects.visible_to(actor).order_by("name", "pk")
    return found.filter(kind=kind) if kind else found


def list_bank_accounts(*, actor: Actor, organisation: Organisation) -> BankAccountQuerySet:
    """Return the organisation's accounts that the actor sees."""
    accounts = BankAccount.objects.visible_to(actor).filter(organisation=organisation)
    return accounts.order_by("currency", "number")


def get_person(*, actor: Actor, username: str) -> Person:
    """Return a person with organisation, roles and limits; Person.DoesNotExist if not seen."""
    return list_people(actor=actor).get(username=username)


def list_people(*, actor: Actor) -> PersonQuerySet:
    """Return the people the actor sees, each with organisation, roles and limits (3 queries)."""
    people = Person.objects.visible_to(actor).select_related("organisation")
    return people.prefetch_related("role_grants", "authority_limits").order_by("username")

"""Organisations and people for tests, registered by the real services under valid identifiers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from parties.actors import Actor, system_actor
from parties.models import BankAccount, Organisation, Person
from parties.roles import Act, OrganisationKind, Role
from parties.rules import gln_check_digit, lei_check_digits, uscc_check_character
from parties.services.organisations import open_bank_account, register_organisation
from parties.services.people import grant_authority, register_person

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
SYSTEM = system_actor("test")
PASSWORD = "a long enough pass-phrase"

_numbers = count(1)


def make_lei(number: int) -> str:
    """Return a valid LEI of a local operating unit that does not exist."""
    first = f"9999{'00'}{number:012d}"
    return first + lei_check_digits(first)


def make_uscc(number: int) -> str:
    """Return a valid unified social credit code of a company registered in Shenzhen."""
    first = f"91440300{number:09d}"
    return first + uscc_check_character(first)


def make_gln(number: int) -> str:
    """Return a valid GLN under a prefix that GS1 reserves for examples."""
    first = f"9521{number:08d}"
    return first + gln_check_digit(first)


def make_organisation(
    *,
    kind: OrganisationKind,
    code: str | None = None,
    name: str | None = None,
    name_zh: str = "",
    country: str = "CN",
    lei: str | None = None,
    uscc: str | None = None,
    gln: str | None = None,
) -> Organisation:
    """Return a registered organisation; without identifiers given it gets all three."""
    number = next(_numbers)
    if lei is None and uscc is None and gln is None:
        lei, uscc, gln = make_lei(number), make_uscc(number), make_gln(number)
    return register_organisation(
        code=code or f"{kind.value.replace('_', '-')}-{number}",
        name=name or f"{kind.label} {number}",
        name_zh=name_zh,
        kind=kind,
        country=country,
        lei=lei,
        uscc=uscc,
        gln=gln,
        actor=SYSTEM,
        now=NOW,
    )


def make_lender(*, code: str | None = None) -> Organisation:
    """Return a lender: the tenant of the books."""
    return make_organisation(kind=OrganisationKind.LENDER, code=code)


def make_borrower(*, code: str | None = None) -> Organisation:
    """Return a manufacturer with a brand: the borrower."""
    return make_organisation(kind=OrganisationKind.MANUFACTURER, code=code)


def make_supplier(*, code: str | None = None) -> Organisation:
    """Return a supplier of components or materials."""
    return make_organisation(kind=OrganisationKind.SUPPLIER, code=code)


def make_contract_manufacturer(*, code: str | None = None) -> Organisation:
    """Return a contract manufacturer, who assembles the borrower's goods."""
    return make_organisation(kind=OrganisationKind.CONTRACT_MANUFACTURER, code=code)


def make_warehouse_operator(*, code: str | None = None) -> Organisation:
    """Return a warehouse operator, who holds goods for the lender."""
    return make_organisation(kind=OrganisationKind.WAREHOUSE_OPERATOR, code=code)


def make_carrier(*, code: str | None = None) -> Organisation:
    """Return a carrier."""
    return make_organisation(kind=OrganisationKind.CARRIER, code=code)


def make_buyer(*, code: str | None = None) -> Organisation:
    """Return a buyer: the account debtor of a receivable."""
    return make_organisation(kind=OrganisationKind.BUYER, code=code)


def make_platform(*, code: str | None = None) -> Organisation:
    """Return the platform's own house, whose people see everything."""
    return make_organisation(kind=OrganisationKind.PLATFORM, code=code)


def make_bank_account(
    *, organisation: Organisation, currency: str = "USD", number: str | None = None
) -> BankAccount:
    """Return an account the organisation is paid on."""
    return open_bank_account(
        organisation=organisation,
        number=number or f"6222{next(_numbers):012d}",
        currency=currency,
        bank_name="Bank of Tests",
        actor=SYSTEM,
        now=NOW,
    )


def make_person(
    *,
    organisation: Organisation,
    roles: Iterable[Role] = (),
    username: str | None = None,
    full_name: str | None = None,
    password: str | None = None,
    may_use_console: bool = False,
) -> Person:
    """Return somebody of the organisation with the roles."""
    number = next(_numbers)
    return register_person(
        username=username or f"person-{number}",
        full_name=full_name or f"Person {number}",
        organisation=organisation,
        roles=roles,
        password=password,
        may_use_console=may_use_console,
        actor=SYSTEM,
        now=NOW,
    )


def make_actor(*, organisation: Organisation, roles: Iterable[Role] = ()) -> Actor:
    """Return the actor for a new person of the organisation."""
    return Actor.of(make_person(organisation=organisation, roles=roles))


def make_authority(*, person: Person, act: Act, amount: Decimal, currency: str = "USD") -> Person:
    """Return the person with an authority limit."""
    grant_authority(person=person, act=act, currency=currency, amount=amount, actor=SYSTEM, now=NOW)
    return person


@dataclass(frozen=True, slots=True)
class LenderTeam:
    """A lender and the people who run it, as actors."""

    lender: Organisation
    preparer: Actor
    approver: Actor
    risk_officer: Actor
    operations: Actor
    auditor: Actor


def make_lender_team(
    *,
    lender: Organisation | None = None,
    authority: Decimal = Decimal(100_000_000),
    currency: str = "USD",
) -> LenderTeam:
    """Return a lender and its team; approver and risk officer may decide up to ``authority``."""
    house = lender or make_lender()
    people = {role: make_person(organisation=house, roles=[role]) for role in _TEAM}
    for role in (Role.APPROVER, Role.RISK_OFFICER):
        for act in Act:
            make_authority(person=people[role], act=act, amount=authority, currency=currency)
    actors = {role.value: Actor.of(person) for role, person in people.items()}
    return LenderTeam(lender=house, **actors)


_TEAM = (Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER, Role.OPERATIONS, Role.AUDITOR)

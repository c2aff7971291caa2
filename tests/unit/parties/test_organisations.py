"""Organisations are registered once, under identifiers that check."""

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from common.money import UnknownCurrency
from outbox.models import AuditEntry
from parties.actors import Actor
from parties.invariants import INVARIANTS
from parties.models import BankAccount, Organisation
from parties.queries import get_organisation, list_bank_accounts, list_organisations
from parties.roles import OrganisationKind, Role
from parties.rules import InvalidIdentifier
from parties.services.authority import NotAllowed
from parties.services.organisations import (
    AlreadyRegistered,
    DetailsInvalid,
    IdentifierMissing,
    open_bank_account,
    register_organisation,
)
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_actor,
    make_bank_account,
    make_borrower,
    make_buyer,
    make_carrier,
    make_contract_manufacturer,
    make_gln,
    make_lei,
    make_lender,
    make_lender_team,
    make_platform,
    make_supplier,
    make_uscc,
    make_warehouse_operator,
)

pytestmark = pytest.mark.django_db


def register(**changes):
    request = {
        "code": "acme",
        "name": "Acme",
        "kind": OrganisationKind.SUPPLIER,
        "country": "CN",
        "lei": make_lei(900),
        "actor": SYSTEM,
        "now": NOW,
    }
    return register_organisation(**request | changes)


def test_what_is_registered_is_normalised():
    made = register(
        code=" Acme-1 ", name=" Acme ", name_zh=" 顶点 ", country="cn",
        lei=make_lei(900).lower(), uscc=f" {make_uscc(900)} ", gln=make_gln(900),
    )  # fmt: skip
    made.refresh_from_db()
    assert (made.code, made.name, made.name_zh, made.country) == ("acme-1", "Acme", "顶点", "CN")
    assert (made.lei, made.uscc, made.gln) == (make_lei(900), make_uscc(900), make_gln(900))
    told = AuditEntry.objects.get(action="register_organisation")
    assert (told.object_type, told.object_id) == ("parties.organisation", str(made.pk))
    assert told.at == NOW


@pytest.mark.parametrize("identifier", ["lei", "uscc", "gln"])
def test_one_identifier_is_enough(identifier):
    numbers = {"lei": make_lei(900), "uscc": make_uscc(900), "gln": make_gln(900)}
    made = register(**{"lei": None, identifier: numbers[identifier]})
    kept = (made.lei, made.uscc, made.gln)
    assert kept == tuple(
        numbers[name] if name == identifier else None for name in ("lei", "uscc", "gln")
    )


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"lei": None}, IdentifierMissing, "lei"),
        ({"lei": "213800KUD8LAJWSQ9D16"}, InvalidIdentifier, "lei"),
        ({"uscc": "91110000600037341X"}, InvalidIdentifier, "uscc"),
        ({"gln": "9501101530007"}, InvalidIdentifier, "gln"),
        ({"name": "  "}, DetailsInvalid, "name"),
        ({"code": ""}, DetailsInvalid, "code"),
        ({"country": "China"}, DetailsInvalid, "country"),
        ({"country": "中国"}, DetailsInvalid, "country"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_its_field(changes, refusal, field):
    with pytest.raises(refusal) as refused:
        register(**changes)
    assert refused.value.field == field
    assert Organisation.objects.count() == AuditEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("code", "acme"), ("lei", make_lei(900)), ("uscc", make_uscc(900)), ("gln", make_gln(900))],
)
def test_nobody_registers_twice(field, value):
    register(lei=make_lei(900), uscc=make_uscc(900), gln=make_gln(900))
    others = {"code": "other", "lei": make_lei(901), "uscc": make_uscc(901), "gln": make_gln(901)}
    with pytest.raises(AlreadyRegistered) as refused:
        register(**others | {field: value})
    assert refused.value.field == field
    assert value in str(refused.value)
    assert Organisation.objects.count() == AuditEntry.objects.count() == 1


def test_lenders_and_the_platform_keep_the_register():
    team = make_lender_team()
    register(actor=team.operations)
    platform = make_actor(organisation=make_platform(), roles=[Role.OPERATIONS])
    register(code="b", lei=make_lei(901), actor=platform)
    before = Organisation.objects.count()
    stranger = make_actor(organisation=Organisation.objects.get(code="b"), roles=[Role.OPERATIONS])
    for actor in (team.preparer, stranger):
        with pytest.raises(NotAllowed):
            register(code="c", lei=make_lei(902), actor=actor)
    assert Organisation.objects.count() == before


def test_every_factory_passes_the_register_s_own_proof():
    made = [
        make() for make in (
            make_lender, make_borrower, make_supplier, make_contract_manufacturer,
            make_warehouse_operator, make_carrier, make_buyer, make_platform,
        )
    ]  # fmt: skip
    assert {organisation.kind for organisation in made} == set(OrganisationKind.values)
    assert [invariant.breaches() for invariant in INVARIANTS] == [[] for _ in INVARIANTS]


@pytest.mark.parametrize(
    ("column", "wrong", "invariant"),
    [
        ("lei", "213800KUD8LAJWSQ9D16", "lei_check_digits"),
        ("uscc", "91110000600037341X", "uscc_check_character"),
        ("gln", "9501101530007", "gln_check_digit"),
    ],
)
def test_a_wrong_check_digit_written_by_hand_is_found(column, wrong, invariant):
    made = make_supplier()
    Organisation.objects.filter(pk=made.pk).update(**{column: wrong})
    found = {proof.name: proof.breaches() for proof in INVARIANTS}
    assert [row[0] for row in found.pop(invariant)] == [made.code]
    assert not any(found.values())


def refused_by(sql):
    with (
        pytest.raises(IntegrityError) as refused,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    return constraint_name(refused.value)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("lei = NULL, uscc = NULL, gln = NULL", "organisation_has_an_identifier"),
        ("lei = 'short'", "organisation_lei_well_formed"),
        ("uscc = '91110000600O37341L'", "organisation_uscc_well_formed"),
        ("gln = '12345'", "organisation_gln_well_formed"),
        ("country = 'cn'", "organisation_country_is_iso_3166"),
        ("kind = 'bank'", "organisation_kind_known"),
        ("name = ''", "organisation_named"),
        ("code = ''", "organisation_named"),
    ],
)
def test_the_database_holds_the_shape(change, constraint):
    make_supplier()
    assert refused_by(f"UPDATE parties_organisation SET {change}") == constraint


def open_account(organisation, **changes):
    request = {"number": "GB82 WEST 1234 5698 7654 32", "currency": "USD", "bank_name": "Bank"}
    return open_bank_account(
        organisation=organisation, now=NOW, **{"actor": SYSTEM} | request | changes
    )


def test_an_account_is_kept_in_one_spelling():
    account = open_account(make_supplier())
    account.refresh_from_db()
    assert (account.number, account.currency) == ("GB82WEST12345698765432", "USD")
    assert AuditEntry.objects.filter(action="open_bank_account").count() == 1


def test_nobody_claims_another_s_account():
    open_account(make_supplier())
    with pytest.raises(AlreadyRegistered, match="GB82WEST12345698765432 is on file already"):
        open_account(make_supplier(), number="gb82west12345698765432")
    assert BankAccount.objects.count() == 1
    open_account(make_supplier(), currency="EUR")


def test_an_account_needs_a_currency_and_a_number():
    supplier = make_supplier()
    with pytest.raises(UnknownCurrency):
        open_account(supplier, currency="XXX")
    with pytest.raises(InvalidIdentifier, match="should be 82"):
        open_account(supplier, number="GB83WEST12345698765432")
    assert BankAccount.objects.count() == 0


def test_a_third_party_does_not_open_accounts():
    supplier, borrower = make_supplier(), make_borrower()
    with pytest.raises(NotAllowed):
        open_account(supplier, actor=make_actor(organisation=borrower))
    own = open_account(supplier, actor=make_actor(organisation=supplier))
    assert own.organisation == supplier


@pytest.mark.parametrize("change", ["number = 'A12345'", "currency = 'EUR'", "organisation_id = 0"])
def test_an_account_is_never_pointed_elsewhere(change):
    make_bank_account(organisation=make_supplier())
    assert (
        refused_by(f"UPDATE parties_bankaccount SET {change}")
        == "bankaccount_never_pointed_elsewhere"
    )


def test_who_sees_whom():
    team, supplier, borrower = make_lender_team(), make_supplier(), make_borrower()
    account = make_bank_account(organisation=supplier)
    own = make_actor(organisation=supplier)
    other = make_actor(organisation=borrower)
    nobody = Actor(label="nobody")
    for actor, accounts in (
        (team.preparer, [account]),
        (own, [account]),
        (other, []),
        (nobody, []),
    ):
        assert list(list_bank_accounts(actor=actor, organisation=supplier)) == accounts
    assert get_organisation(actor=other, code=supplier.code) == supplier
    assert list(list_organisations(actor=other, kind=OrganisationKind.SUPPLIER)) == [supplier]
    assert list_organisations(actor=other).count() == 3
    with pytest.raises(Organisation.DoesNotExist):
        get_organisation(actor=nobody, code=supplier.code)

"""People, their roles, and how much each may decide."""

from decimal import Decimal

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from common.errors import constraint_name
from common.money import UnknownCurrency
from outbox.models import AuditEntry
from parties.actors import Actor, system_actor
from parties.models import AuthorityLimit, Person, RoleGrant
from parties.queries import get_person, list_people
from parties.roles import Act, Role
from parties.services.authority import (
    BeyondAuthority,
    NotAllowed,
    SamePerson,
    require_authority,
    require_other_person,
    require_role,
)
from parties.services.people import (
    LimitNotPositive,
    PasswordTooWeak,
    UsernameTaken,
    grant_authority,
    grant_role,
    register_person,
    revoke_authority,
    revoke_role,
    set_preferences,
)
from tests.factories.parties import (
    NOW,
    PASSWORD,
    SYSTEM,
    make_actor,
    make_authority,
    make_borrower,
    make_lender,
    make_lender_team,
    make_person,
    make_platform,
)

pytestmark = pytest.mark.django_db


def register(**changes):
    request = {
        "username": "li.wei",
        "full_name": "Li Wei",
        "roles": [Role.PREPARER],
        "actor": SYSTEM,
        "now": NOW,
    }
    return register_person(**request | changes)


def test_somebody_registered_signs_in_and_acts():
    lender = make_lender()
    person = register(
        organisation=lender,
        roles=[Role.PREPARER, Role.AUDITOR, Role.PREPARER],
        password=PASSWORD,
        language="zh-hans",
        may_use_console=True,
    )
    signed_in = authenticate(RequestFactory().post("/"), username="li.wei", password=PASSWORD)
    assert signed_in == person
    assert (person.first_name, person.last_name, person.language) == ("Li", "Wei", "zh-hans")
    assert (person.is_staff, person.is_superuser, person.date_joined) == (True, False, NOW)
    assert Actor.of(person) == Actor(
        label="Li Wei",
        person_id=person.pk,
        organisation_id=lender.pk,
        organisation_kind="lender",
        roles=frozenset({"preparer", "auditor"}),
    )
    told = AuditEntry.objects.get(action="register_person")
    assert (told.object_id, told.detail) == (str(person.pk), {"roles": ["auditor", "preparer"]})


@pytest.mark.parametrize(
    ("full_name", "names"),
    [("李伟", ("李伟", "")), ("Ana María Pérez", ("Ana María", "Pérez")), (" Cher ", ("Cher", ""))],
)
def test_a_name_is_kept_whole(full_name, names):
    person = register(organisation=make_lender(), full_name=full_name)
    assert (person.first_name, person.last_name) == names
    assert person.get_full_name() == full_name.strip()


def test_without_a_password_nobody_signs_in():
    person = register(organisation=make_lender())
    assert not person.has_usable_password()
    assert authenticate(RequestFactory().post("/"), username="li.wei", password="") is None


def test_a_name_signs_in_one_person():
    lender = make_lender()
    register(organisation=lender)
    with pytest.raises(UsernameTaken, match=r"li\.wei is taken"):
        register(organisation=lender, full_name="Li Wei the Second")
    assert Person.objects.count() == RoleGrant.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password", "li.wei12"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(PasswordTooWeak) as refused:
        register(organisation=make_lender(), password=password)
    assert refused.value.field == "password"
    assert Person.objects.count() == 0


def test_people_are_looked_after_by_their_own_house():
    team = make_lender_team()
    register(organisation=team.lender, actor=team.operations)
    platform = make_actor(organisation=make_platform(), roles=[Role.OPERATIONS])
    register(organisation=make_borrower(), username="ada", actor=platform)
    before = Person.objects.count()
    for actor, house in (
        (team.operations, make_borrower()),
        (team.operations, None),
        (team.preparer, team.lender),
    ):
        with pytest.raises(NotAllowed):
            register(organisation=house, username="eve", actor=actor)
    assert Person.objects.count() == before


def test_roles_come_and_go():
    team = make_lender_team()
    person = make_person(organisation=team.lender)
    for _ in range(2):
        grant_role(person=person, role=Role.PREPARER, actor=team.operations, now=NOW)
    assert Actor.of(person).roles == {"preparer"}
    for _ in range(2):
        revoke_role(person=person, role=Role.PREPARER, actor=team.operations, now=NOW)
    assert Actor.of(person).roles == frozenset()
    acts = AuditEntry.objects.filter(
        object_id=str(person.pk), action__in=["grant_role", "revoke_role"]
    )
    assert list(acts.order_by("id").values_list("action", flat=True)) == [
        "grant_role",
        "revoke_role",
    ]


def test_nobody_grants_to_themselves():
    lender = make_lender()
    person = make_person(organisation=lender, roles=[Role.OPERATIONS, Role.RISK_OFFICER])
    actor = Actor.of(person)
    with pytest.raises(NotAllowed, match="to themselves"):
        grant_role(person=person, role=Role.APPROVER, actor=actor, now=NOW)
    with pytest.raises(NotAllowed, match="to themselves"):
        give(person, actor=actor)
    assert AuthorityLimit.objects.count() == 0
    assert person.role_grants.count() == 2


def give(person, amount="500.00", *, currency="USD", actor=SYSTEM):
    return grant_authority(
        person=person,
        act=Act.DISBURSE,
        currency=currency,
        amount=Decimal(amount),
        actor=actor,
        now=NOW,
    )


def test_authority_is_set_anew_not_added():
    person = make_person(organisation=make_lender())
    give(person, "500.00")
    give(person, "300.00")
    assert [limit.amount for limit in person.authority_limits.all()] == [Decimal(300)]
    revoke_authority(person=person, act=Act.DISBURSE, currency="USD", actor=SYSTEM, now=NOW)
    assert not person.authority_limits.exists()
    with pytest.raises(BeyondAuthority):
        require_authority(Actor.of(person), Act.DISBURSE, Decimal(1), "USD")


def test_authority_is_granted_by_the_risk_officer_of_the_house():
    team = make_lender_team()
    person = make_person(organisation=team.lender)
    give(person, actor=team.risk_officer)
    stranger = make_actor(organisation=make_lender(), roles=[Role.RISK_OFFICER])
    for actor in (team.operations, stranger):
        with pytest.raises(NotAllowed):
            give(person, "900.00", actor=actor)
    assert person.authority_limits.get().amount == Decimal(500)


def test_a_limit_is_more_than_nothing_in_a_currency():
    person = make_person(organisation=make_lender())
    for amount in ("0", "-1"):
        with pytest.raises(LimitNotPositive):
            give(person, amount)
    with pytest.raises(UnknownCurrency):
        give(person, currency="XXX")
    assert AuthorityLimit.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount": Decimal(0)}, "authority_limit_positive"),
        ({"act": "anything"}, "authority_limit_act_known"),
        ({"currency": "usd"}, "parties_authoritylimit_currency_check"),
    ],
)
def test_the_database_holds_limits_to_their_form(changes, constraint):
    give(make_person(organisation=make_lender()))
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        AuthorityLimit.objects.update(**changes)
    assert constraint_name(refused.value) == constraint


def test_the_database_holds_limits_and_roles_to_one_each():
    person = make_person(organisation=make_lender(), roles=[Role.AUDITOR])
    give(person)
    for act, constraint in (
        (
            lambda: AuthorityLimit.objects.create(
                person=person, act=Act.DISBURSE, currency="USD", amount=Decimal(1)
            ),
            "authority_limit_stated_once",
        ),
        (
            lambda: RoleGrant.objects.create(person=person, role=Role.AUDITOR),
            "role_granted_once",
        ),
        (lambda: RoleGrant.objects.create(person=person, role="king"), "role_known"),
        (lambda: Person.objects.update(theme="pink"), "person_theme_known"),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            act()
        assert constraint_name(refused.value) == constraint


def test_authority_reaches_to_its_limit_in_its_currency_for_its_act():
    person = make_authority(
        person=make_person(organisation=make_lender(), full_name="Li Wei"),
        act=Act.DISBURSE,
        amount=Decimal("500.00"),
    )
    actor = Actor.of(person)
    require_authority(actor, Act.DISBURSE, Decimal("500.00"), "USD")
    with pytest.raises(BeyondAuthority) as refused:
        require_authority(actor, Act.DISBURSE, Decimal("500.01"), "USD")
    assert str(refused.value) == "Li Wei may decide on up to 500.00 USD; this is 500.01 USD."
    assert refused.value.numbers == {
        "limit": Decimal(500),
        "amount": Decimal("500.01"),
        "currency": "USD",
    }
    for act, currency in ((Act.RELEASE, "USD"), (Act.DISBURSE, "EUR")):
        with pytest.raises(BeyondAuthority, match=r"up to 0\.00"):
            require_authority(actor, act, Decimal(1), currency)


def test_who_has_left_has_no_authority():
    person = make_authority(
        person=make_person(organisation=make_lender()), act=Act.DISBURSE, amount=Decimal(500)
    )
    actor = Actor.of(person)
    Person.objects.update(is_active=False)
    with pytest.raises(BeyondAuthority):
        require_authority(actor, Act.DISBURSE, Decimal(1), "USD")


def test_the_system_decides_and_holds_every_role(django_assert_num_queries):
    with django_assert_num_queries(0):
        require_authority(system_actor("night"), Act.DISBURSE, Decimal(10**12), "USD")
        require_role(system_actor("night"), Role.APPROVER)
    with pytest.raises(BeyondAuthority):
        require_authority(Actor(label="nobody"), Act.DISBURSE, Decimal(1), "USD")


def test_a_role_is_required_by_name():
    actor = make_actor(organisation=make_lender(), roles=[Role.AUDITOR])
    require_role(actor, Role.APPROVER, Role.AUDITOR)
    with pytest.raises(NotAllowed, match="it takes the role Approver, Risk officer"):
        require_role(actor, Role.APPROVER, Role.RISK_OFFICER)


def test_the_maker_is_not_the_checker():
    maker = make_actor(organisation=make_lender())
    checker = make_actor(organisation=make_lender())
    require_other_person(checker, maker_id=maker.person_id)
    require_other_person(checker, maker_id=None)
    for actor in (maker, system_actor("night")):
        with pytest.raises(SamePerson):
            require_other_person(actor, maker_id=maker.person_id)


def test_colleagues_see_each_other(django_assert_num_queries):
    team, other = make_lender_team(), make_lender_team()
    seen = set(list_people(actor=team.auditor).values_list("pk", flat=True))
    assert seen == set(Person.objects.filter(organisation=team.lender).values_list("pk", flat=True))
    assert list_people(actor=Actor(label="nobody")).count() == 0
    platform = make_actor(organisation=make_platform())
    assert list_people(actor=platform).count() == 11
    with django_assert_num_queries(3):
        for person in list_people(actor=platform):
            assert person.organisation is not None
            assert list(person.role_grants.all()) + list(person.authority_limits.all()) is not None
    stranger = Person.objects.get(pk=other.auditor.person_id)
    with pytest.raises(Person.DoesNotExist):
        get_person(actor=team.auditor, username=stranger.username)
    assert get_person(actor=other.preparer, username=stranger.username) == stranger


def test_preferences_are_kept():
    person = make_person(organisation=make_lender())
    set_preferences(person=person, theme="dark")
    set_preferences(person=person, language="zh-hans")
    person.refresh_from_db()
    assert (person.theme, person.language) == ("dark", "zh-hans")

"""The console shows a lender its own tables, and changes nothing for anybody."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from common.console import ReadOnlyAdmin
from parties.actors import Actor
from parties.models import Person
from parties.roles import Role
from tests.factories.parties import make_borrower, make_lender, make_person

pytestmark = pytest.mark.django_db

ROOMS = (
    "common", "outbox", "parties", "risk", "ledger", "logistics", "lending", "pledges", "orders",
    "factoring", "portal",
)  # fmt: skip
MODELS = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
# Tables without a page: none. An exemption needs its reason here.
EXEMPT: dict[str, str] = {}


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def staff(house, *roles, **changes):
    person = make_person(organisation=house, roles=roles, may_use_console=True)
    Person.objects.filter(pk=person.pk).update(**changes)
    return person


def browser(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_every_table_has_its_page():
    without = {m._meta.label for m in MODELS if m not in admin.site._registry}

    assert without == EXEMPT.keys()
    assert all(isinstance(admin.site._registry[m], ReadOnlyAdmin) for m in MODELS)


def test_nobody_changes_anything():
    root = staff(make_lender(), Role.OPERATIONS, is_superuser=True)
    for person in (staff(make_lender(), Role.OPERATIONS), root):
        client = browser(person)
        for model in MODELS:
            assert client.post(page(model, "add")).status_code == 403
        name = person.username
        assert client.post(page(Person, "change", person.pk), {"username": "x"}).status_code == 403
        assert client.post(page(Person, "delete", person.pk), {"post": "yes"}).status_code == 403
        assert Person.objects.get(pk=person.pk).username == name


@pytest.mark.parametrize(("house", "roles"), [(make_lender, ()), (make_borrower, (Role.PREPARER,))])
def test_without_a_role_or_at_another_house_nobody_reads(house, roles):
    client = browser(staff(house(), *roles))

    for model in MODELS:
        assert client.get(page(model, "changelist")).status_code == 403


def test_a_lenders_people_without_the_mark_are_sent_to_sign_in():
    person = make_person(organisation=make_lender(), roles=[Role.PREPARER])

    assert browser(person).get(page(Person, "changelist")).status_code == 302


def test_passwords_are_neither_shown_nor_guessed():
    person = staff(make_lender(), Role.PREPARER)
    client = browser(person)
    hashed = Person.objects.get(pk=person.pk).password
    shown = client.get(page(Person, "change", person.pk))

    assert hashed not in shown.content.decode()
    assert client.get(page(Person, "changelist"), {"password__startswith": "!"}).status_code == 400


def test_the_menu_leads_back_to_the_portal_and_to_every_room():
    index = browser(staff(make_lender(), Role.AUDITOR)).get(reverse("admin:index"))
    text = index.content.decode()

    assert f'href="{reverse("portal:home")}"' in text
    assert all(page(model, "changelist") in text for model in MODELS)
    assert Actor.of(index.wsgi_request.user).may_read_console

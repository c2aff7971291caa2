"""Signing in, language and theme."""

import pytest
from django.test import Client

from parties.models import Person
from portal.story.cast import DEMO_PASSWORD
from tests.factories.parties import PASSWORD, make_borrower, make_person

pytestmark = pytest.mark.django_db


def test_signing_in_brings_language_and_theme_along(client: Client):
    person = make_person(organisation=make_borrower(), password=PASSWORD)
    Person.objects.filter(pk=person.pk).update(language="zh-hans", theme="dark")
    answer = client.post("/sign-in/", {"username": person.username, "password": PASSWORD})

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.cookies["django_language"].value == "zh-hans"
    assert client.cookies["theme"].value == "dark"


def test_a_wrong_password_says_so_and_keeps_the_name(client: Client):
    make_person(organisation=make_borrower(), username="ada", password=PASSWORD)
    page = client.post("/sign-in/", {"username": "ada", "password": "wrong"}).content.decode()
    assert 'role="alert"' in page
    assert 'value="ada"' in page


def test_too_many_wrong_passwords_lock_the_name(client: Client):
    make_person(organisation=make_borrower(), username="ada", password=PASSWORD)
    answers = [
        client.post("/sign-in/", {"username": "ada", "password": f"wrong {n}"}) for n in range(9)
    ]
    assert answers[-1].status_code == 429
    assert "Too many wrong passwords" in answers[-1].content.decode()
    right = client.post("/sign-in/", {"username": "ada", "password": PASSWORD})
    assert right.status_code == 429


def test_demo_logins_show_in_a_demonstration_alone(client: Client, settings):
    make_person(organisation=make_borrower(), username="ada", full_name="Ada Hughes")
    settings.DEMO = False
    assert "Ada Hughes" not in client.get("/sign-in/").content.decode()
    settings.DEMO = True
    page = client.get("/sign-in/").content.decode()
    assert "Ada Hughes" in page
    assert DEMO_PASSWORD in page


def test_preferences_are_kept_with_the_person_and_in_cookies(client: Client):
    person = make_person(organisation=make_borrower(), password=PASSWORD)
    client.post("/sign-in/", {"username": person.username, "password": PASSWORD})
    answer = client.post("/preferences/", {"theme": "dark", "next": "/orders/"})
    client.post("/preferences/", {"language": "zh-hans"})
    person.refresh_from_db()

    assert (answer.status_code, answer.url) == (302, "/orders/")
    assert (person.theme, person.language) == ("dark", "zh-hans")
    assert client.cookies["theme"].value == "dark"


@pytest.mark.parametrize(
    "asked", [{"theme": "pink"}, {"language": "xx"}, {"next": "https://elsewhere.example/"}, {}]
)
def test_unknown_preferences_change_nothing_and_lead_home(client: Client, asked):
    answer = client.post("/preferences/", asked)
    assert (answer.status_code, answer.url) == (302, "/")
    assert "theme" not in client.cookies
    assert "django_language" not in client.cookies


def test_a_partner_without_a_facility_begins_where_it_works(client: Client):
    from tests.factories.parties import make_supplier, make_warehouse_operator

    for organisation, place in (
        (make_warehouse_operator(), "/inventory/"),
        (make_supplier(), "/orders/"),
    ):
        client.force_login(
            make_person(organisation=organisation),
            backend="django.contrib.auth.backends.ModelBackend",
        )
        assert client.get("/").url == place
        page = client.get(place)
        assert page.status_code == 200
        assert "empty" in page.content.decode()


def test_somebody_without_an_organisation_sees_nothing(client: Client):
    stray = Person.objects.create_user("stray", password=PASSWORD)
    client.force_login(stray, backend="django.contrib.auth.backends.ModelBackend")
    for address in ("/orders/", "/inventory/", "/receivables/", "/search/?q=phone"):
        page = client.get(address)
        assert page.status_code == 200
        assert "<td" not in page.content.decode()

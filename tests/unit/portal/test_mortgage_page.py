"""The page of the floating mortgage: who sees it, who may do what, and one act through it."""

import pytest
from django.test import Client
from django.urls import reverse

from parties.actors import Actor
from parties.models import Person
from pledges.models import MortgagedItem
from tests.factories.mortgages import Yard, make_yard
from tests.factories.parties import make_borrower, make_person
from tests.factories.pledges import make_vault

pytestmark = pytest.mark.django_db
PAGE = "/materials/mortgage/"


@pytest.fixture
def yard() -> Yard:
    yard = make_yard(make_vault())
    yard.receive(4_000)
    return yard


def reader(actor: Actor | Person) -> Client:
    person = Person.objects.get(pk=actor.person_id) if isinstance(actor, Actor) else actor
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def offered(client: Client) -> list[str]:
    return [form.name for form in client.get(PAGE).context["board"].forms]


def test_each_role_is_offered_what_it_may_do(yard: Yard) -> None:
    team = yard.vault.desk.team
    naming = ["select", "withdraw", "site", "unsite"]
    assert reverse("portal:mortgage") == PAGE
    assert offered(reader(yard.manager)) == ["select", "withdraw"]
    assert offered(reader(team.preparer)) == [*naming, "ask"]
    assert offered(reader(team.approver)) == [*naming, "crystallise"]
    assert offered(reader(team.auditor)) == []
    stranger = make_person(organisation=make_borrower())
    assert reader(stranger).get(PAGE).status_code == 404


def test_the_page_says_what_may_leave_and_gives_its_tables_as_files(yard: Yard) -> None:
    client = reader(yard.manager)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert [fact.value for fact in page.context["board"].facts][:3]
    for key in ("standing", "items", "sites", "flows", "alerts"):
        assert client.get(f"{PAGE}?csv={key}").status_code == 200
    assert client.get(f"{PAGE}?chart=floor").json()["unit"] == "USD"


def test_the_material_manager_chooses_an_item_by_the_form(yard: Yard) -> None:
    client, beta = reader(yard.manager), yard.vault.goods.beta
    sent = {"select-key": "k", "select-item": beta.pk, "select-reason": "liquid"}

    answer = client.post(PAGE, sent)
    assert answer.status_code == 303
    assert MortgagedItem.objects.filter(item=beta, selected_by=yard.manager.person_id).exists()

    again = client.post(PAGE, sent)
    assert again.status_code == 422
    assert "is named already" in again.content.decode()


def test_a_facility_without_a_mortgage_says_what_belongs_here() -> None:
    page = reader(make_vault().desk.team.preparer).get(PAGE)
    assert page.status_code == 200
    assert "no floating mortgage" in page.content.decode()

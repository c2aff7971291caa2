"""Who may open what: every route, every kind of reader, every method."""

import pytest

from parties.roles import OrganisationKind, Role
from portal.urls import urlpatterns
from tests.factories.parties import make_organisation, make_person
from tests.unit.portal.routes import OPEN, ROUTES

READERS = {"lin": "inside", "mei": "inside", "hao": "custodian"}


def test_no_route_is_without_its_row():
    assert {pattern.name for pattern in urlpatterns} == {route.name for route in ROUTES} | OPEN


@pytest.mark.parametrize("username", READERS)
def test_readers_open_what_is_theirs_and_nothing_else(sign_in, username):
    client = sign_in(username)
    found = {route.name: client.get(route.address).status_code for route in ROUTES}
    kind = READERS[username]
    assert found == {
        route.name: route.answers.get(username, route.answers[kind]) for route in ROUTES
    }


def test_another_lender_finds_nothing_of_this_deal(sign_in):
    rival = make_organisation(kind=OrganisationKind.LENDER)
    person = make_person(organisation=rival, roles=[Role.APPROVER, Role.RISK_OFFICER])
    client = sign_in(person.username)

    for route in ROUTES:
        answer = client.get(route.address)
        assert answer.status_code == route.answers["outside"], route.name
        for secret in (b"PO-1043", b"INV-2011", b"AURORA-2011", b"CF-0714"):
            assert secret not in answer.content, route.name


def test_strangers_are_sent_to_sign_in(story, client):
    for route in ROUTES:
        answer = client.get(route.address)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, "/sign-in/"), route.name


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_pages_only_read(sign_in, method):
    client = sign_in("lin")
    for route in ROUTES:
        if method == "post" and route.works:
            continue  # takes forms; what they do is tested with their pages
        assert getattr(client, method)(route.address).status_code == 405, route.name


def test_a_supplier_sees_its_order_but_not_the_buyers_credit(sign_in):
    from orders.models import PurchaseOrder
    from parties.models import Organisation

    supplier = Organisation.objects.get(code="jiangnan")
    client = sign_in(make_person(organisation=supplier, roles=[Role.PARTNER]).username)
    order = PurchaseOrder.objects.get(number="PO-1043")
    page = client.get(f"/orders/{order.pk}/")

    assert page.status_code == 200
    assert b"1,152,000" in page.content
    assert b"AURORA-2011" not in page.content
    assert b"/positions/" not in page.content


def test_a_custodian_sees_claims_on_its_lots_without_the_way_into_the_deal(sign_in):
    from logistics.models import Lot

    lot = Lot.objects.filter(site__operator__code="yantian", claimed__gt=0).first()
    page = sign_in("hao").get(f"/lots/{lot.pk}/")

    assert page.status_code == 200
    assert b"Harbour Supply Bank" in page.content
    assert b"/positions/" not in page.content

"""Shipments through the portal: loaded by the lender, come in or lost by who may say so."""

from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from logistics.models import Lot, Shipment
from outbox.models import Alert
from parties.roles import Role
from pledges.models import Position
from portal.proofs import prove_all
from tests.factories.lending import make_drawn_loan
from tests.factories.logistics import make_site
from tests.factories.parties import NOW, make_person
from tests.factories.pledges import Vault, make_vault
from tests.factories.transit import make_vehicle
from tests.unit.portal.desk import browser, errors_of, offered, send, statements

pytestmark = pytest.mark.django_db
WHEN = "2016-03-01T08:30"


@pytest.fixture(autouse=True)
def _now():
    with using_clock(SetClock(NOW)):
        yield


@pytest.fixture
def vault() -> Vault:
    return make_vault()


@pytest.fixture
def vehicle():
    return make_vehicle()


@pytest.fixture
def destination():
    return make_site()


@pytest.fixture
def lender(vault):
    return browser(vault.desk.team.preparer)


def load(client, position, vehicle, destination, **said):
    told = {
        "goods": [position.pk],
        "vehicle": vehicle.pk,
        "destination": destination.pk,
        "bill_number": "BL-1",
        "reference": "LOAD-1",
        "occurred_at": WHEN,
    }
    return send(client, "/shipments/new/", "ship", **(told | said))


def arrive(client, site, quantity, reference="WR-1", **said):
    line = Shipment.objects.get().lines.get()
    told = {"line": line.pk, "quantity": quantity, "site": site.pk, "reference": reference}
    return send(client, there(), "arrive", occurred_at=WHEN, **(told | said))


def there() -> str:
    return f"/shipments/{Shipment.objects.get().pk}/"


def test_pledged_goods_are_shipped_and_come_in(vault, vehicle, destination, lender):
    position = vault.pledge(100)
    answer = load(lender, position, vehicle, destination, quantity="60")
    assert (answer.status_code, answer.url) == (303, there())
    moving = Position.objects.get(right="in_transit")
    assert (moving.quantity, vault.cover().lending_value) == (60, 25_000)
    assert lender.get("/shipments/").context["board"].facts[0].value == "1"

    keeper = browser(make_person(organisation=destination.operator, roles=[Role.PARTNER]))
    assert offered(keeper, there()) == ["arrive"]
    assert arrive(keeper, destination, "25").status_code == 303
    too_much = errors_of(arrive(keeper, destination, "40", reference="WR-2"))
    assert too_much["quantity"] == ["35 kg are under way, not 40 kg: too much by 5 kg"]
    assert arrive(keeper, destination, "35", reference="WR-3").status_code == 303
    here = Position.objects.live().filter(right="pledge", lot__site=destination)
    assert sum(one.remaining for one in here) == 60
    assert Shipment.objects.get().state == "ended"
    assert offered(keeper, there()) == []
    assert vault.cover().lending_value == 25_000
    assert all(proof.holds for proof in prove_all())


def test_what_cannot_be_shipped_is_refused_at_its_field(vault, vehicle, destination, lender):
    first, second = vault.pledge(100), vault.pledge(10)
    both = load(lender, first, vehicle, destination, goods=[first.pk, second.pk], quantity="5")
    assert list(errors_of(both)) == ["quantity"]
    beyond = errors_of(load(lender, first, vehicle, destination, quantity="101"))
    assert "101" in str(beyond)
    assert not Shipment.objects.exists()
    load(lender, first, vehicle, destination)
    taken = errors_of(load(lender, second, vehicle, destination, bill_number="bl1", reference="L2"))
    assert "stands for another shipment" in taken["bill_number"][0]


def test_only_the_lender_ships_pledged_goods(vault, vehicle, destination):
    position = vault.pledge(100)
    borrower = browser(make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER]))
    assert offered(borrower, "/shipments/new/") == []
    assert load(borrower, position, vehicle, destination).status_code == 422
    assert not Shipment.objects.exists()


def test_the_carrier_reports_a_loss_and_a_call_opens(vault, vehicle, destination, lender):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(24_000))
    load(lender, position, vehicle, destination)
    line = Shipment.objects.get().lines.get()
    told = {"line": line.pk, "quantity": "30", "reason": "overturned", "reference": "ACC-7"}
    keeper = browser(make_person(organisation=destination.operator, roles=[Role.PARTNER]))
    forged = send(keeper, there(), "lose", occurred_at=WHEN, **told)
    assert "is reported by its carrier" in str(errors_of(forged)["line"])
    assert vault.cover().lending_value == 25_000

    carrier = browser(make_person(organisation=vehicle.operator, roles=[Role.PARTNER]))
    assert offered(carrier, there()) == ["arrive", "lose"]
    assert send(carrier, there(), "lose", occurred_at=WHEN, **told).status_code == 303
    assert vault.cover().lending_value == 17_500
    assert Alert.objects.filter(topic="pledges.goods_lost").exists()
    assert vault.desk.fresh().margin_calls.exists()
    assert arrive(carrier, destination, "70").status_code == 303
    assert Lot.objects.get(site=destination).on_hand == 70


def test_strangers_see_no_shipment(vault, vehicle, destination, lender):
    load(lender, vault.pledge(100), vehicle, destination)
    stranger = browser(make_person(organisation=make_site().operator, roles=[Role.PARTNER]))
    assert stranger.get(there()).status_code == 404
    assert send(stranger, there(), "lose", quantity="1").status_code == 404


def test_the_pages_ask_the_same_however_much_travels(vault, vehicle, destination, lender):
    load(lender, vault.pledge(100), vehicle, destination)
    first = f"/shipments/{Shipment.objects.first().pk}/"
    vault.pledge(10)
    pages = ("/shipments/", "/shipments/new/", first)
    lender.get("/shipments/")
    before = [statements(lender, page) for page in pages]
    for number in (2, 3):
        load(lender, vault.pledge(50), vehicle, destination, bill_number=f"BL-{number}",
             reference=f"LOAD-{number}")  # fmt: skip
        vault.pledge(5)
    assert [statements(lender, page) for page in pages] == before

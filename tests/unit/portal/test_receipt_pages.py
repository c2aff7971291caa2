"""Warehouse receipts through the portal: who may do what, and the way from issue to pledge."""

from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from logistics.models import WarehouseReceipt
from outbox.models import Alert
from parties.roles import Role
from pledges.models import ClaimedReceipt, Position
from tests.factories.logistics import make_receipt
from tests.factories.parties import NOW, make_person
from tests.factories.pledges import Vault, make_vault
from tests.unit.portal.desk import browser, errors_of, offered, send, statements

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with using_clock(SetClock(NOW)):
        yield


@pytest.fixture
def vault() -> Vault:
    return make_vault()


@pytest.fixture
def keeper(vault):
    return browser(make_person(organisation=vault.warehouse.operator, roles=[Role.PARTNER]))


@pytest.fixture
def owner(vault):
    return browser(make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER]))


@pytest.fixture
def lender(vault):
    return browser(vault.desk.team.preparer)


def at(receipt: WarehouseReceipt) -> str:
    return f"/receipts/{receipt.pk}/"


def issue(client, lot, **said):
    told = {"lot": lot.pk, "quantity": "60", "number": "WR-1", "description": "foil"}
    return send(client, "/receipts/new/", "issue", negotiability="to_order", **(told | said))


def test_the_operator_issues_with_what_a_receipt_says(vault, keeper):
    lot = vault.lot(100)
    papers = {"packages": "4", "grade": "A", "market_value": "30000", "currency": "USD"}
    flags = {"fungible": "on", "operator_lien": "12.5", "keeps_until": "2017-01-31"}
    assert issue(keeper, lot, **papers, **flags).url == "/receipts/"
    made = WarehouseReceipt.objects.get()
    assert (made.operator, made.holder) == (vault.warehouse.operator, vault.desk.borrower)
    assert (made.quantity, made.packages, made.grade) == (60, 4, "A")
    assert (made.market_value, made.operator_lien, made.charges) == (30_000, Decimal("12.5"), 0)
    assert (made.fungible, made.may_be_commingled) == (True, False)
    page = keeper.get("/receipts/")
    assert [fact.value for fact in page.context["board"].facts] == ["1", "0", "0", "0"]
    assert "WR-1" in page.content.decode()


def test_a_receipt_that_cannot_be_is_refused_at_its_field(vault, keeper):
    lot = vault.lot(100)
    beyond = errors_of(issue(keeper, lot, quantity="100.5"))
    assert "100 kg under no receipt, asked 100.5 kg, short 0.5 kg" in beyond["quantity"][0]
    assert list(errors_of(issue(keeper, lot, charges="5"))) == ["currency"]
    assert list(errors_of(issue(keeper, lot, signature_hash="ab"))) == ["signature_hash"]
    assert not WarehouseReceipt.objects.exists()
    issue(keeper, lot, number="WR 1")
    taken = errors_of(issue(keeper, lot, number="wr-1", quantity="10"))
    assert taken["number"] == ["wr-1 is the number of another receipt"]


def test_who_neither_keeps_nor_lends_issues_nothing(vault, owner):
    lot = vault.lot(100)
    assert offered(owner, "/receipts/new/") == []
    assert list(errors_of(issue(owner, lot))) == ["lot"]
    assert not WarehouseReceipt.objects.exists()


def test_each_side_is_offered_its_own_acts(vault, keeper, owner, lender):
    receipt = make_receipt(lot=vault.lot(100))
    assert offered(keeper, at(receipt)) == ["split", "surrender", "cancel"]
    assert offered(owner, at(receipt)) == ["transfer", "surrender"]
    assert lender.get(at(receipt)).status_code == 404
    clerk = browser(make_person(organisation=vault.desk.borrower, roles=[Role.AUDITOR]))
    assert offered(clerk, at(receipt)) == []
    refused = send(clerk, at(receipt), "transfer", to=vault.desk.team.lender.pk, reason="x")
    assert refused.status_code == 422
    receipt.refresh_from_db()
    assert receipt.holder == vault.desk.borrower


def test_split_hand_on_and_pledge(vault, keeper, owner, lender):
    receipt = make_receipt(lot=vault.lot(100), number="WR-1")
    short = errors_of(send(keeper, at(receipt), "split", parts="WR-1-A 40\nWR-1-B 59"))
    assert "stands for 100 kg, its 2 parts for 99 kg" in short["parts"][0]
    unread = errors_of(send(keeper, at(receipt), "split", parts="WR-1-A 40\nforty"))
    assert "Line 2" in unread["parts"][0]
    assert send(keeper, at(receipt), "split", parts="WR-1-A 40\nWR-1-B 60").status_code == 303
    part, other = WarehouseReceipt.objects.filter(state="issued").order_by("number")
    assert (part.quantity, other.quantity) == (40, 60)

    to = {"to": vault.desk.team.lender.pk, "reason": "pledged for the phone loan"}
    assert send(owner, at(part), "transfer", **to).status_code == 303
    assert offered(lender, at(part)) == ["split", "transfer", "pledge", "surrender", "cancel"]
    board = lender.get(at(part)).context["board"]
    assert dict(board.effect)["Market value"] == "20,000.00 USD"
    assert send(lender, at(part), "pledge", facility=vault.facility_id).status_code == 303
    position = Position.objects.get()
    assert (position.quantity, vault.cover().lending_value) == (40, 10_000)
    assert ClaimedReceipt.objects.get().receipt == part
    assert offered(lender, at(part)) == ["split", "transfer", "cancel"]

    # Offered again, it is refused in neutral words, and the desk hears of it.
    again = send(lender, at(part), "pledge", facility=vault.facility_id)
    assert "These goods are claimed already." in again.content.decode()
    assert Alert.objects.filter(topic="pledges.double_claim_refused").exists()


def test_a_cancelled_receipt_is_replaced_by_another(vault, keeper, owner, lender):
    lot = vault.lot(100)
    receipt = make_receipt(lot=lot, number="WR-1")
    to = {"to": vault.desk.team.lender.pk, "reason": "pledged"}
    send(owner, at(receipt), "transfer", **to)
    send(lender, at(receipt), "pledge", facility=vault.facility_id)
    assert send(keeper, at(receipt), "cancel", reason="lost in the post").status_code == 303
    assert vault.cover().lending_value == 0
    assert offered(keeper, at(receipt)) == []

    other = make_receipt(lot=lot, number="WR-2")
    send(owner, at(other), "transfer", **to)
    assert "present" in offered(lender, at(other))
    position = Position.objects.get()
    assert send(lender, at(other), "present", position=position.pk).status_code == 303
    assert vault.cover().lending_value == 25_000


def test_receipts_are_joined(vault, keeper):
    lot = vault.lot(100)
    first, second = (make_receipt(lot=lot, quantity=Decimal(50)) for _ in range(2))
    assert "merge" in offered(keeper, at(first))
    answer = send(keeper, at(first), "merge", others=[second.pk], number="WR-9")
    assert answer.status_code == 303
    whole = WarehouseReceipt.objects.get(state="issued")
    assert (whole.number, whole.quantity) == ("WR-9", 100)


def test_the_pages_ask_the_same_however_many_receipts_there_are(vault, keeper, owner):
    lot = vault.lot(1_000)
    receipt = make_receipt(lot=lot, quantity=Decimal(1))
    make_receipt(lot=lot, quantity=Decimal(1))
    pages = ("/receipts/", "/receipts/new/", at(receipt))
    keeper.get("/receipts/")
    before = [statements(keeper, page) for page in pages]
    for _ in range(3):
        make_receipt(lot=lot, quantity=Decimal(1))
        vault.lot(10)
    assert [statements(keeper, page) for page in pages] == before

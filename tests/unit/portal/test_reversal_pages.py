"""Two persons through the portal: a conversion reversed, goods of a case given up, goods back."""

from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from factoring.models import CreditNote
from parties.roles import Act, Role
from pledges.models import ActRequest, Conversion, Position
from portal.proofs import prove_all
from tests.factories.disposal import make_enforcement
from tests.factories.factoring import SOLD_ON, make_pledge_loan, make_sale_desk, sell_phones
from tests.factories.parties import NOW, make_authority, make_person
from tests.factories.pledges import fingerprint, make_vault
from tests.factories.risk import noon
from tests.unit.portal.desk import browser, errors_of, offered, send, statements

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with using_clock(SetClock(NOW)):
        yield


@pytest.fixture
def vault():
    vault = make_vault()
    vault.pledge(100)
    return vault


def at(conversion: Conversion) -> str:
    return f"/conversions/{conversion.pk}/"


def test_one_asks_and_another_reverses(vault):
    team, made = vault.desk.team, Conversion.objects.get()
    maker, checker = browser(team.preparer), browser(team.approver)
    assert (offered(maker, at(made)), offered(checker, at(made))) == (["ask"], [])
    assert send(maker, at(made), "ask", reason="typed twice").status_code == 303
    asked = ActRequest.objects.get()
    assert vault.cover().lending_value == 25_000
    assert offered(maker, at(made)) == ["withdraw"]
    assert offered(checker, at(made)) == ["reverse", "refuse"]
    assert "typed twice" in checker.get(at(made)).content.decode()

    assert send(maker, at(made), "reverse", request=asked.pk).status_code == 422
    assert send(checker, at(made), "reverse", request=asked.pk).status_code == 303
    undone = Conversion.objects.get(reverses=made)
    assert (undone.maker_id, undone.person_id) == (team.preparer.person_id, team.approver.person_id)
    assert vault.cover().lending_value == 0
    asked.refresh_from_db()
    assert (asked.state, asked.checker_id) == ("done", team.approver.person_id)
    assert at(undone) in maker.get(at(made)).content.decode()
    assert offered(maker, at(made)) == []
    assert all(proof.holds for proof in prove_all())


def test_a_reversal_beyond_authority_moves_nothing_and_waits_on(vault):
    team, made = vault.desk.team, Conversion.objects.get()
    send(browser(team.preparer), at(made), "ask", reason="typed twice")
    small = make_person(organisation=team.lender, roles=[Role.APPROVER])
    make_authority(person=small, act=Act.RELEASE, amount=Decimal(100))
    before = fingerprint()
    asked = ActRequest.objects.get()
    answer = send(browser(small), at(made), "reverse", request=asked.pk)
    assert answer.status_code == 422
    assert "50,000" in answer.content.decode()
    assert fingerprint() == before
    assert ActRequest.objects.get().state == "asked"


def test_a_reversal_is_refused_or_withdrawn_and_asked_once(vault):
    team, made = vault.desk.team, Conversion.objects.get()
    maker, checker = browser(team.preparer), browser(team.approver)
    send(maker, at(made), "ask", reason="typed twice")
    assert "asked for already" in str(errors_of(send(maker, at(made), "ask", reason="again")))
    asked = ActRequest.objects.get()
    send(checker, at(made), "refuse", request=asked.pk, note="it is right")
    send(maker, at(made), "ask", reason="typed twice after all")
    second = ActRequest.objects.latest("pk")
    assert send(maker, at(made), "withdraw", request=second.pk).status_code == 303
    assert list(ActRequest.objects.order_by("pk").values_list("state", flat=True)) == [
        "refused",
        "withdrawn",
    ]


def test_the_borrower_reads_without_the_requests_and_strangers_nothing(vault):
    made = Conversion.objects.get()
    send(browser(vault.desk.team.preparer), at(made), "ask", reason="our own mistake")
    borrower = browser(make_person(organisation=vault.desk.borrower, roles=[Role.PREPARER]))
    assert offered(borrower, at(made)) == []
    assert "our own mistake" not in borrower.get(at(made)).content.decode()
    assert send(borrower, at(made), "ask", reason="x").status_code == 422
    stranger = browser(make_person(organisation=vault.warehouse.operator, roles=[Role.PARTNER]))
    assert stranger.get(at(made)).status_code == 404


def test_the_page_asks_the_same_however_much_was_asked(vault):
    team, made = vault.desk.team, Conversion.objects.get()
    maker = browser(team.preparer)
    send(maker, at(made), "ask", reason="one")
    send(maker, at(made), "withdraw", request=ActRequest.objects.get().pk)
    before = statements(maker, at(made))
    send(maker, at(made), "ask", reason="two")
    send(maker, at(made), "withdraw", request=ActRequest.objects.latest("pk").pk)
    assert statements(maker, at(made)) == before


def test_goods_of_a_case_are_given_up_by_two_persons():
    enforcement = make_enforcement()
    page, team = f"/disposals/{enforcement.case().pk}/", enforcement.team
    maker, checker = browser(team.preparer), browser(team.approver)
    told = {"position": enforcement.goods.pk, "reason": "the warehouse burnt down"}
    with using_clock(SetClock(enforcement.now)):
        assert "ask_giving_up" in offered(maker, page)
        too_much = errors_of(send(maker, page, "ask_giving_up", quantity="101", **told))
        assert "100 kg left, asked 101 kg" in too_much["quantity"][0]
        assert send(maker, page, "ask_giving_up", quantity="40", **told).status_code == 303
        asked = ActRequest.objects.get()
        assert "give_up" not in offered(maker, page)
        assert send(checker, page, "give_up", request=asked.pk).status_code == 303
    gone = Position.objects.get(right="written_off")
    assert (gone.quantity, ActRequest.objects.get().state) == (40, "done")
    assert all(proof.holds for proof in prove_all())


def test_goods_come_back_on_a_credit_note():
    shop = make_sale_desk()
    make_pledge_loan(shop)
    receivable = sell_phones(shop)
    lot, page = shop.pledged.lot, f"/receivables/{receivable.pk}/"
    clerk = browser(shop.desk.team.operations)
    assert offered(browser(shop.desk.team.auditor), page) == []
    with using_clock(SetClock(noon(SOLD_ON))):
        assert offered(clerk, page) == ["take_back"]
        told = {
            "number": "CN-7",
            "issued_on": SOLD_ON,
            "reason": "wrong colour",
            "site": shop.warehouse.pk,
            "reference": "WR-77",
            "occurred_at": f"{SOLD_ON}T09:30",
            f"back_{lot.pk}": "10",
        }
        above = errors_of(send(clerk, page, "take_back", amount="999999999", **told))
        assert "too much by" in above["amount"][0]
        assert not CreditNote.objects.exists()
        assert send(clerk, page, "take_back", amount="100", **told).status_code == 303
    note = CreditNote.objects.get()
    assert (note.number, note.amount, note.lines.get().quantity) == ("CN-7", 100, 10)
    assert all(proof.holds for proof in prove_all())

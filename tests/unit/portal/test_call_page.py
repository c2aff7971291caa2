"""The page of a margin call that is open: what is needed, what cured a part, who gives time."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.clock import SetClock, using_clock
from parties.models import Person
from parties.roles import Role
from pledges.models import MarginCall, MarginCallExtension
from portal.boards.call import call_board
from tests.factories.lending import make_drawn_loan, receive
from tests.factories.parties import make_person
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick, noon
from tests.unit.portal.conftest import BACKEND

pytestmark = pytest.mark.django_db

WED = date(2016, 3, 2)
MORNING = datetime(2016, 3, 3, 3, tzinfo=UTC)


@pytest.fixture
def called():
    """25,000 owed on 100 kg of alpha at 370, then 2,500 paid, 10 kg of beta pledged."""
    vault = make_vault()
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    receive(vault.desk, Decimal(2_500), on=WED)
    vault.pledge(10, vault.goods.beta, on=WED, now=noon(WED))
    with using_clock(SetClock(MORNING)):
        yield vault


def browser(person_id):
    client = Client()
    client.force_login(Person.objects.get(pk=person_id), backend=BACKEND)
    return client


def page():
    return f"/margin-calls/{MarginCall.objects.get().pk}/"


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def send(client, act, **fields):
    return client.post(
        page(), {f"{act}-{name}": value for name, value in {"key": "k", **fields}.items()}
    )


def test_the_page_says_what_is_needed_by_cash_goods_or_price_and_what_cured_so_far(called):
    team = called.desk.team
    text = text_of(browser(team.preparer.person_id).get(page()))
    # 22,506.25 owed, 19,750 lending value: 2,756.25 in cash, twice that in goods.
    for words in (
        "2,756",
        "6,500.00 when it opened",
        "5,512.50",
        "14 business hours left",
        "Partly cured, 4,006.25 left, cash +2,500.00, interest and fees −6.25",
        "Partly cured, 2,756.25 left, goods +1,250.00",
    ):
        assert words in text
    assert "Ask for more time" not in text


def test_the_parts_and_the_rest_make_the_need_of_the_opening(called):
    make_tick({"alpha": 372}, on=WED, reference="later")
    call = MarginCall.objects.get()
    board = call_board(called.desk.team.preparer, call, WED, MORNING)
    parts = [part.amount for part in board.tables["parts"].rows]
    assert parts == [2_500, 1_250, 100, Decimal("-6.25"), Decimal("2656.25")]
    assert sum(parts) == call.cash_needed
    chart = board.charts["parts"]
    assert [series["values"] for series in chart["series"]] == [
        [2500],
        [1250],
        [100],
        [0],
        [2656.25],
    ]
    [alpha] = [offer for offer in board.tables["offers"].rows if offer.quoted.code == "alpha"]
    # 22,506.25 − 1,250 of beta over 50 kg of lending weight.
    assert alpha.cures_at == Decimal("425.125")


def test_the_page_takes_the_same_queries_however_long_the_history(called):
    def count():
        with CaptureQueriesContext(connection) as queries:
            call_board(called.desk.team.preparer, MarginCall.objects.get(), WED, MORNING)
        return len(queries)

    before = count()
    for _ in range(3):
        called.pledge(1, called.goods.beta, on=WED, now=noon(WED))
    assert count() == before


def test_a_risk_officer_asks_and_another_person_grants(called):
    team = called.desk.team
    officer, approver = browser(team.risk_officer.person_id), browser(team.approver.person_id)
    assert "Ask for more time" in text_of(officer.get(page()))
    assert "Ask for more time" not in text_of(approver.get(page()))
    answer = send(officer, "extend", business_days=2, reason="goods are on the way")
    assert (answer.status_code, answer.url) == (303, page())
    assert "Grant" not in text_of(officer.get(page()))
    text = text_of(approver.get(page()))
    assert "goods are on the way" in text
    due = MarginCall.objects.get().due_at
    assert send(approver, "grant").status_code == 303
    assert MarginCall.objects.get().due_at > due
    assert "Extended until" in text_of(officer.get(page()))


def test_a_refusal_stands_at_its_field(called):
    officer = browser(called.desk.team.risk_officer.person_id)
    answer = send(officer, "extend", business_days=2, reason="")
    assert answer.status_code == 422
    answer = send(officer, "extend", business_days=11, reason="late")
    assert answer.status_code == 422
    assert not MarginCallExtension.objects.exists()


def test_who_asked_cannot_grant_and_the_borrower_sees_no_request(called):
    team = called.desk.team
    officer = browser(team.risk_officer.person_id)
    send(officer, "extend", business_days=1, reason="late")
    assert send(officer, "grant").status_code == 422
    borrower = make_person(organisation=called.desk.borrower, roles=[Role.PARTNER])
    client = browser(borrower.pk)
    answer = client.get(page())
    assert answer.status_code == 200
    assert "More time is asked for" not in text_of(answer)
    assert send(client, "grant").status_code == 404
    assert MarginCallExtension.objects.get().state == "asked"
    stranger = make_person(organisation=make_vault(goods=called.goods).desk.borrower, roles=[])
    assert browser(stranger.pk).get(page()).status_code == 404

"""The allocation page: asks, shows, keeps; and a proposal from its maker to its checker."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from parties.models import Person
from pledges.models import AllocationProposal
from portal.allocation_words import Names, reasons_in_words, relief_in_words, shortage_in_words
from tests.factories.allocation import accept, make_borrowers_maker, make_proposal, wish
from tests.factories.lending import make_drawn_loan
from tests.factories.pledges import make_vault


def test_the_page_shows_the_plan_its_chart_and_its_files(sign_in):
    client = sign_in("mei")
    page = client.get("/allocation/?turnover=80&item_limit=60&whole=on")
    assert page.status_code == 200
    assert AllocationProposal.objects.count() == 0
    board = page.context["board"]
    assert board.wish_form.wishes(board.facility.opened_on).whole_lots_only
    chart = client.get("/allocation/?turnover=80&chart=pledged").json()
    assert [series["name"] for series in chart["series"]] == [
        "Stays pledged", "Newly pledged", "Released",
    ]  # fmt: skip
    assert client.get("/allocation/?csv=lots").status_code == 200


def test_a_wish_that_cannot_be_is_told_at_its_field(sign_in):
    page = sign_in("mei").get("/allocation/?horizon=0&turnover=900&to_draw=-1")
    assert page.status_code == 200
    assert page.context["board"].wish_form.errors.keys() >= {"turnover", "to_draw"}


def test_the_page_asks_the_same_queries_whatever_is_asked(sign_in):
    client = sign_in("mei")

    def count(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/allocation/{query}")
        return len(queries)

    count("")
    assert count("") == count("?horizon=90&turnover=10&site_limit=40")


def test_the_forecast_page_has_its_bars_and_table(sign_in):
    client = sign_in("lin")
    page = client.get("/sell-out/")
    assert page.status_code == 200
    assert client.get("/sell-out/?csv=items").status_code == 200
    assert len(client.get("/sell-out/?chart=days").json()["series"]) == 3


@pytest.mark.django_db
def test_a_kept_proposal_is_accepted_by_the_lenders_approver_on_its_page(client):
    vault = make_vault()
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(200_000))
    vault.lot(4_000, vault.goods.beta)
    maker = make_borrowers_maker(vault)
    proposal = make_proposal(vault, wish({vault.goods.alpha: 1_000}), maker=maker)

    def sign(actor):
        person = Person.objects.get(pk=actor.person_id)
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    address = f"/allocation/{proposal.pk}/"
    sign(maker)
    assert client.get(address).context["board"].acts == []
    sign(vault.desk.team.approver)
    page = client.get(address)
    assert page.context["board"].acts in (["accept", "decline"], ["decline"])
    answer = client.post(address, {"decline-key": "1", "decline-reason": ""})
    assert answer.status_code == 422
    assert accept(vault, proposal).state == "accepted"
    assert client.get(address).context["board"].acts == []


def test_words_have_their_figures():
    names = Names(items={7: ("Phones", "C62")})
    told = shortage_in_words(
        {"kind": "need", "id": 7, "amount": "40", "beyond_stock": "15"}, names, "USD"
    )
    assert told == "Phones: 40 pcs missing, 15 pcs of it beyond all there is"
    reasons = [("slow_seller", Decimal("400.0")), ("lends_much", Decimal("0.5"))]
    assert reasons_in_words(reasons) == (
        "slow seller: 400 days to sell out; lends 50.0 % of its value"
    )
    assert relief_in_words("need") == "one unit less"

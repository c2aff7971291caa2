"""Changes of terms and prices: one asks, another decides, everybody sees who did."""

from datetime import date
from decimal import Decimal

import pytest

from lending.models import Facility, FacilityChange
from parties.models import Person
from parties.roles import Act
from portal.web.four_eyes import TermForm
from risk.models import PriceOverride
from risk.queries import get_quote
from tests.factories.parties import make_authority


def standing():
    """What the form would send if nothing were changed, but for the limit."""
    facility = Facility.objects.get(code="AURORA-2011")
    values = {name: getattr(facility, name) for name in TermForm.TERMS}
    return {name: "" if one is None else str(one) for name, one in values.items()}


def sent(prefix, **values):
    return {f"{prefix}-{name}": value for name, value in ({"key": "1"} | values).items()}


def ask_for(client, **changes):
    return client.post(
        "/changes/", sent("terms", **(standing() | {"reason": "a larger season"} | changes))
    )


def decide(client, what, one, act, note=""):
    return client.post("/changes/", sent("decide", what=what, id=one.pk, act=act, note=note))


def test_one_asks_for_terms_and_another_applies_them(sign_in):
    limit = Facility.objects.get(code="AURORA-2011").limit
    asked = ask_for(sign_in("lin"), limit=str(limit + 100_000))
    assert (asked.status_code, asked["Location"]) == (303, "/changes/")
    change = FacilityChange.objects.get()
    assert (change.state, set(change.after)) == ("requested", {"limit"})

    maker, checker = sign_in("lin"), sign_in("zhou")
    assert 'value="apply"' not in maker.get("/changes/").content.decode()
    page = checker.get("/changes/").content.decode()
    assert 'value="apply"' in page
    assert "asked by Lin Yue" in page
    assert decide(maker, "terms", change, "apply").status_code == 422
    assert Facility.objects.get(code="AURORA-2011").limit == limit
    assert decide(checker, "terms", change, "apply").status_code == 303
    assert Facility.objects.get(code="AURORA-2011").limit == limit + 100_000
    page = checker.get("/changes/").content.decode()
    assert "Nothing waits." in page
    assert "Zhou Ming" in page


def test_refusals_come_back_with_their_reason(sign_in):
    client = sign_in("lin")
    answer = ask_for(client)
    assert answer.status_code == 422
    assert b"These are the terms that stand already." in answer.content
    answer = ask_for(client, watch_line="0.9", call_line="0.8")
    assert answer.status_code == 422
    assert b"Lines rise" in answer.content
    assert ask_for(client, limit="many").status_code == 422
    assert not FacilityChange.objects.exists()


def test_refused_with_a_note_and_withdrawn(sign_in):
    lin, zhou = sign_in("lin"), sign_in("zhou")
    ask_for(lin, limit="4200000")
    decide(zhou, "terms", FacilityChange.objects.get(), "refuse", note="not this year")
    ask_for(lin, limit="4300000", key="2")
    decide(lin, "terms", FacilityChange.objects.get(state="requested"), "withdraw")
    assert set(FacilityChange.objects.values_list("state", "note")) == {
        ("refused", "not this year"),
        ("withdrawn", ""),
    }
    assert "not this year" in lin.get("/changes/").content.decode()


def test_a_price_is_set_by_two(sign_in):
    lin, zhou = sign_in("lin"), sign_in("zhou")
    day = date(2011, 11, 21)
    before = get_quote("copper_comex", day).unit_price
    answer = lin.post(
        "/changes/",
        sent(
            "price",
            commodity="copper_comex",
            on=day.isoformat(),
            price="3.1",
            reason="the feed stood still",
        ),
    )
    assert answer.status_code == 303, answer.content.decode()
    override = PriceOverride.objects.get()
    assert get_quote("copper_comex", day).unit_price == before
    assert override.price_before is not None
    answer = decide(zhou, "price", override, "apply")
    assert answer.status_code == 422  # nobody of the story may decide on prices
    assert b"may decide on up to" in answer.content
    person = Person.objects.get(username="zhou")
    make_authority(person=person, act=Act.OVERRIDE_PRICE, amount=Decimal(10_000_000))
    assert decide(zhou, "price", override, "apply").status_code == 303
    assert get_quote("copper_comex", day).unit_price != before


@pytest.mark.parametrize("username", ["mei", "hao"])
def test_other_houses_neither_see_nor_decide(sign_in, username):
    ask_for(sign_in("lin"), limit="4200000")
    change = FacilityChange.objects.get()
    client = sign_in(username)
    page = client.get("/changes/")
    assert page.status_code == 200
    assert b"a larger season" not in page.content
    assert b"terms-limit" not in page.content
    assert decide(client, "terms", change, "apply").status_code == 404
    assert decide(client, "terms", change, "nonsense").status_code == 422
    assert FacilityChange.objects.get().state == "requested"
    assert Decimal(change.after["limit"]) == 4_200_000

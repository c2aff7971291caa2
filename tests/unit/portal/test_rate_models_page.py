"""Models compared on a commodity's page, and another one asked for and decided by two people."""

import pytest

from parties.models import Person
from parties.roles import Role
from parties.services.people import grant_role
from risk.backtests.runner import ENTRANTS
from risk.models import BacktestScore, Commodity, RateModelSwitch
from tests.factories.parties import NOW, SYSTEM

PAGE = "/prices/copper_comex/models/"


@pytest.fixture
def officer(story: None) -> Person:
    """Lin is a risk officer, too."""
    person = Person.objects.get(username="lin")
    grant_role(person=person, role=Role.RISK_OFFICER, actor=SYSTEM, now=NOW)
    return person


def ask(client, **said):
    values = {"key": "1", "model": "fhs97", "reason": "ours lags here"} | said
    return client.post(PAGE, {f"switch-{name}": value for name, value in values.items()})


def decide(client, switch, act):
    said = {"key": "1", "what": "model", "id": switch.pk, "act": act, "note": ""}
    return client.post("/changes/", {f"decide-{name}": value for name, value in said.items()})


def test_every_model_of_the_run_stands_beside_ours(sign_in):
    page = sign_in("lin").get(PAGE)
    body = page.content.decode()
    assert page.status_code == 200
    scores = {
        score.entrant: score
        for score in BacktestScore.objects.filter(commodity__code="copper_comex")
    }
    assert set(scores) == set(ENTRANTS) - {"garch_t"}
    assert f"{100 * scores['proposal'].matched_rate:.2f}%" in body.replace(" %", "%")
    assert "Blended-scale filtered history, as published" in body
    assert {score.light for score in scores.values()} <= {"green", "yellow", "red"}


def test_the_chart_reads_what_was_kept(sign_in):
    client = sign_in("lin")
    kept = BacktestScore.objects.get(commodity__code="copper_comex", entrant="hs1000")
    drawn = client.get(f"{PAGE}backtest.json?model=hs1000").json()
    assert drawn["rates"] == kept.path
    assert len(drawn["exceeded"]) == kept.exceedances
    assert [day for day, _price in drawn["prices"]] == [day for day, _rate in kept.path]
    assert client.get(f"{PAGE}backtest.json?model=oracle").status_code == 404
    assert client.get("/prices/nothing/models/").status_code == 404
    assert client.get("/prices/USD/models/").status_code == 404


def test_a_risk_officer_asks_and_another_person_applies(sign_in, officer):
    lin, zhou = sign_in("lin"), sign_in("zhou")
    answer = ask(lin)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    switch = RateModelSwitch.objects.get()
    assert "ours lags here" in lin.get(PAGE).content.decode()
    assert "Filtered historical simulation" in zhou.get("/changes/").content.decode()
    assert decide(lin, switch, "apply").status_code == 422
    assert Commodity.objects.get(code="copper_comex").rate_model == "bfhs"
    assert decide(zhou, switch, "apply").status_code == 303
    assert Commodity.objects.get(code="copper_comex").rate_model == "fhs97"


def test_refused_at_the_field_and_withdrawn(sign_in, officer):
    lin = sign_in("lin")
    assert ask(lin, model="bfhs").status_code == 422
    assert ask(lin, reason="").status_code == 422
    assert ask(lin).status_code == 303
    assert ask(lin, model="hs1000").status_code == 422
    switch = RateModelSwitch.objects.get()
    assert decide(lin, switch, "withdraw").status_code == 303
    assert RateModelSwitch.objects.get().state == "withdrawn"


def test_other_readers_see_the_figures_and_no_form(sign_in, officer):
    ask(sign_in("lin"))
    for username in ("mei", "hao"):
        client = sign_in(username)
        page = client.get(PAGE).content.decode()
        assert "switch-model" not in page
        assert "ours lags here" not in page
        assert ask(client).status_code == 404
        assert decide(client, RateModelSwitch.objects.get(), "apply").status_code == 404
    assert RateModelSwitch.objects.get().state == "requested"

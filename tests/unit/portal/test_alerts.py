"""The alert inbox: each desk reads its own alerts in words and marks them as seen."""

from datetime import UTC, datetime

import pytest

from outbox.models import Alert
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.models import Person
from portal.alert_words import PAGES, WORDS, alert_in_words, as_day, as_money, as_percent, page_of

NOW = datetime(2012, 1, 31, 9, tzinfo=UTC)
THING = {"thing": "Copper foil, CF-0714", "site": "Pearl River plant"}


def new(organisation_id: int, key: str = "k", topic: str = "pledges.double_claim_met") -> NewAlert:
    return NewAlert(
        organisation_id=organisation_id,
        topic=topic,
        aggregate="lot",
        aggregate_id=7,
        key=key,
        severity=Severity.URGENT,
        payload=THING,
    )


def house_of(username: str) -> int:
    return Person.objects.get(username=username).organisation_id


def test_the_inbox_tells_what_happened_and_marks_it_as_seen(sign_in):
    client = sign_in("zhou")
    raise_alerts([new(house_of("zhou")), new(house_of("mei"), "other")], now=NOW)
    alert = Alert.objects.get(organisation_id=house_of("zhou"), key="k")

    page = client.get("/alerts/").content.decode()
    assert "Copper foil, CF-0714 at Pearl River plant, which secures you" in page
    assert f'name="alert" value="{alert.pk}"' in page

    answer = client.post("/alerts/", {"key": "1", "alert": alert.pk})
    assert (answer.status_code, answer["Location"]) == (303, "/alerts/")
    alert.refresh_from_db()
    assert alert.acknowledged_by == "Zhou Ming"
    assert f'value="{alert.pk}"' not in client.get("/alerts/").content.decode()
    assert "seen by Zhou Ming" in client.get("/alerts/?show=all").content.decode()
    assert Alert.objects.open().filter(organisation_id=house_of("mei"), key="other").exists()


def test_another_desks_alert_is_not_found(sign_in):
    client = sign_in("zhou")
    raise_alerts([new(house_of("mei"))], now=NOW)
    alert = Alert.objects.get(organisation_id=house_of("mei"), key="k")

    assert client.post("/alerts/", {"key": "1", "alert": alert.pk}).status_code == 404
    assert client.post("/alerts/", {"key": "1", "alert": "x"}).status_code == 422
    assert Alert.objects.open().filter(pk=alert.pk).exists()


def test_the_menu_counts_what_waits(sign_in):
    client = sign_in("zhou")
    Alert.objects.update(acknowledged_at=NOW, acknowledged_by="somebody")
    assert 'href="/alerts/"' in client.get("/loans/").content.decode()
    raise_alerts([new(house_of("zhou"), str(n)) for n in range(3)], now=NOW)
    assert "3 open" in client.get("/loans/").content.decode()


@pytest.mark.parametrize("topic", sorted(WORDS))
def test_every_topic_is_told_even_without_its_figures(topic):
    assert "%" not in alert_in_words(topic, {}).replace(" %", "")


def test_an_unknown_topic_is_told_by_its_name_and_figures():
    payload = {"days_late": 3, "site": "Yantian", "list": [1]}
    told = alert_in_words("pledges.something_new", payload)
    assert told == "Something new, days late 3, site Yantian"


def test_figures_are_written_as_people_read_them():
    assert as_money("1234567.5") == "1,234,567.50"
    assert as_day("2012-01-31") == "31 Jan 2012"
    assert as_percent("0.125") == "12.5 %"


def test_an_alert_leads_to_its_page():
    assert page_of(Alert(aggregate="lot", aggregate_id="7")) == "/lots/7/"
    assert page_of(Alert(aggregate="unknown", aggregate_id="7")) == ""
    assert page_of(Alert(aggregate="position", aggregate_id="7")) == ""
    assert set(PAGES) >= {"lot", "facility", "margin_call"}

"""An alert is raised once for one happening and acknowledged once, by its own desk."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from outbox.models import Alert, AuditEntry
from outbox.services.alerts import NewAlert, NotYourAlert, acknowledge, end_alerts, raise_alerts
from outbox.states import Severity
from parties.actors import Actor

pytestmark = pytest.mark.django_db
NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
LATER = datetime(2016, 3, 1, 10, tzinfo=UTC)
ANNA = Actor("Anna", person_id=7, organisation_id=1)
BEN = Actor("Ben", person_id=8, organisation_id=2)
NEW = NewAlert(
    organisation_id=1,
    topic="pledges.registration_expires",
    aggregate="registration",
    aggregate_id=5,
    key="registration:5:30",
    severity=Severity.WARNING,
    payload={"days": 30},
)


def test_one_happening_is_one_alert_for_each_desk() -> None:
    assert raise_alerts([NEW, replace(NEW, organisation_id=2)], now=NOW) == 2
    assert raise_alerts([NEW], now=LATER) == 0

    assert Alert.objects.visible_to(ANNA).get().payload == {"days": 30}
    assert Alert.objects.visible_to(BEN).count() == 1


def test_the_first_to_look_is_kept() -> None:
    raise_alerts([NEW], now=NOW)
    alert = Alert.objects.get()

    acknowledge(alert=alert, actor=ANNA, now=NOW)
    kept = acknowledge(alert=alert, actor=replace(ANNA, label="Ada"), now=LATER)

    assert (kept.acknowledged_by, kept.acknowledged_at) == ("Anna", NOW)
    assert not Alert.objects.open().exists()
    assert AuditEntry.objects.filter(action="acknowledge_alert").count() == 1


def test_another_desks_alert_does_not_exist() -> None:
    raise_alerts([NEW], now=NOW)

    with pytest.raises(NotYourAlert):
        acknowledge(alert=Alert.objects.get(), actor=BEN, now=NOW)

    assert Alert.objects.open().count() == 1


def test_what_ended_is_past_for_every_desk_and_seen_by_nobody() -> None:
    other = replace(NEW, aggregate_id=6, key="registration:6:30")
    raise_alerts([NEW, replace(NEW, organisation_id=2), other], now=NOW)

    def end(**topics: list[str]) -> int:
        return end_alerts(
            aggregate="registration",
            aggregate_ids=[5],
            ended_with="pledges.registration_renewed",
            actor=ANNA,
            now=LATER,
            **topics,
        )

    assert end(topics=["another"]) == 0
    assert (end(), end()) == (2, 0)
    past = Alert.objects.filter(ended_with="pledges.registration_renewed")
    assert {(one.ended_at, one.ended_by, one.acknowledged_at) for one in past} == {
        (LATER, "Anna", None)
    }
    assert [one.key for one in Alert.objects.open()] == ["registration:6:30"]

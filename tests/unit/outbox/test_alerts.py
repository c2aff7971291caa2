"""An alert is raised once for one happening and acknowledged once, by its own desk."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from outbox.models import Alert, AuditEntry
from outbox.services.alerts import NewAlert, NotYourAlert, acknowledge, raise_alerts
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

"""Raise alerts with the business transaction; acknowledge them when somebody has looked.

What an alert is about may end first: the service that ends it lets the alert be past.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from common.errors import Refusal
from common.locks import lock_one
from outbox.models import Alert
from outbox.models.audit import Reader
from outbox.services.audit import record
from outbox.states import Severity


class NotYourAlert(Refusal):
    """The alert is for another organisation, or there is none."""

    code = "not_your_alert"


@dataclass(frozen=True, slots=True)
class NewAlert:
    """What a desk is told. Two alerts of one organisation with one `key` are one alert.

    The portal words the alert by its topic and payload (portal/alert_words.py); the payload holds
    figures and names, never sentences.
    """

    organisation_id: int
    topic: str
    aggregate: str
    aggregate_id: object
    key: str
    severity: Severity = Severity.WARNING
    payload: Mapping[str, Any] = field(default_factory=dict)


def raise_alerts(alerts: Sequence[NewAlert], *, now: datetime) -> int:
    """Raise those that were not raised before, in one statement; return how many were new."""
    if not alerts:
        return 0
    before = Alert.objects.filter(
        organisation_id__in={new.organisation_id for new in alerts},
        key__in=[new.key for new in alerts],
    ).values_list("organisation_id", "key")
    known = set(before)
    Alert.objects.bulk_create(
        [
            Alert(
                organisation_id=new.organisation_id,
                topic=new.topic,
                severity=new.severity,
                aggregate=new.aggregate,
                aggregate_id=str(new.aggregate_id),
                key=new.key,
                payload=dict(new.payload),
                raised_at=now,
            )
            for new in alerts
        ],
        ignore_conflicts=True,
    )
    return len({(new.organisation_id, new.key) for new in alerts} - known)


def end_alerts(
    *,
    aggregate: str = "",
    aggregate_ids: Collection[object] = (),
    keys: Collection[str] = (),
    ended_with: str,
    actor: Reader,
    now: datetime,
    topics: Collection[str] = (),
) -> int:
    """Let the open alerts about things that have ended be past; return how many were open.

    The things are named by their aggregate, or their alerts by `keys`. `ended_with` is the topic
    of what ended them; `topics`, where named, are those that end with it. One statement, in the
    transaction of the service that ends the things.
    """
    ids = [str(one) for one in aggregate_ids]
    about = Q(aggregate=aggregate, aggregate_id__in=ids) | Q(key__in=list(keys))
    found = Alert.objects.open().filter(about)
    if topics:
        found = found.filter(topic__in=topics)
    return found.update(ended_at=now, ended_by=actor.label, ended_with=ended_with)


@transaction.atomic
def acknowledge(*, alert: Alert, actor: Reader, now: datetime) -> Alert:
    """Note that somebody of the organisation has looked; a second look changes nothing.

    Raises NotYourAlert.
    """
    visible = Alert.objects.visible_to(actor).filter(pk=alert.pk)
    if not visible.exists():
        raise NotYourAlert(message=_("There is no such alert."), field="alert")
    locked = lock_one(Alert.objects.all(), alert.pk)
    if locked.acknowledged_at is None:
        locked.acknowledged_at, locked.acknowledged_by = now, actor.label
        locked.acknowledged_by_id = actor.person_id
        locked.save(update_fields=["acknowledged_at", "acknowledged_by", "acknowledged_by_id"])
        record(
            action="acknowledge_alert",
            actor=actor,
            object_type="outbox.alert",
            object_id=locked.pk,
            at=now,
            detail={"topic": locked.topic},
        )
    return locked

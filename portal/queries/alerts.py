"""Alerts of the reader's desk."""

from __future__ import annotations

from django.http import Http404

from outbox.models import Alert
from parties.actors import Actor

MOST_SHOWN = 200


def list_alerts(actor: Actor, *, only_open: bool) -> list[Alert]:
    """Return the latest alerts of the reader's organisation, newest first (one query)."""
    visible = Alert.objects.visible_to(actor)
    return list((visible.open() if only_open else visible)[:MOST_SHOWN])


def count_open_alerts(actor: Actor) -> int:
    """Return how many alerts nobody of the desk has acknowledged (one query)."""
    return Alert.objects.visible_to(actor).open().count()


def get_alert(actor: Actor, alert_id: int) -> Alert:
    """Return one alert; 404 for another desk's."""
    alert = Alert.objects.visible_to(actor).filter(pk=alert_id).first()
    if alert is None:
        raise Http404
    return alert

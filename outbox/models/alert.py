"""Alerts: what an organisation's desk must look at, until somebody has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.immutability import frozen_columns
from outbox.states import Severity

if TYPE_CHECKING:
    from outbox.models.audit import Reader


class AlertQuerySet(models.QuerySet["Alert"]):
    """Reads of alerts."""

    def visible_to(self, actor: Reader) -> Self:
        """Show an organisation its own alerts."""
        if actor.sees_everything:
            return self
        if actor.organisation_id is None:
            return self.none()
        return self.filter(organisation_id=actor.organisation_id)

    def open(self) -> Self:
        """Alerts that nobody has acknowledged, about what has not ended."""
        return self.filter(acknowledged_at__isnull=True, ended_at__isnull=True)


class Alert(models.Model):
    """One thing one organisation should know; raised once per `key`, acknowledged once.

    What it is about may end before anybody looked: then it is past, and says who ended what.
    """

    organisation_id = models.BigIntegerField(help_text="whose desk it is for")
    topic = models.CharField(max_length=80, help_text="what happened, as in events")
    severity = models.CharField(max_length=8, choices=Severity.choices)
    aggregate = models.CharField(max_length=60)
    aggregate_id = models.CharField(max_length=60)
    key = models.CharField(max_length=160, help_text="the same happening has the same key")
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    raised_at = models.DateTimeField(help_text="by the business's clock")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=160, blank=True)
    acknowledged_by_id = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=160, blank=True)
    ended_with = models.CharField(max_length=80, blank=True, help_text="topic of what ended it")

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organisation_id", "key"], name="alert_raised_once"),
            models.CheckConstraint(
                name="alert_severity_known", condition=Q(severity__in=Severity.values)
            ),
            models.CheckConstraint(
                name="alert_acknowledged_by_somebody",
                condition=Q(acknowledged_at__isnull=True, acknowledged_by="")
                | (Q(acknowledged_at__isnull=False) & ~Q(acknowledged_by="")),
            ),
            models.CheckConstraint(
                name="alert_ended_by_somebody_with_something",
                condition=Q(ended_at__isnull=True, ended_by="", ended_with="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="") & ~Q(ended_with="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation_id", "-raised_at"],
                name="alert_open_by_desk",
                condition=Q(acknowledged_at__isnull=True, ended_at__isnull=True),
            )
        ]
        triggers = [
            frozen_columns(
                "organisation_id",
                "topic",
                "severity",
                "aggregate",
                "aggregate_id",
                "key",
                "payload",
                "raised_at",
                "recorded_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.aggregate} {self.aggregate_id}"

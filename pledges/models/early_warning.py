"""Early warnings that stand or stood, and the thresholds of facilities that want their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.immutability import frozen_columns
from lending.models import Facility
from parties.models import Organisation
from pledges.rules.warnings import WarningRule

if TYPE_CHECKING:
    from parties.actors import Actor


class WarningThreshold(models.Model):
    """From which value on a rule warns of a facility; without a row the default holds."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="thresholds")
    rule = models.CharField(max_length=16, choices=WarningRule.choices)
    value = models.DecimalField(max_digits=12, decimal_places=4)
    active = models.BooleanField(default=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=160)

    class Meta:
        ordering = ["facility", "rule"]
        constraints = [
            models.UniqueConstraint(fields=["facility", "rule"], name="warning_threshold_set_once"),
            models.CheckConstraint(
                name="warning_threshold_rule_known", condition=Q(rule__in=WarningRule.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.rule}: {self.value}"


class EarlyWarningQuerySet(models.QuerySet["EarlyWarning"]):
    """Reads of early warnings."""

    def visible_to(self, actor: Actor) -> EarlyWarningQuerySet:
        """Show a lender its own warnings."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)

    def standing(self) -> EarlyWarningQuerySet:
        """Those that still hold."""
        return self.filter(closed_on__isnull=True)


class EarlyWarning(models.Model):
    """One rule that found one subject, from the first day to the last; one alert for all of it."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(
        Facility, on_delete=models.PROTECT, related_name="warnings", null=True
    )
    rule = models.CharField(max_length=16, choices=WarningRule.choices)
    subject = models.CharField(max_length=60)
    name = models.CharField(max_length=140, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=4, help_text="when last looked at")
    threshold = models.DecimalField(max_digits=12, decimal_places=4)
    first_on = models.DateField()
    last_on = models.DateField()
    closed_on = models.DateField(null=True)

    objects = EarlyWarningQuerySet.as_manager()

    class Meta:
        ordering = ["-first_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "facility", "rule", "subject"],
                condition=Q(closed_on__isnull=True),
                nulls_distinct=False,
                name="early_warning_stands_once",
            ),
            models.CheckConstraint(
                name="early_warning_rule_known", condition=Q(rule__in=WarningRule.values)
            ),
            models.CheckConstraint(
                name="early_warning_ends_after_it_began",
                condition=Q(last_on__gte=F("first_on")),
            ),
        ]
        triggers = [frozen_columns("tenant", "facility", "rule", "subject", "first_on")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.name or self.subject}"

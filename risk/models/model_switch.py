"""Another rate model for a commodity: asked for by one person, put in force by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from parties.models import Organisation, Person
from risk.models.commodity import Commodity
from risk.rate_models.codes import RateModelCode
from risk.states import OVERRIDE_STATES, OverrideState
from risk.triggers import AppliesRateModel

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("ratemodelswitch", "state", OVERRIDE_STATES)
_OPEN = Q(state=OverrideState.REQUESTED)


class RateModelSwitchQuerySet(models.QuerySet["RateModelSwitch"]):
    """Reads of switches."""

    def visible_to(self, actor: Actor) -> RateModelSwitchQuerySet:
        """Show a house what its own people ask for; the model in force is everybody's."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class RateModelSwitch(StateModel):
    """One switch of the model behind a commodity's rates, from the next publication on.

    The database makes it itself as the row becomes `applied`, and in no other way.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="switches")
    model_before = models.CharField(max_length=20, choices=RateModelCode.choices)
    model_after = models.CharField(max_length=20, choices=RateModelCode.choices)
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, help_text="why refused or withdrawn")
    state = StateField(OVERRIDE_STATES, max_length=9)

    objects = RateModelSwitchQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        verbose_name_plural = "rate model switches"
        constraints = [
            models.CheckConstraint(
                name="rate_model_switch_checked_by_another_person",
                condition=~Q(maker=F("checker")),
            ),
            models.CheckConstraint(
                name="rate_model_switch_decided_by_somebody",
                condition=_OPEN
                | Q(state=OverrideState.WITHDRAWN, checker__isnull=True)
                | Q(checker__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rate_model_switch_changes_the_model",
                condition=~Q(model_before=F("model_after"))
                & Q(model_after__in=RateModelCode.values),
            ),
            models.CheckConstraint(name="rate_model_switch_has_reason", condition=~Q(reason="")),
            models.UniqueConstraint(
                fields=["commodity"], condition=_OPEN, name="rate_model_switch_open_once"
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "commodity",
                "model_before",
                "model_after",
                "reason",
                "maker",
                "requested_at",
            ),
            AppliesRateModel(),
        ]

    def __str__(self) -> str:
        return f"{self.commodity}: {self.model_before} → {self.model_after}"

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.APPLIED)
    def apply(self, *, checker_id: int, now: datetime) -> None:
        """Put the model in force, by the word of a second person."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.REFUSED)
    def refuse(self, *, checker_id: int, note: str, now: datetime) -> None:
        """Leave the model as it is."""
        self.checker_id, self.decided_at, self.note = checker_id, now, note

    @transition(field=state, source=OverrideState.REQUESTED, target=OverrideState.WITHDRAWN)
    def withdraw(self, *, note: str, now: datetime) -> None:
        """Take the request back."""
        self.decided_at, self.note = now, note

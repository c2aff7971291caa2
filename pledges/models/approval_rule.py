"""Rules by which the lender approves an instruction without a person looking at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, RateField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Facility
from parties.models import Organisation, Person
from pledges.instruction_states import RULE_STATES, InstructionKind, RuleState

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("autoapprovalrule", "state", RULE_STATES)


class AutoApprovalRuleQuerySet(models.QuerySet["AutoApprovalRule"]):
    """Reads of rules."""

    def visible_to(self, actor: Actor) -> AutoApprovalRuleQuerySet:
        """Show them to the lender alone: the borrower need not know the thresholds."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class AutoApprovalRule(StateModel):
    """One version of a facility's rule for one kind of instruction; the next replaces it.

    Its numbers never change. It answers for what it approves with its two persons: whoever
    checked it is the checker of every instruction that passes by it.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="approval_rules")
    kind = models.CharField(max_length=10, choices=InstructionKind.choices)
    version = models.PositiveIntegerField()
    max_amount = MoneyAmountField(help_text="market value of the goods, at most")
    min_coverage = RateField(help_text="lending value ÷ exposure afterwards, at least")
    min_rating = RateField(null=True, help_text="custodian's share of orders in time, at least")
    min_rated = models.PositiveIntegerField(default=0, help_text="orders the rating rests on")
    valid_from = models.DateField()
    valid_until = models.DateField(help_text="first day on which it approves nothing any more")
    state = StateField(RULE_STATES, max_length=8)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = AutoApprovalRuleQuerySet.as_manager()

    class Meta:
        ordering = ["facility", "kind", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "kind", "version"], name="approval_rule_version_unique"
            ),
            models.UniqueConstraint(
                fields=["facility", "kind"],
                condition=Q(state=RuleState.IN_FORCE),
                name="approval_rule_one_in_force_per_kind",
            ),
            models.CheckConstraint(
                name="approval_rule_kind_known", condition=Q(kind__in=InstructionKind.values)
            ),
            models.CheckConstraint(
                name="approval_rule_bounds_possible",
                condition=Q(max_amount__gt=0, min_coverage__gte=0)
                & (Q(min_rating__isnull=True) | Q(min_rating__gte=0, min_rating__lte=1)),
            ),
            models.CheckConstraint(
                name="approval_rule_valid_for_a_day_at_least",
                condition=Q(valid_until__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="approval_rule_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="approval_rule_decided_by_somebody",
                condition=Q(state=RuleState.PROPOSED)
                | Q(checker__isnull=False, decided_at__isnull=False),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "kind",
                "version",
                "max_amount",
                "min_coverage",
                "min_rating",
                "min_rated",
                "valid_from",
                "valid_until",
                "maker",
                "proposed_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.kind} v{self.version}"

    @transition(field=state, source=RuleState.PROPOSED, target=RuleState.IN_FORCE)
    def come_into_force(self, *, checker_id: int, now: datetime) -> None:
        """Let it approve, by the word of a second person."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=RuleState.PROPOSED, target=RuleState.REFUSED)
    def refuse(self, *, checker_id: int, now: datetime) -> None:
        """Turn the proposal down."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=RuleState.IN_FORCE, target=RuleState.ENDED)
    def end(self, *, now: datetime) -> None:
        """Let it approve nothing any more: replaced, or no longer wanted."""
        self.ended_at = now

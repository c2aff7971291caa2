"""Default: the notice by which a lender says that the borrower has not kept the agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models.facility import Facility
from lending.states import NOTICE_STATES, DefaultCause, NoticeState
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person

if TYPE_CHECKING:
    from datetime import date, datetime

    from parties.actors import Actor

_GUARDS = state_guards("defaultnotice", "state", NOTICE_STATES)
_STANDING = [NoticeState.PROPOSED, NoticeState.DECLARED]
_GIVEN = [NoticeState.DECLARED, NoticeState.HEALED]


class DefaultNoticeQuerySet(models.QuerySet["DefaultNotice"]):
    """Reads of notices."""

    def visible_to(self, actor: Actor) -> DefaultNoticeQuerySet:
        """Show the lender all of its notices, the borrower those that were given."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(tenant_id=own) | Q(facility__borrower_id=own, state__in=_GIVEN))


class DefaultNotice(StateModel):
    """A facility's default: why, on what evidence, by which two people, and how it was healed.

    One stands per facility at most. `exposure` is what was owed on the day of the declaration.
    Healing takes two people again: `heal_maker` asks, `heal_checker` decides.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="defaults")
    cause = models.CharField(max_length=14, choices=DefaultCause.choices)
    reference = models.CharField(max_length=80, help_text="the evidence: loan, call, court order")
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    declared_at = models.DateTimeField(null=True)
    declared_on = models.DateField(null=True)
    exposure = MoneyAmountField(null=True)
    heal_maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    heal_reason = models.CharField(max_length=300, blank=True)
    heal_checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    healed_at = models.DateTimeField(null=True)
    state = StateField(NOTICE_STATES, max_length=10)

    objects = DefaultNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["proposed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility"],
                condition=Q(state__in=_STANDING),
                name="default_stands_once",
            ),
            models.CheckConstraint(
                name="default_cause_known", condition=Q(cause__in=DefaultCause.values)
            ),
            models.CheckConstraint(
                name="default_says_why", condition=~Q(reference="") & ~Q(reason="")
            ),
            models.CheckConstraint(
                name="default_declared_by_another_person",
                condition=~Q(state__in=_GIVEN)
                | (
                    Q(checker__isnull=False, declared_at__isnull=False)
                    & Q(declared_on__isnull=False, exposure__isnull=False)
                    & ~Q(maker=F("checker"))
                ),
            ),
            models.CheckConstraint(
                name="default_healed_by_two_people",
                condition=~Q(state=NoticeState.HEALED)
                | (
                    Q(heal_maker__isnull=False, heal_checker__isnull=False)
                    & Q(healed_at__isnull=False)
                    & ~Q(heal_maker=F("heal_checker"))
                ),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant", "facility", "cause", "reference", "reason", "maker", "proposed_at"
            ),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a notice belongs to its facility's lender",
                source="SELECT 1 FROM lending_facility f "
                "WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility}: {self.get_cause_display()}"

    @transition(field=state, source=NoticeState.PROPOSED, target=NoticeState.DECLARED)
    def declare(self, *, checker_id: int, on: date, now: datetime) -> None:
        """Give the notice, by the word of a second person."""
        self.checker_id, self.declared_on, self.declared_at = checker_id, on, now

    @transition(field=state, source=NoticeState.PROPOSED, target=NoticeState.WITHDRAWN)
    def withdraw(self) -> None:
        """Let the proposal fall; no notice was given."""

    @transition(field=state, source=NoticeState.DECLARED, target=NoticeState.HEALED)
    def heal(self, *, checker_id: int, now: datetime) -> None:
        """End the default, by the word of a second person."""
        self.heal_checker_id, self.healed_at = checker_id, now

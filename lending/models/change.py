"""Changes of a facility's terms: asked for by one person, decided by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models.facility import Facility
from lending.states import CHANGE_STATES, ChangeState
from lending.terms import CHANGEABLE
from lending.triggers import AppliesTerms
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters

if TYPE_CHECKING:
    from datetime import datetime

    from parties.actors import Actor

_GUARDS = state_guards("facilitychange", "state", CHANGE_STATES)
_OPEN = Q(state=ChangeState.REQUESTED)
_CURRENCY = 'SELECT f.currency FROM lending_facility f WHERE f.id = NEW."facility_id"'
# The limit that stands after the change, changed or not.
_LIMIT = (
    """coalesce((NEW."after"->>'limit')::numeric, """
    """(SELECT f."limit" FROM lending_facility f WHERE f.id = NEW."facility_id"))"""
)


class FacilityChangeQuerySet(models.QuerySet["FacilityChange"]):
    """Reads of changes of terms."""

    def visible_to(self, actor: Actor) -> FacilityChangeQuerySet:
        """Show the lender's people what is asked for; a borrower sees the terms that stand."""
        if actor.sees_everything:
            return self
        return self.filter(tenant_id=actor.organisation_id)


class FacilityChange(StateModel):
    """One change of agreed terms. The database makes it itself as the row becomes `applied`.

    `before` and `after` hold the terms that change, by name, as text where they are decimals or
    days. Whoever applies it is not its maker and has the authority to set the limit that stands
    after it: the database looks that up.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="changes")
    before = models.JSONField(help_text="the terms it was asked against")
    after = models.JSONField(help_text="the same terms as they are to be")
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, help_text="why refused or withdrawn")
    state = StateField(CHANGE_STATES, max_length=9)

    objects = FacilityChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="facility_change_checked_by_another_person",
                condition=~Q(maker=F("checker")),
            ),
            models.CheckConstraint(
                name="facility_change_decided_by_somebody",
                condition=_OPEN
                | Q(state=ChangeState.WITHDRAWN, checker__isnull=True)
                | Q(checker__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="facility_change_changes_something",
                condition=~Q(after={}) & ~Q(after=F("before")),
            ),
            models.CheckConstraint(name="facility_change_has_reason", condition=~Q(reason="")),
            models.UniqueConstraint(
                fields=["facility"], condition=_OPEN, name="facility_change_open_once"
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant", "facility", "before", "after", "reason", "maker", "requested_at"
            ),
            WithinAuthority(
                Act.SET_LIMIT,
                amount=_LIMIT,
                currency=_CURRENCY,
                condition=enters(ChangeState.APPLIED),
            ),
            AppliesTerms(*CHANGEABLE),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {', '.join(self.after)}"

    @transition(field=state, source=ChangeState.REQUESTED, target=ChangeState.APPLIED)
    def apply(self, *, checker_id: int, now: datetime) -> None:
        """Put the new terms in force, by the word of a second person."""
        self.checker_id, self.decided_at = checker_id, now

    @transition(field=state, source=ChangeState.REQUESTED, target=ChangeState.REFUSED)
    def refuse(self, *, checker_id: int, note: str, now: datetime) -> None:
        """Leave the terms as they are."""
        self.checker_id, self.decided_at, self.note = checker_id, now, note

    @transition(field=state, source=ChangeState.REQUESTED, target=ChangeState.WITHDRAWN)
    def withdraw(self, *, note: str, now: datetime) -> None:
        """Take the request back."""
        self.decided_at, self.note = now, note

"""Write-offs: what leaves the balance sheet and is claimed from the borrower all the same."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from common.triggers import RefusingTrigger
from lending.models.loan import Loan
from lending.states import WRITE_OFF_STATES, Component, WriteOffState
from lending.triggers import CopiesAgree
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority, enters

if TYPE_CHECKING:
    from datetime import date, datetime

    from parties.actors import Actor

_GUARDS = state_guards("writeoff", "state", WRITE_OFF_STATES)


class WriteOffQuerySet(models.QuerySet["WriteOff"]):
    """Reads of write-offs."""

    def visible_to(self, actor: Actor) -> WriteOffQuerySet:
        """Show the lender its own; to the borrower what is claimed, once it is booked."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        booked = Q(loan__facility__borrower_id=own, state=WriteOffState.BOOKED)
        return self.filter(Q(tenant_id=own) | booked)


class WriteOff(StateModel):
    """A loan of a facility in default that leaves the books; booked at most once per loan.

    `amount` is all that was owed on it then, component by component in its parts; `recovered`
    what came in since. The rest is still claimed, off balance.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="write_offs")
    amount = MoneyAmountField(help_text="owed when asked for; when booked, what was written off")
    recovered = MoneyAmountField(default=0)
    reason = models.CharField(max_length=300)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    booked_on = models.DateField(null=True)
    state = StateField(WRITE_OFF_STATES, max_length=10)

    objects = WriteOffQuerySet.as_manager()

    class Meta:
        ordering = ["requested_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["loan"],
                condition=~Q(state=WriteOffState.REFUSED),
                name="loan_written_off_once",
            ),
            models.CheckConstraint(name="write_off_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="write_off_recovered_within_amount",
                condition=Q(recovered__gte=0, recovered__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="write_off_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="write_off_booked_has_checker",
                condition=~Q(state=WriteOffState.BOOKED)
                | Q(checker__isnull=False, decided_at__isnull=False, booked_on__isnull=False),
            ),
            models.CheckConstraint(
                name="write_off_recovers_once_booked",
                condition=Q(state=WriteOffState.BOOKED) | Q(recovered=0),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns("tenant", "loan", "reason", "maker", "requested_at"),
            WithinAuthority(
                Act.WRITE_OFF,
                amount='NEW."amount"',
                currency="SELECT f.currency FROM lending_facility f "
                'JOIN lending_loan l ON l.facility_id = f.id WHERE l.id = NEW."loan_id"',
                condition=enters(WriteOffState.BOOKED),
            ),
            RefusingTrigger(
                constraint="amount_fixed_once_booked",
                message="what was written off never changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'requested' AND NEW.amount IS DISTINCT FROM OLD.amount"
                ),
            ),
            CopiesAgree(
                constraint="copies_agree_with_loan",
                message="a write-off belongs to its loan's lender",
                source="SELECT 1 FROM lending_loan l "
                "WHERE l.id = NEW.loan_id AND l.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan}: {self.amount}"

    @property
    def claimed(self) -> Decimal:
        """What is still claimed from the borrower, off balance; nothing before it is booked."""
        booked = self.state == WriteOffState.BOOKED
        return self.amount - self.recovered if booked else Decimal(0)

    @transition(field=state, source=WriteOffState.REQUESTED, target=WriteOffState.BOOKED)
    def book(self, *, checker_id: int, amount: Decimal, on: date, now: datetime) -> None:
        """Take the loan off the books, by the word of a second person."""
        self.checker_id, self.amount = checker_id, amount
        self.booked_on, self.decided_at = on, now

    @transition(field=state, source=WriteOffState.REQUESTED, target=WriteOffState.REFUSED)
    def refuse(self, *, checker_id: int, now: datetime) -> None:
        """Turn the request down; the loan stays in the books."""
        self.checker_id, self.decided_at = checker_id, now


class WriteOffPart(models.Model):
    """The part of a write-off that one component of the loan was; never changed."""

    write_off = models.ForeignKey(WriteOff, on_delete=models.PROTECT, related_name="parts")
    component = models.CharField(max_length=10, choices=Component.choices)
    amount = MoneyAmountField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="write_off_part_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="write_off_part_component_known", condition=Q(component__in=Component.values)
            ),
            models.UniqueConstraint(
                fields=["write_off", "component"], name="write_off_part_once_per_component"
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.component} {self.amount}"


class Recovery(models.Model):
    """Money that came in on a claim after it was written off: income of its day; never changed."""

    write_off = models.ForeignKey(WriteOff, on_delete=models.PROTECT, related_name="recoveries")
    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    amount = MoneyAmountField()
    received_on = models.DateField()
    reference = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "recoveries"
        ordering = ["received_on", "id"]
        constraints = [
            models.CheckConstraint(name="recovery_amount_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                fields=["tenant", "reference"], name="recovery_reference_unique"
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.amount} on {self.received_on}"

"""Loans: one drawdown under a facility."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import MoneyAmountField, RateField
from lending.models.facility import Facility
from lending.states import LoanState, Product
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class LoanQuerySet(models.QuerySet["Loan"]):
    """Reads of loans."""

    def visible_to(self, actor: Actor) -> LoanQuerySet:
        """Whoever sees the facility sees its loans."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )


class Loan(models.Model):
    """A principal, its price and what is owed now, component by component.

    The stored components equal the ledger's accounts of the loan. `interest_exact` and
    `penalty_exact` keep the unrounded accrual since drawing, so that daily rounding never drifts.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="loans")
    number = models.CharField(max_length=30)
    product = models.CharField(max_length=10, choices=Product.choices)
    principal = MoneyAmountField(help_text="agreed amount")
    drawn = MoneyAmountField(default=0)
    annual_rate = RateField()
    penalty_rate = RateField()
    agreed_on = models.DateField()
    due_on = models.DateField()
    accrued_through = models.DateField(null=True, help_text="interest is counted up to here")
    owed_principal = MoneyAmountField(default=0)
    owed_interest = MoneyAmountField(default=0)
    owed_penalty = MoneyAmountField(default=0)
    owed_fees = MoneyAmountField(default=0)
    owed_costs = MoneyAmountField(default=0)
    interest_exact = models.DecimalField(max_digits=30, decimal_places=12, default=0)
    interest_posted = MoneyAmountField(default=0)
    penalty_exact = models.DecimalField(max_digits=30, decimal_places=12, default=0)
    penalty_posted = MoneyAmountField(default=0)
    state = models.CharField(max_length=10, choices=LoanState.choices, default=LoanState.AGREED)

    objects = LoanQuerySet.as_manager()

    class Meta:
        ordering = ["agreed_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="loan_number_unique"),
            models.CheckConstraint(name="loan_principal_positive", condition=Q(principal__gt=0)),
            models.CheckConstraint(
                name="loan_drawn_within_principal",
                condition=Q(drawn__gte=0, drawn__lte=F("principal")),
            ),
            models.CheckConstraint(
                name="loan_components_not_negative",
                condition=Q(
                    owed_principal__gte=0,
                    owed_interest__gte=0,
                    owed_penalty__gte=0,
                    owed_fees__gte=0,
                    owed_costs__gte=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.number

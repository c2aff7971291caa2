"""Money back, what it paid, and the small rest that a rule let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from common.immutability import append_only, frozen_columns, kept
from common.triggers import RefusingTrigger
from lending.models.facility import Facility
from lending.models.loan import Loan
from lending.states import Component, RepaymentSource
from lending.triggers import CopiesAgree
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor

_SAME_FACILITY = (
    "SELECT 1 FROM lending_loan l JOIN lending_repayment r ON r.facility_id = l.facility_id "
    "WHERE l.id = NEW.loan_id AND r.id = NEW.repayment_id"
)


class RepaymentQuerySet(models.QuerySet["Repayment"]):
    """Reads of repayments."""

    def visible_to(self, actor: Actor) -> RepaymentQuerySet:
        """Whoever sees the facility sees its repayments."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )


class Repayment(models.Model):
    """One amount received for a facility and shared out by its waterfall; never changed.

    A refinancing names the loan whose drawing paid it. `reversed_at` is set by the reversal that
    took the repayment back (see `RepaymentReversal`), and by nothing else; its reference may then
    be used again.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="repayments")
    amount = MoneyAmountField()
    received_on = models.DateField()
    source = models.CharField(max_length=12, choices=RepaymentSource.choices)
    refinanced_by = models.ForeignKey(
        Loan, on_delete=models.PROTECT, related_name="refinancings", null=True
    )
    reference = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True, blank=True)

    objects = RepaymentQuerySet.as_manager()

    class Meta:
        ordering = ["received_on", "id"]
        constraints = [
            models.CheckConstraint(name="repayment_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="repayment_source_known", condition=Q(source__in=RepaymentSource.values)
            ),
            models.CheckConstraint(
                name="repayment_by_refinancing_names_loan",
                condition=Q(source=RepaymentSource.REFINANCE, refinanced_by__isnull=False)
                | (~Q(source=RepaymentSource.REFINANCE) & Q(refinanced_by__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["tenant", "reference"],
                condition=Q(reversed_at__isnull=True),
                name="repayment_reference_unique",
            ),
        ]
        triggers = [
            frozen_columns(
                "tenant",
                "facility",
                "amount",
                "received_on",
                "source",
                "refinanced_by",
                "reference",
                "recorded_at",
            ),
            *kept(),
            RefusingTrigger(
                constraint="reversed_by_its_reversal",
                message="a reversal takes a repayment back, by two persons, once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "pg_trigger_depth() = 0 AND OLD.reversed_at IS DISTINCT FROM NEW.reversed_at"
                ),
            ),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a repayment belongs to its facility's lender",
                source="SELECT 1 FROM lending_facility f WHERE f.id = NEW.facility_id "
                "AND f.tenant_id = NEW.tenant_id AND (NEW.refinanced_by_id IS NULL OR EXISTS "
                "(SELECT 1 FROM lending_loan l "
                "WHERE l.id = NEW.refinanced_by_id AND l.facility_id = f.id))",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on {self.received_on}"


class RepaymentAllocation(models.Model):
    """The part of a repayment that paid one component of one loan; never changed."""

    repayment = models.ForeignKey(Repayment, on_delete=models.PROTECT, related_name="allocations")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="allocations")
    component = models.CharField(max_length=10, choices=Component.choices)
    amount = MoneyAmountField()
    counted_on = models.DateField(help_text="the day that it counted for this loan's interest")

    class Meta:
        constraints = [
            models.CheckConstraint(name="repayment_allocation_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="repayment_allocation_component_known",
                condition=Q(component__in=Component.values),
            ),
            models.UniqueConstraint(
                fields=["repayment", "loan", "component"], name="repayment_allocated_once"
            ),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="loan_of_same_facility",
                message="a repayment pays loans of its own facility",
                source=_SAME_FACILITY,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.amount} of {self.loan}"


class Waiver(models.Model):
    """A rest within the facility's tolerance that a repayment left and the rule let go."""

    repayment = models.ForeignKey(Repayment, on_delete=models.PROTECT, related_name="waivers")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="waivers")
    component = models.CharField(max_length=10, choices=Component.choices)
    amount = MoneyAmountField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="waiver_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="waiver_component_known", condition=Q(component__in=Component.values)
            ),
            models.UniqueConstraint(fields=["repayment", "loan", "component"], name="waived_once"),
        ]
        triggers = [
            *append_only(),
            CopiesAgree(
                constraint="loan_of_same_facility",
                message="a waiver follows a repayment of the loan's own facility",
                source=_SAME_FACILITY,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.amount} of {self.loan} waived"

"""Money back and what it paid."""

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from lending.models.facility import Facility
from lending.models.loan import Loan
from lending.states import Component
from parties.models import Organisation


class Repayment(models.Model):
    """One amount received for a facility and shared out by its waterfall."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="repayments")
    amount = MoneyAmountField()
    received_on = models.DateField()
    source = models.CharField(max_length=12, help_text="cash, proceeds or refinance")
    reference = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["received_on", "id"]
        constraints = [
            models.CheckConstraint(name="repayment_amount_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                fields=["tenant", "reference"], name="repayment_reference_unique"
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

    class Meta:
        constraints = [
            models.CheckConstraint(name="repayment_allocation_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                fields=["repayment", "loan", "component"], name="repayment_allocated_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.amount} of {self.loan}"

"""Margin calls: opened by the database's own reading of cover, cured by acts."""

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from lending.models import Facility
from parties.models import Organisation
from pledges.models.conversion import Conversion
from pledges.states import MarginCallState


class MarginCall(models.Model):
    """A demand for cover with a cure clock. One is open per facility at most."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="margin_calls")
    state = models.CharField(
        max_length=10, choices=MarginCallState.choices, default=MarginCallState.OPEN
    )
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    due_at = models.DateTimeField()
    cause = models.JSONField(help_text="what moved: prices before and after, rates, accrual")
    exposure = MoneyAmountField()
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()
    cash_needed = MoneyAmountField(help_text="E − ΣLV when opened")
    escalated_at = models.DateTimeField(null=True, blank=True)
    cured_at = models.DateTimeField(null=True, blank=True)
    cured_by = models.ForeignKey(
        Conversion, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    cure = models.CharField(max_length=12, blank=True, help_text="goods, cash or price")

    class Meta:
        ordering = ["opened_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility"],
                condition=~Q(state=MarginCallState.CURED),
                name="margin_call_open_once",
            ),
            models.CheckConstraint(
                name="margin_call_cash_positive", condition=Q(cash_needed__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.opened_on}"

"""Margin calls: opened by the database's own reading of cover, cured by acts."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models import Facility
from parties.models import Organisation
from pledges.models.conversion import Conversion
from pledges.states import MARGIN_CALL_STATES, Cure, MarginCallState
from pledges.triggers import DueMovesByExtension

_guards = state_guards("margincall", "state", MARGIN_CALL_STATES)


class MarginCall(StateModel):
    """A demand for cover with a cure clock. One is open per facility at most."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="margin_calls")
    state = StateField(MARGIN_CALL_STATES, max_length=10)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    due_at = models.DateTimeField()
    cause = models.JSONField(help_text="what moved: prices before and after, rates, accrual")
    exposure = MoneyAmountField()
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()
    cash_needed = MoneyAmountField(help_text="E − ΣLV when opened")
    escalated_at = models.DateTimeField(null=True, blank=True)
    ran_out_at = models.DateTimeField(
        null=True, blank=True, help_text="when the clock was found to have run out"
    )
    cured_at = models.DateTimeField(null=True, blank=True)
    cured_by = models.ForeignKey(
        Conversion, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    cure = models.CharField(
        max_length=12, blank=True, help_text="goods, cash, price, mixed or write-off"
    )

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
            models.CheckConstraint(
                name="margin_call_cured_says_when",
                condition=Q(cured_at__isnull=True) ^ Q(state=MarginCallState.CURED),
            ),
            models.CheckConstraint(
                name="margin_call_cure_known", condition=Q(cure__in=["", *Cure.values])
            ),
            *_guards.constraints,
        ]
        triggers = [
            frozen_columns(
                "tenant",
                "facility",
                "opened_at",
                "opened_on",
                "cause",
                "exposure",
                "market_value",
                "lending_value",
                "cash_needed",
            ),
            DueMovesByExtension(),
            *_guards.triggers,
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.opened_on}"

    def is_out_of_time(self, now: datetime) -> bool:
        """Tell whether the cure clock has run out: the last instant is still the borrower's."""
        return self.due_at < now

    @transition(field=state, source=MarginCallState.OPEN, target=MarginCallState.ESCALATED)
    def escalate(self, *, now: datetime) -> None:
        """Press on: the cover fell to the close-out line, or the clock ran out."""
        self.escalated_at = now

    @transition(
        field=state,
        source=[MarginCallState.OPEN, MarginCallState.ESCALATED],
        target=MarginCallState.CURED,
    )
    def be_cured(self, *, now: datetime, cure: str, conversion: Conversion | None) -> None:
        """Exposure is within lending value again, by goods, cash, the price or a write-off."""
        self.cured_at, self.cure, self.cured_by = now, cure, conversion

"""Loans: one drawdown under a facility."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.daycounts import DayCount
from common.fields import MoneyAmountField, RateField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.models.facility import Facility
from lending.rules import Accrual, payable
from lending.states import LOAN_STATES, OWING, Component, LoanState, Product
from lending.triggers import CopiesAgree, NeverRaised
from parties.models import Organisation

if TYPE_CHECKING:
    from datetime import date

    from parties.actors import Actor

_GUARDS = state_guards("loan", "state", LOAN_STATES)


class LoanQuerySet(models.QuerySet["Loan"]):
    """Reads of loans."""

    def visible_to(self, actor: Actor) -> LoanQuerySet:
        """Whoever sees the facility sees its loans."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(facility__borrower_id=actor.organisation_id)
        )


class Loan(StateModel):
    """A principal, its price and what is owed now, component by component.

    The stored components equal the ledger's accounts of the loan. `accrues_from` is the date since
    which the principal stands as it is; `interest_exact` and `penalty_exact` keep the unrounded
    interest of the time before it. What is posted on a day is that, plus the interest of the whole
    current period, less what was posted before: daily rounding never drifts, conventions that do
    not add up day by day (30/360) come out right, and no day costs more than the first.
    After `interest_stops_on` nothing accrues.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="loans")
    number = models.CharField(max_length=30)
    product = models.CharField(max_length=10, choices=Product.choices)
    principal = MoneyAmountField(help_text="agreed amount")
    drawn = MoneyAmountField(default=0)
    annual_rate = RateField()
    penalty_rate = RateField(help_text="on overdue principal, on top of the annual rate")
    agreed_on = models.DateField()
    due_on = models.DateField()
    interest_stops_on = models.DateField(null=True, blank=True)
    accrues_from = models.DateField(null=True, help_text="the principal stands since this date")
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
    state = StateField(LOAN_STATES, max_length=12)

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
            models.CheckConstraint(
                name="loan_owes_no_more_principal_than_drawn",
                condition=Q(owed_principal__lte=F("drawn")),
            ),
            models.CheckConstraint(
                name="loan_product_known", condition=Q(product__in=Product.values)
            ),
            models.CheckConstraint(
                name="loan_due_after_agreed", condition=Q(due_on__gt=F("agreed_on"))
            ),
            models.CheckConstraint(
                name="loan_accrues_once_drawn",
                condition=Q(state__in=[LoanState.AGREED, LoanState.CANCELLED])
                | Q(accrues_from__isnull=False, accrued_through__gte=F("accrues_from")),
            ),
            models.CheckConstraint(
                name="loan_finished_owes_nothing",
                condition=Q(state__in=[LoanState.AGREED, *sorted(OWING)])
                | Q(
                    owed_principal=0,
                    owed_interest=0,
                    owed_penalty=0,
                    owed_fees=0,
                    owed_costs=0,
                ),
            ),
            *_GUARDS.constraints,
        ]
        indexes = [
            models.Index(
                name="loan_owing",
                fields=["facility", "accrued_through"],
                condition=Q(state__in=sorted(OWING)),
            )
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "tenant",
                "facility",
                "number",
                "product",
                "annual_rate",
                "penalty_rate",
                "agreed_on",
                "due_on",
            ),
            NeverRaised("principal"),
            CopiesAgree(
                constraint="copies_agree_with_facility",
                message="a loan belongs to its facility's lender",
                source="SELECT 1 FROM lending_facility f "
                "WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def undrawn(self) -> Decimal:
        """What may still be drawn of the agreed amount."""
        return self.principal - self.drawn

    @property
    def owed(self) -> dict[Component, Decimal]:
        """What is owed now, by component, as far as interest has been counted."""
        return {component: getattr(self, f"owed_{component.value}") for component in Component}

    @property
    def owed_total(self) -> Decimal:
        """The sum of all components."""
        return sum(self.owed.values(), Decimal(0))

    @property
    def accrual(self) -> Accrual:
        """The terms and the state of its interest; the loan has been drawn, its facility is read.

        ValueError before the first drawing: no interest has a beginning then.
        """
        if self.accrues_from is None:
            raise ValueError(f"{self.number} has not been drawn")
        return Accrual(
            principal=self.owed_principal,
            annual_rate=self.annual_rate,
            penalty_rate=self.penalty_rate,
            day_count=DayCount(self.facility.day_count),
            accrues_from=self.accrues_from,
            due_on=self.due_on,
            stops_on=self.interest_stops_on,
            interest_base=self.interest_exact,
            penalty_base=self.penalty_exact,
        )

    def counted_on(self, day: date) -> tuple[Decimal, Decimal]:
        """Return interest and penalty since drawing as they are to be posted on a day, rounded."""
        terms, currency = self.accrual, self.facility.currency
        interest, penalty = terms.interest_through(day), terms.penalty_through(day)
        return payable(interest, currency), payable(penalty, currency)

    def payment_day(self, on: date) -> date:
        """Return the day that money of a day counts for this loan: its own, if that is still open.

        A principal that changed since, or interest paid since, stand settled: they are not
        reopened for money recorded late.
        """
        if self.accrues_from is None or self.accrued_through is None or on >= self.accrued_through:
            return on
        day = max(on, self.accrues_from)
        interest, penalty = self.counted_on(day)
        if interest < self.interest_posted - self.owed_interest:
            return self.accrued_through
        return self.accrued_through if penalty < self.penalty_posted - self.owed_penalty else day

    def owed_on(self, on: date) -> dict[Component, Decimal]:
        """Return what a payment on a day would have to cover, by component; changes nothing."""
        owed = self.owed
        if self.accrues_from is not None and self.state in OWING:
            interest, penalty = self.counted_on(self.payment_day(on))
            owed[Component.INTEREST] += interest - self.interest_posted
            owed[Component.PENALTY] += penalty - self.penalty_posted
        return owed

    @transition(field=state, source=LoanState.AGREED, target=LoanState.DRAWN)
    def draw(self) -> None:
        """Start owing."""

    @transition(field=state, source=LoanState.AGREED, target=LoanState.CANCELLED)
    def cancel(self) -> None:
        """Give the whole agreed amount up, undrawn."""

    @transition(field=state, source=LoanState.DRAWN, target=LoanState.OVERDUE)
    def fall_overdue(self) -> None:
        """Owe something after the due date."""

    @transition(
        field=state,
        source=[LoanState.DRAWN, LoanState.OVERDUE],
        target=LoanState.REPAID,
        conditions=[lambda loan: loan.owed_total == 0],
    )
    def finish(self) -> None:
        """Owe nothing any more, unless a repayment is taken back."""

    @transition(
        field=state,
        source=LoanState.REPAID,
        target=LoanState.DRAWN,
        conditions=[lambda loan: loan.owed_total > 0],
    )
    def reopen(self) -> None:
        """Owe again what a repayment that was taken back had paid, in time."""

    @transition(
        field=state,
        source=LoanState.REPAID,
        target=LoanState.OVERDUE,
        conditions=[lambda loan: loan.owed_total > 0],
    )
    def reopen_late(self) -> None:
        """Owe it again after the due date."""

    @transition(
        field=state,
        source=[LoanState.DRAWN, LoanState.OVERDUE],
        target=LoanState.WRITTEN_OFF,
        conditions=[lambda loan: loan.owed_total == 0],
    )
    def be_written_off(self) -> None:
        """Leave the balance sheet: its write-off keeps what is claimed from the borrower."""

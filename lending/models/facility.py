"""The facility: one lender, one borrower, one collateral pool."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import F, Q

from common.daycounts import DayCount
from common.fields import CurrencyField, MoneyAmountField, RateField
from common.immutability import frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from lending.states import DEFAULT_WATERFALL, FACILITY_STATES, FacilityState, Jurisdiction
from lending.terms import CHANGEABLE
from lending.triggers import FrozenAfterDraft
from parties.models import Organisation, Person
from parties.roles import Act
from parties.triggers import WithinAuthority

if TYPE_CHECKING:
    from parties.actors import Actor

_GUARDS = state_guards("facility", "state", FACILITY_STATES)


def default_waterfall() -> list[str]:
    """Return the repayment order of domain.md."""
    return [str(component) for component in DEFAULT_WATERFALL]


class FacilityQuerySet(models.QuerySet["Facility"]):
    """Reads of facilities."""

    def visible_to(self, actor: Actor) -> FacilityQuerySet:
        """Lender and borrower of a facility see it; nobody else does."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(tenant_id=actor.organisation_id) | Q(borrower_id=actor.organisation_id)
        )


class Facility(StateModel):
    """The credit agreement. Its row is the lock for everything that changes cover or exposure.

    `exposure` is the stored sum of what its loans owe (domain.md: E), kept by lending in the
    same transaction as the loans. Lines are shares of market value; null means the default
    w = θ + (1−θ)/3 and c = θ + 2(1−θ)/3 per position. `penalty_rate` is charged on overdue
    principal on top of `annual_rate`. A loan that a payment leaves owing no more than
    `waiver_tolerance` is let off the rest.
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="facilities")
    borrower = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="borrowed_facilities"
    )
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    currency = CurrencyField()
    limit = MoneyAmountField()
    products = models.JSONField(default=list)
    annual_rate = RateField()
    penalty_rate = RateField()
    day_count = models.CharField(max_length=10, choices=DayCount.choices, default=DayCount.ACT_360)
    waterfall = models.JSONField(default=default_waterfall)
    waiver_tolerance = MoneyAmountField(default=0)
    order_advance_rate = RateField(help_text="lending value of a paid order claim")
    receivable_advance_rate = RateField(help_text="advance on the face of a receivable")
    watch_line = RateField(null=True, blank=True)
    call_line = RateField(null=True, blank=True)
    release_factor = RateField(default=Decimal("0.9"))
    cure_business_days = models.PositiveSmallIntegerField(default=2)
    minimum_controlled_value = MoneyAmountField(default=0)
    jurisdiction = models.CharField(
        max_length=2, choices=Jurisdiction.choices, default=Jurisdiction.CHINA
    )
    insurance_required = models.BooleanField(default=False)
    control_required = models.BooleanField(
        default=False, help_text="goods count only while the supervisor's control is evidenced"
    )
    opened_on = models.DateField()
    matures_on = models.DateField()
    state = StateField(FACILITY_STATES, max_length=10)
    maker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    checker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", null=True)
    exposure = MoneyAmountField(default=0)

    objects = FacilityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "facilities"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="facility_code_unique"),
            models.CheckConstraint(name="facility_limit_positive", condition=Q(limit__gt=0)),
            models.CheckConstraint(
                name="facility_exposure_not_negative", condition=Q(exposure__gte=0)
            ),
            models.CheckConstraint(
                name="facility_rates_not_negative",
                condition=Q(annual_rate__gte=0, penalty_rate__gte=0, waiver_tolerance__gte=0),
            ),
            models.CheckConstraint(
                name="facility_day_count_known", condition=Q(day_count__in=DayCount.values)
            ),
            models.CheckConstraint(
                name="facility_jurisdiction_known",
                condition=Q(jurisdiction__in=Jurisdiction.values),
            ),
            models.CheckConstraint(
                name="facility_lender_is_not_borrower", condition=~Q(tenant=F("borrower"))
            ),
            models.CheckConstraint(
                name="facility_checked_by_another_person", condition=~Q(maker=F("checker"))
            ),
            models.CheckConstraint(
                name="facility_beyond_draft_has_checker",
                condition=Q(state=FacilityState.DRAFT) | Q(checker__isnull=False),
            ),
            models.CheckConstraint(
                name="facility_lines_in_order",
                condition=Q(watch_line__isnull=True, call_line__isnull=True)
                | Q(watch_line__gt=0, call_line__gt=F("watch_line"), call_line__lte=1),
            ),
            models.CheckConstraint(
                name="facility_matures_after_opening",
                condition=Q(matures_on__gt=F("opened_on")),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns("tenant", "borrower", "code", "currency", "day_count", "maker"),
            frozen_columns(
                "jurisdiction", "insurance_required", "control_required", constraint="law_frozen"
            ),
            WithinAuthority(
                Act.SET_LIMIT,
                amount='NEW."limit"',
                currency='NEW."currency"',
                condition=pgtrigger.Condition(
                    "OLD.\"state\" = 'draft' AND NEW.\"state\" <> 'draft'"
                ),
            ),
            FrozenAfterDraft(*CHANGEABLE, "opened_on", "checker_id"),
        ]

    def __str__(self) -> str:
        return self.code

    @transition(field=state, source=FacilityState.DRAFT, target=FacilityState.ACTIVE)
    def activate(self, *, checker_id: int) -> None:
        """Let loans be agreed under it; `checker_id` is the second person."""
        self.checker_id = checker_id

    @transition(field=state, source=FacilityState.ACTIVE, target=FacilityState.FROZEN)
    def freeze(self) -> None:
        """Stop drawing; what is owed goes on being owed and repaid."""

    @transition(field=state, source=FacilityState.FROZEN, target=FacilityState.ACTIVE)
    def unfreeze(self) -> None:
        """Let drawing go on."""

    @transition(
        field=state,
        source=[FacilityState.ACTIVE, FacilityState.DEFAULTED],
        target=FacilityState.CLOSED,
        conditions=[lambda facility: facility.exposure == 0],
    )
    def close(self) -> None:
        """End the agreement; nothing may be owed."""

    @transition(
        field=state,
        source=[FacilityState.ACTIVE, FacilityState.FROZEN],
        target=FacilityState.DEFAULTED,
    )
    def fall_into_default(self) -> None:
        """Stop drawing for good; what is owed stays owed, and the collateral may be sold."""

    @transition(field=state, source=FacilityState.DEFAULTED, target=FacilityState.ACTIVE)
    def heal(self) -> None:
        """Let business go on: the default is cured."""

"""The facility: one lender, one borrower, one collateral pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import CurrencyField, MoneyAmountField, RateField
from lending.states import DEFAULT_WATERFALL, DayCount, FacilityState
from parties.models import Organisation, Person

if TYPE_CHECKING:
    from parties.actors import Actor


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


class Facility(models.Model):
    """The credit agreement. Its row is the lock for everything that changes cover or exposure.

    `exposure` is the stored sum of what its loans owe (domain.md: E), kept by lending in the
    same transaction as the loans. Lines are shares of market value; null means the default
    w = θ + (1−θ)/3 and c = θ + 2(1−θ)/3 per position.
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
    order_advance_rate = RateField(help_text="lending value of a paid order claim")
    receivable_advance_rate = RateField(help_text="advance on the face of a receivable")
    watch_line = RateField(null=True, blank=True)
    call_line = RateField(null=True, blank=True)
    release_factor = RateField(default="0.9")
    cure_business_days = models.PositiveSmallIntegerField(default=2)
    minimum_controlled_value = MoneyAmountField(default=0)
    opened_on = models.DateField()
    matures_on = models.DateField()
    state = models.CharField(
        max_length=8, choices=FacilityState.choices, default=FacilityState.DRAFT
    )
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
                name="facility_lender_is_not_borrower", condition=~Q(tenant=F("borrower"))
            ),
            models.CheckConstraint(
                name="facility_checked_by_another_person", condition=~Q(maker=F("checker"))
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
        ]

    def __str__(self) -> str:
        return self.code

"""Cover: how a facility stands now, and how it stood at every change."""

from django.db import models
from django.db.models import Q

from common.fields import MoneyAmountField
from common.immutability import append_only
from lending.models import Facility
from parties.models import Organisation
from pledges.models.conversion import Conversion
from pledges.states import Band


class FacilityCover(models.Model):
    """The band a facility is in, since when; written when it changes or an act is recorded."""

    facility = models.OneToOneField(
        Facility, on_delete=models.PROTECT, primary_key=True, related_name="cover"
    )
    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    band = models.CharField(max_length=10, choices=Band.choices, default=Band.COVERED)
    since = models.DateTimeField()
    exposure = MoneyAmountField(default=0)
    market_value = MoneyAmountField(default=0)
    lending_value = MoneyAmountField(default=0)
    glided_value = MoneyAmountField(default=0, help_text="lending value at the glided rates")
    assessed_at = models.DateTimeField()
    as_of = models.DateField(help_text="business date whose prices were used")

    class Meta:
        constraints = [
            models.CheckConstraint(name="cover_band_known", condition=Q(band__in=Band.values))
        ]

    def __str__(self) -> str:
        return f"{self.facility}: {self.band}"


class CoverRecord(models.Model):
    """One reading of a facility's cover, never changed: the history behind every chart."""

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="cover_records")
    recorded_at = models.DateTimeField()
    business_date = models.DateField()
    cause = models.CharField(max_length=20, help_text="conversion kind, draw, repay, tick, day")
    conversion = models.ForeignKey(
        Conversion, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    exposure = MoneyAmountField()
    market_value = MoneyAmountField()
    lending_value = MoneyAmountField()
    glided_value = MoneyAmountField(default=0, help_text="lending value at the glided rates")
    band = models.CharField(max_length=10, choices=Band.choices)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["recorded_at", "id"]
        indexes = [models.Index(fields=["facility", "recorded_at"], name="cover_record_by_time")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.facility} {self.recorded_at:%Y-%m-%d}: {self.band}"

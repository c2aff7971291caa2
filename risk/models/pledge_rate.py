"""Published pledge rates, each with the price and the parameters it came from."""

from django.db import models
from django.db.models import Q

from common.immutability import append_only
from risk.models.commodity import Commodity
from risk.models.price import Price


class PledgeRate(models.Model):
    """The share of a commodity's value that is lent from a day on, until the next one.

    `rate` is what is lent, in whole basis points, after governance; `model_rate` is what the model
    said that day. A republication of a day is a higher revision.
    """

    commodity = models.ForeignKey(
        Commodity, on_delete=models.PROTECT, related_name="rates", db_index=False
    )
    effective_on = models.DateField()
    revision = models.PositiveSmallIntegerField(default=1)
    rate = models.DecimalField(max_digits=6, decimal_places=4)
    model_rate = models.DecimalField(max_digits=20, decimal_places=17)
    model = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="rates")
    recorded_at = models.DateTimeField()
    actor_label = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["commodity", "effective_on", "revision"]
        constraints = [
            models.UniqueConstraint(
                fields=["commodity", "effective_on", "revision"],
                name="pledge_rate_revision_unique",
            ),
            models.CheckConstraint(
                name="pledge_rate_revision_positive", condition=Q(revision__gte=1)
            ),
            models.CheckConstraint(
                name="pledge_rate_is_a_share",
                condition=Q(rate__gte=0, rate__lte=1, model_rate__gte=0, model_rate__lte=1),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.commodity} {self.effective_on}: {self.rate}"

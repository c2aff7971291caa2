"""Pool lines: what a price tick reads instead of the positions."""

from django.db import models
from django.db.models import Q

from lending.models import Facility
from parties.models import Organisation
from pledges.states import LIVE_RIGHTS, Right
from risk.models import Commodity


class PoolLine(models.Model):
    """Summed weight of a facility's live positions in one price basis and right.

    Changed only in the transaction that changes the positions; equal to their sums at every
    commit (invariant `pool_lines_equal_positions`).
    """

    tenant = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="pool_lines")
    basis = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="+")
    right = models.CharField(max_length=18, choices=Right.choices)
    market_weight = models.DecimalField(max_digits=54, decimal_places=18, default=0)
    lending_weight = models.DecimalField(max_digits=54, decimal_places=18, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["facility", "basis", "right"], name="pool_line_unique"),
            models.CheckConstraint(
                name="pool_line_right_is_live",
                condition=Q(right__in=[str(r) for r in sorted(LIVE_RIGHTS)]),
            ),
            models.CheckConstraint(
                name="pool_line_weight_not_negative",
                condition=Q(market_weight__gte=0, lending_weight__gte=0),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "basis", "facility"], name="pool_line_by_basis")]

    def __str__(self) -> str:
        return f"{self.facility} {self.right} {self.basis}"

"""Serial numbers: single pieces of a lot that can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.immutability import append_only
from logistics.models.lot import Lot

if TYPE_CHECKING:
    from parties.actors import Actor


class SerialUnitQuerySet(models.QuerySet["SerialUnit"]):
    """Reads of serial numbers."""

    def visible_to(self, actor: Actor) -> SerialUnitQuerySet:
        """Whoever sees the lot sees what is in it."""
        return self.filter(lot__in=Lot.objects.visible_to(actor))


class SerialUnit(models.Model):
    """One piece as the custodian recorded it in one lot.

    Two custodians may report the same piece: that is what a fraud looks like. So it is written
    down as told, and only one claim at a time can be made on it (see the claims of pledges).
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="serials")
    serial = models.CharField(max_length=60, help_text="as the custodian writes it")
    normal_serial = models.CharField(
        max_length=60, help_text="NFKC, upper case, without spaces and dashes"
    )
    recorded_at = models.DateTimeField()

    objects = SerialUnitQuerySet.as_manager()

    class Meta:
        ordering = ["normal_serial"]
        constraints = [
            models.UniqueConstraint(
                fields=["lot", "normal_serial"], name="serial_recorded_once_in_lot"
            ),
            models.CheckConstraint(name="serial_not_empty", condition=~Q(normal_serial="")),
        ]
        indexes = [models.Index(fields=["normal_serial"], name="serial_by_number")]
        triggers = append_only()

    def __str__(self) -> str:
        return self.serial

    @property
    def key(self) -> str:
        """What tells the piece apart on the whole platform: its kind's number and its own."""
        item = self.lot.item
        return f"{item.gtin or item.code}:{self.normal_serial}"

"""Production runs: materials between the store and the finished product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from common.fields import QuantityField
from common.immutability import append_only
from logistics.models.item import Item
from logistics.models.lot import Lot
from logistics.models.site import Site
from logistics.models.stock_event import StockAct
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class RunQuerySet(models.QuerySet["ProductionRun"]):
    """Reads of production runs."""

    def visible_to(self, actor: Actor) -> RunQuerySet:
        """Show a run to the owner of its goods and to who makes them."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(Q(owner_id=own) | Q(site__operator_id=own))


class ProductionRun(models.Model):
    """A run that was started: its materials lie in lots of their own until they are used up."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="runs")
    product = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40)
    planned = QuantityField(help_text="in the product's unit")
    started = models.OneToOneField(StockAct, on_delete=models.PROTECT, related_name="run")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["started__occurred_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="run_number_unique_at_site"),
            models.CheckConstraint(name="run_planned_positive", condition=Q(planned__gt=0)),
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return self.number


class WorkInProcess(models.Model):
    """A lot of material in process, and the lot in store that it was taken from."""

    run = models.ForeignKey(ProductionRun, on_delete=models.PROTECT, related_name="materials")
    lot = models.OneToOneField(Lot, on_delete=models.PROTECT, related_name="work_in_process")
    taken_from = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()

    class Meta:
        verbose_name_plural = "work in process"
        constraints = [
            models.CheckConstraint(name="work_in_process_positive", condition=Q(quantity__gt=0))
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return f"{self.run}: {self.lot}"

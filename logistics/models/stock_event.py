"""The journal of what happened to goods, never rewritten."""

from django.db import models
from django.db.models import Q

from common.fields import QuantityField
from logistics.models.lot import Lot
from logistics.states import StockEventKind
from parties.models import Organisation


class StockEvent(models.Model):
    """One change of one lot's quantity, as its custodian reported it."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=StockEventKind.choices)
    quantity = QuantityField(help_text="signed change of the quantity on hand")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    source_reference = models.CharField(max_length=80)
    act = models.UUIDField(db_index=True, help_text="ties the legs of one happening together")
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["occurred_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_reference", "lot", "kind"],
                name="stock_event_reported_once",
            ),
            models.CheckConstraint(
                name="stock_event_kind_known", condition=Q(kind__in=StockEventKind.values)
            ),
            models.CheckConstraint(name="stock_event_changes_something", condition=~Q(quantity=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity} of {self.lot}"

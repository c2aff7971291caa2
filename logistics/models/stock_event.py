"""The journal of what happened to goods, never rewritten."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from common.fields import QuantityField
from common.immutability import append_only
from logistics.models.lot import Lot
from logistics.models.triggers import stock_adds_up
from logistics.states import EITHER_WAY, INFLOWS, OUTFLOWS, StockActKind, StockEventKind
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor


class StockActQuerySet(models.QuerySet["StockAct"]):
    """Reads of reported happenings."""

    def visible_to(self, actor: Actor) -> StockActQuerySet:
        """Its reporter sees an act, and so does whoever sees one of its lots."""
        if actor.sees_everything:
            return self
        touched = StockEvent.objects.visible_to(actor).values("act_id")
        return self.filter(Q(source_id=actor.organisation_id) | Q(pk__in=touched))


class StockAct(models.Model):
    """One happening as a custodian reported it; its stock events are the legs.

    A custodian's reference stands for one happening for ever: a second report with it finds
    this row, and is the same report (equal `request_hash`) or refused.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=StockActKind.choices)
    source = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=80)
    request_hash = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor_label = models.CharField(max_length=160)
    evidence = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="reversal", null=True, blank=True
    )

    objects = StockActQuerySet.as_manager()

    class Meta:
        ordering = ["occurred_at", "recorded_at"]
        constraints = [
            models.UniqueConstraint(fields=["source", "reference"], name="stock_act_reported_once"),
            models.CheckConstraint(
                name="stock_act_kind_known", condition=Q(kind__in=StockActKind.values)
            ),
            models.CheckConstraint(name="stock_act_has_a_reference", condition=~Q(reference="")),
            models.CheckConstraint(
                name="stock_act_reversal_names_what_it_reverses",
                condition=Q(kind=StockActKind.REVERSED) ^ Q(reverses__isnull=True),
            ),
        ]
        triggers = [*append_only()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"


class StockEventQuerySet(models.QuerySet["StockEvent"]):
    """Reads of stock events."""

    def visible_to(self, actor: Actor) -> StockEventQuerySet:
        """Whoever sees the lot sees what happened to it."""
        if actor.sees_everything:
            return self
        return self.filter(
            Q(lot__owner_id=actor.organisation_id) | Q(lot__site__operator_id=actor.organisation_id)
        )


class StockEvent(models.Model):
    """One change of one lot's quantity on hand: a leg of an act."""

    act = models.ForeignKey(StockAct, on_delete=models.PROTECT, related_name="events")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=StockEventKind.choices)
    quantity = QuantityField(help_text="signed change of the quantity on hand")

    objects = StockEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["act", "lot", "kind"], name="stock_event_stated_once_in_act"
            ),
            models.CheckConstraint(
                name="stock_event_kind_known", condition=Q(kind__in=StockEventKind.values)
            ),
            models.CheckConstraint(
                name="stock_event_sign_follows_kind",
                condition=Q(kind__in=sorted(map(str, INFLOWS)), quantity__gt=0)
                | Q(kind__in=sorted(map(str, OUTFLOWS)), quantity__lt=0)
                | (Q(kind__in=sorted(map(str, EITHER_WAY))) & ~Q(quantity=0)),
            ),
        ]
        triggers = [*append_only(), stock_adds_up()]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity} of {self.lot}"

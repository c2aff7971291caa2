"""Shipments: goods on the way in a carrier's hands, under one document of title."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from common.fields import QuantityField
from common.immutability import append_only, frozen_columns
from common.states import StateField, StateModel, state_guards, transition
from logistics.models.lot import Lot
from logistics.models.site import Site
from logistics.models.stock_event import StockAct
from logistics.states import SHIPMENT_STATES, ShipmentState
from parties.models import Organisation

if TYPE_CHECKING:
    from parties.actors import Actor

_GUARDS = state_guards("shipment", "state", SHIPMENT_STATES)


class ShipmentQuerySet(models.QuerySet["Shipment"]):
    """Reads of shipments."""

    def visible_to(self, actor: Actor) -> ShipmentQuerySet:
        """Carrier, consignee, the goods' owner and the holder of the document see a shipment."""
        if actor.sees_everything:
            return self
        own = actor.organisation_id
        return self.filter(
            Q(carrier_id=own) | Q(holder_id=own) | Q(owner_id=own) | Q(destination__operator_id=own)
        )


class Shipment(StateModel):
    """What one bill of lading covers: goods in a vehicle or container of its carrier.

    A carrier's number stands for one document for ever, however it is written; who holds it can
    claim the goods.
    """

    carrier = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="shipments")
    vehicle = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="shipments")
    destination = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+", help_text="of the document"
    )
    bill_number = models.CharField(max_length=50, help_text="as the carrier writes it")
    normal_number = models.CharField(
        max_length=50, help_text="NFKC, upper case, without spaces and dashes"
    )
    loaded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    state = StateField(SHIPMENT_STATES, max_length=14)

    objects = ShipmentQuerySet.as_manager()

    class Meta:
        ordering = ["loaded_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "normal_number"], name="document_of_title_issued_once"
            ),
            models.CheckConstraint(
                name="document_of_title_is_numbered", condition=~Q(normal_number="")
            ),
            models.CheckConstraint(
                name="shipment_ended_says_when",
                condition=Q(ended_at__isnull=True)
                ^ Q(state__in=[ShipmentState.ENDED, ShipmentState.CANCELLED]),
            ),
            *_GUARDS.constraints,
        ]
        triggers = [
            *_GUARDS.triggers,
            frozen_columns(
                "carrier",
                "vehicle",
                "destination",
                "owner",
                "holder",
                "bill_number",
                "normal_number",
                "loaded_at",
            ),
        ]

    def __str__(self) -> str:
        return self.bill_number

    @transition(
        field=state,
        source=[ShipmentState.LOADED, ShipmentState.ENDED],
        target=ShipmentState.PARTLY_ARRIVED,
    )
    def arrive_in_part(self) -> None:
        """Note that some of the goods have left the vehicle, or that some are on it again."""
        self.ended_at = None

    @transition(
        field=state,
        source=[ShipmentState.LOADED, ShipmentState.PARTLY_ARRIVED],
        target=ShipmentState.ENDED,
    )
    def end(self, *, at: datetime) -> None:
        """Note that nothing is on the way any more: arrived, sold under way or lost."""
        self.ended_at = at

    @transition(
        field=state,
        source=[ShipmentState.PARTLY_ARRIVED, ShipmentState.ENDED],
        target=ShipmentState.LOADED,
    )
    def be_whole_again(self) -> None:
        """Note that all is on the way: the arrival was reported by mistake and is reversed."""
        self.ended_at = None

    @transition(
        field=state,
        source=[ShipmentState.LOADED, ShipmentState.PARTLY_ARRIVED],
        target=ShipmentState.CANCELLED,
    )
    def cancel(self, *, at: datetime) -> None:
        """Note that the loading was reported by mistake and is reversed."""
        self.ended_at = at


class ShipmentLine(models.Model):
    """Goods of one lot on a bill of lading. Under way they are a lot of their own, only theirs."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="lines")
    sequence = models.PositiveSmallIntegerField()
    source = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    lot = models.OneToOneField(Lot, on_delete=models.PROTECT, related_name="shipment_line")
    quantity = QuantityField(help_text="loaded")
    loading = models.OneToOneField(StockAct, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["shipment", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "sequence"], name="shipment_line_numbered_once"
            ),
            models.CheckConstraint(
                name="shipment_line_quantity_positive", condition=Q(quantity__gt=0)
            ),
            models.CheckConstraint(name="shipment_line_moves_goods", condition=~Q(source=F("lot"))),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.quantity} on {self.shipment}"

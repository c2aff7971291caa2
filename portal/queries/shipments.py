"""Shipments: what is or was under way, under which document, and where it is now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404

from lending.models import Facility
from logistics.models import Shipment, ShipmentLine, Site
from logistics.states import SiteKind
from parties.actors import Actor
from pledges.models import Position
from pledges.states import Right
from portal.names import LABELLED

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ShipmentView:
    """One line of a document of title with what is left of it in the vehicle."""

    shipment: Shipment
    line: ShipmentLine

    @property
    def under_way(self) -> Decimal:
        """What is still in the vehicle."""
        return self.line.lot.on_hand

    @property
    def left(self) -> Decimal:
        """What has left it: arrived, sold under way or missing."""
        return self.line.quantity - self.under_way


def _shipments(actor: Actor) -> QuerySet[Shipment]:
    lines = ShipmentLine.objects.select_related("lot__item", "source__site")
    return (
        Shipment.objects.visible_to(actor)
        .select_related("carrier", "vehicle", "destination__operator", "holder", "owner")
        .prefetch_related(Prefetch("lines", lines))
        .order_by("-loaded_at", "-id")
    )


def list_shipments(actor: Actor, facility: Facility | None) -> list[ShipmentView]:
    """Return the lines of the shipments the actor may see, the latest first (two queries)."""
    rows = _shipments(actor)
    if facility is not None:
        rows = rows.filter(Q(owner_id=facility.borrower_id), Q(holder_id=facility.tenant_id))
    return [ShipmentView(one, line) for one in rows for line in one.lines.all()]


def get_shipment(actor: Actor, shipment_id: int) -> Shipment:
    """Return one shipment with its lines; 404 for strangers."""
    found = _shipments(actor).filter(pk=shipment_id).first()
    if found is None:
        raise Http404
    return found


def list_shippable(actor: Actor, facility: Facility) -> list[Position]:
    """Return the pledged goods of a facility that could be loaded."""
    pledged = Position.objects.visible_to(actor).live().filter(right=Right.PLEDGE)
    rows = pledged.filter(facility=facility, lot__isnull=False).select_related(*LABELLED)
    return list(rows.order_by("opened_at", "pk"))


def list_vehicles(actor: Actor) -> list[Site]:
    """Return the carriers' vehicles and containers."""
    vehicles = Site.objects.visible_to(actor).filter(kind=SiteKind.VEHICLE)
    return list(vehicles.select_related("operator").order_by("name", "pk"))

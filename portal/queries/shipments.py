"""Shipments: what is or was under way, under which document, and where it is now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, Q

from lending.models import Facility
from logistics.models import Shipment, ShipmentLine
from parties.actors import Actor

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


def list_shipments(actor: Actor, facility: Facility | None) -> list[ShipmentView]:
    """Return the lines of the shipments the actor may see, the latest first (two queries)."""
    lines = ShipmentLine.objects.select_related("lot__item", "source__site")
    rows = (
        Shipment.objects.visible_to(actor)
        .select_related("carrier", "vehicle", "destination")
        .prefetch_related(Prefetch("lines", lines))
        .order_by("-loaded_at", "-id")
    )
    if facility is not None:
        rows = rows.filter(Q(owner_id=facility.borrower_id), Q(holder_id=facility.tenant_id))
    return [ShipmentView(one, line) for one in rows for line in one.lines.all()]

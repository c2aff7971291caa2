"""A shipment's state follows what is left of its goods in the vehicle, whatever took them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from common.locks import lock_in_order
from logistics.models import Lot, Shipment
from logistics.states import ShipmentState, SiteKind


def follow_shipments(lots: Iterable[Lot], *, at: datetime) -> None:
    """Move the shipments of changed lots to the states that their goods say.

    No query unless a lot lies in a vehicle; the lots are locked by the act that changed them.
    """
    changed = {lot.pk for lot in lots if lot.site.kind == SiteKind.VEHICLE}
    if not changed:
        return
    found = Shipment.objects.filter(
        pk__in=Shipment.objects.filter(lines__lot__in=changed).values("pk")
    )
    for shipment in lock_in_order(found):
        follow(shipment, at=at)


def follow(shipment: Shipment, *, at: datetime) -> None:
    """Move one locked shipment to the state its goods say."""
    state = _state_of(shipment)
    if state == shipment.state:
        return
    if state == ShipmentState.ENDED:
        shipment.end(at=at)
    elif state == ShipmentState.CANCELLED:
        shipment.cancel(at=at)
    elif state == ShipmentState.LOADED:
        shipment.be_whole_again()
    else:
        shipment.arrive_in_part()
    shipment.save(update_fields=["state", "ended_at"])


def _state_of(shipment: Shipment) -> ShipmentState:
    rows = shipment.lines.values_list("quantity", "lot__on_hand", "loading__reversal")
    loaded = sum((quantity for quantity, _left, _reversal in rows), Decimal(0))
    left = sum((on_hand for _quantity, on_hand, _reversal in rows), Decimal(0))
    if all(reversal is not None for _quantity, _left, reversal in rows):
        return ShipmentState.CANCELLED
    if left == 0:
        return ShipmentState.ENDED
    return ShipmentState.LOADED if left == loaded else ShipmentState.PARTLY_ARRIVED

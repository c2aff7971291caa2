"""Load goods into a carrier's vehicle under a document of title, and unload them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from logistics.models import Lot, Shipment, ShipmentLine, Site
from logistics.refusals import (
    DocumentNotPossible,
    DocumentTaken,
    NothingToReport,
    NotTheCarriersVehicle,
)
from logistics.rules.lot_numbers import normal_lot_number
from logistics.services.acts import Told, reported_act
from logistics.services.stock import move_goods
from logistics.states import SiteKind
from outbox.services import emit
from parties.models import Organisation

BILL_LENGTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A document of title: whose it is, for what journey, and who can claim the goods with it."""

    bill_number: str
    carrier: Organisation
    vehicle: Site
    destination: Site
    holder: Organisation


@transaction.atomic
def load_shipment(
    *, title: Title, goods: Sequence[tuple[Lot, Decimal]], **told: Unpack[Told]
) -> Shipment:
    """Move free goods into the carrier's vehicle under a document of title, all or none.

    Each line becomes a lot of its own in the vehicle, numbered "bill/line". Raises NotFree,
    NotTheCarriersVehicle, DocumentNotPossible, DocumentTaken, NothingToReport and what
    `move_goods` raises; the line's number is added to the report's reference.
    """
    _require_loadable(title, goods)
    shipment = _enter(title, goods[0][0].owner, told["occurred_at"])
    ShipmentLine.objects.bulk_create(
        _load(shipment, number, lot, quantity, told)
        for number, (lot, quantity) in enumerate(goods, start=1)
    )
    _tell(shipment, told)
    return shipment


def _require_loadable(title: Title, goods: Sequence[tuple[Lot, Decimal]]) -> None:
    if not goods:
        raise NothingToReport(message=_("A shipment has at least one lot."), field="goods")
    vehicle = title.vehicle
    if vehicle.kind != SiteKind.VEHICLE or vehicle.operator_id != title.carrier.pk:
        raise NotTheCarriersVehicle(
            message=_("%(vehicle)s is not a vehicle of %(carrier)s")
            % {"vehicle": vehicle, "carrier": title.carrier},
            field="vehicle",
        )
    normal = normal_lot_number(title.bill_number)
    if not normal or max(len(normal), len(title.bill_number.strip())) > BILL_LENGTH:
        raise DocumentNotPossible(
            message=_("A document of title has a number of at most %(most)s signs.")
            % {"most": BILL_LENGTH},
            field="bill_number",
        )
    if len({lot.owner_id for lot, _quantity in goods}) > 1:
        raise DocumentNotPossible(
            message=_("A document of title covers the goods of one owner."), field="goods"
        )


def _enter(title: Title, owner: Organisation, loaded_at: datetime) -> Shipment:
    shipment = Shipment(
        carrier=title.carrier,
        vehicle=title.vehicle,
        destination=title.destination,
        owner=owner,
        holder=title.holder,
        bill_number=title.bill_number.strip(),
        normal_number=normal_lot_number(title.bill_number),
        loaded_at=loaded_at,
    )
    with constraint_refusals({"document_of_title_issued_once": _taken(title)}):
        shipment.save(force_insert=True)
    return shipment


def _taken(title: Title) -> DocumentTaken:
    return DocumentTaken(
        message=_("%(number)s of %(carrier)s stands for another shipment")
        % {"number": title.bill_number, "carrier": title.carrier},
        field="bill_number",
    )


def _load(shipment: Shipment, number: int, lot: Lot, quantity: Decimal, told: Told) -> ShipmentLine:
    reference = f"{told['reference']}/{number}"
    loaded = move_goods(
        lot=lot,
        to_site=shipment.vehicle,
        quantity=quantity,
        lot_number=f"{shipment.bill_number}/{number}",
        **(told | {"reference": reference}),
    )
    if loaded.on_hand != quantity:
        raise DocumentTaken(
            message=_("%(lot)s lies in %(vehicle)s already")
            % {"lot": loaded.number, "vehicle": shipment.vehicle},
            field="bill_number",
        )
    return ShipmentLine(
        shipment=shipment,
        sequence=number,
        source=lot,
        lot=loaded,
        quantity=quantity,
        loading=reported_act(source=told["source"], reference=reference),
    )


@transaction.atomic
def unload_goods(
    *,
    lot: Lot,
    to_site: Site,
    quantity: Decimal,
    lot_number: str | None = None,
    **told: Unpack[Told],
) -> Lot:
    """Move goods of a shipment's lot out of the vehicle, and return the lot they are in now.

    They take the number they were loaded from, unless another is given. The carrier or the
    place's custodian reports it. Raises NothingToReport for a lot that no shipment brought.
    """
    line = ShipmentLine.objects.select_related("source").filter(lot=lot).first()
    if line is None:
        raise NothingToReport(
            message=_("%(lot)s did not come with a shipment") % {"lot": lot.number}, field="lot"
        )
    return move_goods(
        lot=lot,
        to_site=to_site,
        quantity=quantity,
        lot_number=lot_number or line.source.number,
        **told,
    )


def _tell(shipment: Shipment, told: Told) -> None:
    emit(
        topic="logistics.shipment_loaded",
        aggregate="logistics.shipment",
        aggregate_id=shipment.pk,
        payload={
            "bill_number": shipment.bill_number,
            "carrier": shipment.carrier.code,
            "destination": shipment.destination.code,
            "lines": list(shipment.lines.values_list("lot_id", "quantity")),
        },
        tenant_id=shipment.holder_id,
        now=told["now"],
    )

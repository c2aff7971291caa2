"""Shipments: what is under way with a carrier, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from logistics.models import Shipment
from logistics.states import ShipmentState
from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.names import joined, name_of
from portal.queries.shipments import ShipmentView, list_shipments
from portal.tables import Table


def shipments_table(actor: Actor, facility: Facility | None) -> Table:
    """Return the shipments in view, a row for each line of their documents."""
    return Table(
        key="shipments",
        title=_("Shipments"),
        columns=[
            columns.text(_("Bill of lading"), _document, href=_shipment_page),
            columns.text(_("Goods"), lambda v: name_of(v.line.lot.item), href=_lot_page),
            columns.quantity(_("Loaded"), "line.quantity", "line.lot.item.unit"),
            columns.quantity(_("Under way"), "under_way", "line.lot.item.unit"),
            columns.text(_("From"), lambda v: name_of(v.line.source.site)),
            columns.text(
                _("Carried by"),
                lambda v: name_of(v.shipment.vehicle),
                sub=lambda v: name_of(v.shipment.carrier),
            ),
            columns.text(_("To"), lambda v: name_of(v.shipment.destination)),
            columns.instant(_("Loaded at"), "shipment.loaded_at"),
            columns.instant(_("Ended at"), "shipment.ended_at"),
            columns.state(_("State"), lambda v: v.shipment.get_state_display()),
        ],
        rows=list_shipments(actor, facility),
        empty=_("Nothing was shipped under a bill of lading."),
        first_step=_("Pledged goods appear here when their carrier reports that they are loaded."),
    )


def _document(view: ShipmentView) -> str:
    return f"{view.shipment.bill_number}/{view.line.sequence}"


def _lot_page(view: ShipmentView) -> str:
    return reverse("portal:lot", args=[view.line.lot_id])


def _shipment_page(view: ShipmentView) -> str:
    return reverse("portal:shipment", args=[view.shipment.pk])


@dataclass(frozen=True, slots=True)
class ShipmentsBoard:
    """What the page of all shipments shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    may_ship: bool


def shipments_board(actor: Actor, facility: Facility | None, *, may_ship: bool) -> ShipmentsBoard:
    """Return the shipments in view, those under way at the top of the page in numbers."""
    table = shipments_table(actor, facility)
    shipments = {view.shipment.pk: view.shipment for view in table.rows}.values()
    running = (ShipmentState.LOADED, ShipmentState.PARTLY_ARRIVED)
    under_way = [one for one in shipments if one.state in running]
    partly = sum(one.state == ShipmentState.PARTLY_ARRIVED for one in under_way)
    return ShipmentsBoard(
        facts=[
            Fact(_("Under way"), f"{len(under_way):,}", note=_("bills of lading"), tone="lead"),
            Fact(_("Partly arrived"), f"{partly:,}", note=_("the rest is still on board")),
            Fact(_("Ended"), f"{len(shipments) - len(under_way):,}", note=_("nothing on board")),
        ],
        tables={"shipments": table},
        may_ship=may_ship,
    )


@dataclass(frozen=True, slots=True)
class LoadBoard:
    """What the page for a new shipment shows."""

    facts: list[Fact]
    forms: Sequence[Form]
    tables: dict[str, Table] = field(default_factory=dict)


def load_board(forms: Sequence[Form], pledged: int) -> LoadBoard:
    """Return the frame of a new shipment."""
    fact = Fact(
        _("Pledged goods"), f"{pledged:,}", note=_("positions that can be loaded"), tone="lead"
    )
    return LoadBoard(facts=[fact], forms=forms)


@dataclass(frozen=True, slots=True)
class ShipmentBoard:
    """What the page of one shipment shows."""

    shipment: Shipment
    facts: list[Fact]
    tables: dict[str, Table]
    forms: Sequence[Form]


def shipment_board(shipment: Shipment, forms: Sequence[Form]) -> ShipmentBoard:
    """Return one shipment with what is still on board."""
    views = [ShipmentView(shipment, line) for line in shipment.lines.all()]
    on_board = sum(1 for view in views if view.under_way)
    return ShipmentBoard(
        shipment=shipment,
        facts=[
            Fact(_("State"), str(shipment.get_state_display()), tone="lead"),
            Fact(_("Still on board"), _("%(count)s lines") % {"count": on_board}),
            Fact(_("Carried by"), name_of(shipment.vehicle), note=name_of(shipment.carrier)),
            Fact(
                _("To"),
                name_of(shipment.destination),
                note=name_of(shipment.destination.operator),
            ),
            Fact(_("Loaded at"), formats.instant(shipment.loaded_at)),
            Fact(
                _("Held by"),
                name_of(shipment.holder),
                note=_("who holds the bill can claim the goods"),
            ),
        ],
        tables={"lines": _lines_table(views)},
        forms=forms,
    )


def _lines_table(views: Sequence[ShipmentView]) -> Table:
    return Table(
        key="lines",
        title=_("Goods on the bill"),
        columns=[
            columns.count(_("Line"), "line.sequence"),
            columns.words(
                _("Goods"),
                lambda v: joined(name_of(v.line.lot.item), v.line.source.number),
                href=_lot_page,
            ),
            columns.words(_("From"), lambda v: name_of(v.line.source.site)),
            columns.quantity(_("Loaded"), "line.quantity", "line.lot.item.unit"),
            columns.quantity(_("Under way"), "under_way", "line.lot.item.unit"),
            columns.quantity(_("Left the vehicle"), "left", "line.lot.item.unit"),
        ],
        rows=views,
        empty=_("The bill names no goods."),
    )

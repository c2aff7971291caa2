"""The table of shipments: what is under way with a carrier."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from portal import columns
from portal.names import name_of
from portal.queries.shipments import ShipmentView, list_shipments
from portal.tables import Table


def shipments_table(actor: Actor, facility: Facility | None) -> Table:
    """Return the shipments in view, a row for each line of their documents."""
    return Table(
        key="shipments",
        title=_("Shipments"),
        columns=[
            columns.text(_("Bill of lading"), _document, href=_lot_page),
            columns.words(_("Goods"), lambda v: name_of(v.line.lot.item)),
            columns.quantity(_("Loaded"), "line.quantity", "line.lot.item.unit"),
            columns.quantity(_("Under way"), "under_way", "line.lot.item.unit"),
            columns.words(_("From"), lambda v: name_of(v.line.source.site)),
            columns.words(
                _("Carried by"),
                lambda v: name_of(v.shipment.vehicle),
                sub=lambda v: name_of(v.shipment.carrier),
            ),
            columns.words(_("To"), lambda v: name_of(v.shipment.destination)),
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

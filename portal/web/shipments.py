"""Shipments: pledged goods loaded, come in, or lost under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from logistics.models import Shipment, ShipmentLine
from logistics.services.acts import REPORTERS
from logistics.services.shipments import Title
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind
from pledges.models import Position
from pledges.services.conversion import Take
from pledges.services.shipping import record_unloading, report_loss, ship_pledged
from pledges.services.transit import Discharge, Loading
from portal import formats
from portal.boards.shipments import load_board, shipment_board, shipments_board
from portal.names import joined, label_of, name_of
from portal.queries.law import list_places
from portal.queries.shipments import (
    get_shipment,
    list_shippable,
    list_vehicles,
)
from portal.web import fields
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.law_forms import files_for
from portal.web.page import Ask, page, show, working_page

REFERENCE: dict[str, Any] = {"label": gettext_lazy("Reference of the report"), "max_length": 70}


class Ship(ActForm[Sequence[Position]]):
    """The carrier's report that it loaded, as the lender enters it; out of goods pledged to it."""

    name = "ship"
    button = gettext_lazy("Enter the loading")
    promise = gettext_lazy(
        "The pledge goes on as goods in transit; the lender holds the bill of lading. Refused if "
        "it would leave cover worse."
    )
    goods = fields.SomeRows(gettext_lazy("Pledged goods"))
    quantity = fields.quantity(
        gettext_lazy("Quantity"),
        required=False,
        help_text=gettext_lazy("left empty: all that is chosen; a part only of one position"),
    )
    vehicle = fields.OneRow(gettext_lazy("Vehicle"))
    destination = fields.OneRow(gettext_lazy("To"))
    bill_number = forms.CharField(label=gettext_lazy("Number of the bill"), max_length=50)
    reference = forms.CharField(**REFERENCE)
    occurred_at = fields.moment(gettext_lazy("Loaded at (UTC)"))

    def choose(self) -> None:
        """Offer pledged goods, vehicles with their carriers, and places."""
        fields.offer_rows(self, "goods", self.subject, _goods_label)
        vehicles = list_vehicles(self.ask.actor)
        fields.offer_rows(
            self, "vehicle", vehicles, lambda one: joined(name_of(one), name_of(one.operator))
        )
        fields.offer_rows(self, "destination", list_places(self.ask.actor), name_of)
        self.fields["occurred_at"].initial = self.ask.now

    def clean(self) -> dict[str, Any]:
        """Refuse a part of several."""
        said: dict[str, Any] = super().clean() or {}
        if said.get("quantity") and len(said.get("goods", ())) > 1:
            self.add_error("quantity", _("Choose one position, or leave the quantity empty."))
        return said

    def carry_out(self, said: Said) -> Shipment:
        """Ship it."""
        carrier = said["vehicle"].operator
        title = Title(
            bill_number=said["bill_number"],
            carrier=carrier,
            vehicle=said["vehicle"],
            destination=said["destination"],
            holder=self.ask.facility.tenant,
        )
        return ship_pledged(
            facility=self.ask.facility,
            goods=[Take(one.pk, said["quantity"] or one.remaining) for one in said["goods"]],
            loading=Loading(
                title=title,
                source=carrier,
                reference=said["reference"],
                occurred_at=said["occurred_at"],
            ),
            **self.ask.stamp,
        )

    def words(self, result: Shipment) -> str:
        """Name the bill."""
        return _("%(bill)s is under way.") % {"bill": result.bill_number}


def _goods_label(position: Position) -> str:
    return f"{label_of(position)}: {formats.quantity(position.remaining, position.unit)}"


class OnShipment(ActForm[Shipment]):
    """A report on one line of a shipment."""

    line = fields.OneRow(gettext_lazy("Goods"))
    quantity = fields.quantity(gettext_lazy("Quantity"))
    reference = forms.CharField(**REFERENCE)
    occurred_at = fields.moment(gettext_lazy("When (UTC)"))

    def choose(self) -> None:
        """Offer what is still on board."""
        on_board = [line for line in self.subject.lines.all() if line.lot.on_hand]
        fields.offer_rows(self, "line", on_board, _line_label)
        self.fields["occurred_at"].initial = self.ask.now


def _line_label(line: ShipmentLine) -> str:
    left = formats.quantity(line.lot.on_hand, line.lot.item.unit)
    return f"{joined(name_of(line.lot.item), line.source.number)}: {left}"


class Arrive(OnShipment):
    """Goods came in at a place."""

    name = "arrive"
    button = gettext_lazy("Report an arrival")
    promise = gettext_lazy("What came in is pledged there; the rest stays in transit.")
    site = fields.OneRow(gettext_lazy("At"))
    lot_number = forms.CharField(
        label=gettext_lazy("Lot number there"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("left empty: the number it was loaded from"),
    )
    field_order = ("line", "quantity", "site", "lot_number", "reference", "occurred_at")

    def choose(self) -> None:
        """Offer the destination first; a keeper reports its own places alone."""
        super().choose()
        actor, destination = self.ask.actor, self.subject.destination
        places = list_places(actor)
        if actor.organisation_kind not in (OrganisationKind.LENDER, OrganisationKind.CARRIER):
            places = [one for one in places if one.operator_id == actor.organisation_id]
        fields.offer_rows(self, "site", places, name_of)
        self.fields["site"].initial = str(destination.pk)

    def carry_out(self, said: Said) -> object:
        """Take it in."""
        discharge = Discharge(
            site=said["site"],
            source=_voice(self.ask.actor, self.subject, said["site"].operator),
            reference=said["reference"],
            occurred_at=said["occurred_at"],
        )
        return record_unloading(
            line=said["line"],
            arrived=said["quantity"],
            lot_number=said["lot_number"] or None,
            discharge=discharge,
            **self.ask.stamp,
        )


def _voice(actor: Actor, shipment: Shipment, keeper: Organisation) -> Organisation:
    """Return whose word an arrival is: the carrier's own, else that of who keeps the place."""
    return shipment.carrier if actor.organisation_id == shipment.carrier_id else keeper


class Lose(OnShipment):
    """Goods are gone."""

    name, danger = "lose", True
    button = gettext_lazy("Report a loss")
    promise = gettext_lazy(
        "Claims on what is gone are written off at once, the lender is alerted, and a margin call "
        "opens if cover is short."
    )
    reason = fields.reason()
    field_order = ("line", "quantity", "reason", "reference", "occurred_at")

    def carry_out(self, said: Said) -> object:
        """Write it off."""
        return report_loss(
            line=said["line"],
            missing=said["quantity"],
            reference=said["reference"],
            reason=said["reason"],
            occurred_at=said["occurred_at"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


def _may_ship(ask: Ask) -> bool:
    return ask.shell.facility is not None and files_for(ask.actor, ask.shell.facility)


def _open_acts(actor: Actor, shipment: Shipment) -> list[str]:
    """Return what the reader may report of a shipment."""
    if not any(line.lot.on_hand for line in shipment.lines.all()):
        return []
    own, carries = actor.organisation_id, (shipment.carrier_id, shipment.holder_id)
    reports = actor.has_role(*REPORTERS)
    receives = own in (*carries, shipment.destination.operator_id)
    open_to = {Arrive.name: reports and receives, Lose.name: reports and own in carries}
    return [name for name, is_open in open_to.items() if is_open]


@page
def shipments(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the shipments in view."""
    board = shipments_board(ask.actor, ask.shell.facility, may_ship=_may_ship(ask))
    return show(request, ask, "portal/shipments.html", board)


@working_page
def shipment_new(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Ship pledged goods of the facility in view."""
    pledged = list_shippable(ask.actor, ask.facility)
    tried = attempt(request, ask, pledged, [Ship])
    if isinstance(tried.result, Shipment):
        return done(request, tried.words(), "portal:shipment", shipment_id=tried.result.pk)
    shown = tried.forms(pledged, [Ship.name] if _may_ship(ask) else [])
    board = load_board(shown, len(pledged))
    return show(request, ask, "portal/shipment_new.html", board, status=tried.status)


@working_page
def shipment(request: HttpRequest, ask: Ask, shipment_id: int) -> HttpResponse:
    """Show one shipment; its carrier, receiver and holder report what became of it."""
    one = get_shipment(ask.actor, shipment_id)
    tried = attempt(request, ask, one, (Arrive, Lose))
    if tried.succeeded:
        return done(request, tried.words(), "portal:shipment", shipment_id=one.pk)
    board = shipment_board(one, tried.forms(one, _open_acts(ask.actor, one)))
    return show(request, ask, "portal/shipment.html", board, status=tried.status)

"""Lots: materials at the factory, goods in the warehouse, and one lot."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.boards.inventory import INVENTORY, MATERIALS, inventory_board, lot_board
from portal.boards.shipments import shipments_table
from portal.web.page import Ask, page, show


def _day(ask: Ask) -> date:
    """Return the business date; before any data, today."""
    return ask.shell.as_of or timezone.now().date()


@page
def materials(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what lies at the contract manufacturer."""
    board = inventory_board(
        ask.actor, ask.shell.facility, _day(ask), kinds=MATERIALS, site=request.GET.get("site")
    )
    return show(request, ask, "portal/materials.html", board)


@page
def inventory(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what lies in warehouses and on the road."""
    board = inventory_board(
        ask.actor, ask.shell.facility, _day(ask), kinds=INVENTORY, site=request.GET.get("site")
    )
    board.tables["shipments"] = shipments_table(ask.actor, ask.shell.facility)
    return show(request, ask, "portal/inventory.html", board)


@page
def lot(request: HttpRequest, ask: Ask, lot_id: int) -> HttpResponse:
    """Show one lot."""
    return show(request, ask, "portal/lot.html", lot_board(ask.actor, lot_id, _day(ask)))

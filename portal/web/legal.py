"""Legal & insurance of a facility, and single warehouse receipts."""

from django.http import HttpRequest, HttpResponse

from portal.boards.legal import legal_board
from portal.boards.receipt import receipt_board
from portal.web.page import Ask, page, show


@page
def legal(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show what is on file for a facility and when it runs out."""
    return show(request, ask, "portal/legal.html", legal_board(ask.actor, ask.facility, ask.as_of))


@page
def receipt(request: HttpRequest, ask: Ask, receipt_id: int) -> HttpResponse:
    """Show one warehouse receipt."""
    return show(request, ask, "portal/receipt.html", receipt_board(ask.actor, receipt_id))

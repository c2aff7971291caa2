"""Warehouse receipts."""

from django.http import HttpRequest, HttpResponse

from portal.boards.receipt import receipt_board
from portal.web.page import Ask, page, show


@page
def receipt(request: HttpRequest, ask: Ask, receipt_id: int) -> HttpResponse:
    """Show one warehouse receipt."""
    return show(request, ask, "portal/receipt.html", receipt_board(ask.actor, receipt_id))

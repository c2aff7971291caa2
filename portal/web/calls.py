"""Margin calls."""

from django.http import HttpRequest, HttpResponse

from portal.boards.calls import call_board, calls_board
from portal.web.page import Ask, page, show


@page
def calls(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the calls of the facility in view."""
    return show(request, ask, "portal/calls.html", calls_board(ask.actor, ask.facility))


@page
def call(request: HttpRequest, ask: Ask, call_id: int) -> HttpResponse:
    """Show one margin call."""
    return show(request, ask, "portal/call.html", call_board(ask.actor, call_id, ask.shell.as_of))

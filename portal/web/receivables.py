"""Receivables."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.boards.receivables import receivable_board, receivables_board
from portal.web.page import Ask, page, show


@page
def receivables(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what buyers owe."""
    day = ask.shell.as_of or timezone.now().date()
    board = receivables_board(ask.actor, ask.shell.facility, day)
    return show(request, ask, "portal/receivables.html", board)


@page
def receivable(request: HttpRequest, ask: Ask, receivable_id: int) -> HttpResponse:
    """Show one receivable."""
    board = receivable_board(ask.actor, receivable_id, ask.shell.as_of)
    return show(request, ask, "portal/receivable.html", board)

"""Receivables."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.boards.receivables import receivable_board, receivables_board
from portal.queries.receivables import get_receivable, get_sale, list_sold_lots
from portal.web.acting import attempt, done
from portal.web.page import Ask, page, show, working_page
from portal.web.returns import Sold, TakeBack, may_take_back


@page
def receivables(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what buyers owe."""
    day = ask.shell.as_of or timezone.now().date()
    board = receivables_board(ask.actor, ask.shell.facility, day)
    return show(request, ask, "portal/receivables.html", board)


@working_page
def receivable(request: HttpRequest, ask: Ask, receivable_id: int) -> HttpResponse:
    """Show one receivable; the lender's clerks take goods back on a credit note."""
    view = get_receivable(ask.actor, receivable_id)
    sale = get_sale(ask.actor, view.receivable)
    sold = Sold(view.receivable, list_sold_lots(sale))
    tried = attempt(request, ask, sold, [TakeBack])
    if tried.succeeded:
        return done(request, tried.words(), "portal:receivable", receivable_id=receivable_id)
    forms = tried.forms(sold, [TakeBack.name] if may_take_back(ask.actor, sold) else [])
    board = receivable_board(view, sale, ask.shell.as_of, forms)
    return show(request, ask, "portal/receivable.html", board, status=tried.status)

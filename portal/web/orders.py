"""Purchase orders."""

from django.http import HttpRequest, HttpResponse

from portal.boards.orders import order_board, orders_board
from portal.web.page import Ask, page, show


@page
def orders(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the orders in view, `?with=` one partner."""
    board = orders_board(ask.actor, ask.shell.facility, partner=request.GET.get("with"))
    return show(request, ask, "portal/orders.html", board)


@page
def order(request: HttpRequest, ask: Ask, order_id: int) -> HttpResponse:
    """Show one order."""
    board = order_board(ask.actor, order_id, ask.shell.as_of)
    return show(request, ask, "portal/order.html", board)

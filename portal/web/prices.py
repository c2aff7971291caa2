"""Prices and pledge rates."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from portal.boards.prices import history_data, price_board, prices_board, what_if_board
from portal.web.page import Ask, page, show


def _day(ask: Ask) -> date:
    return ask.shell.as_of or timezone.now().date()


@page
def prices(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what the chain's goods cost and lend."""
    board = prices_board(ask.actor, ask.shell.facility, _day(ask))
    return show(request, ask, "portal/prices.html", board)


@page
def price(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Show one commodity."""
    span = request.GET.get("span")
    board = price_board(ask.actor, ask.shell.facility, code, _day(ask), span)
    return show(request, ask, "portal/price.html", board)


@page
def history(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Prices and rates over `?span=`."""
    span = request.GET.get("span")
    return JsonResponse(history_data(ask.actor, ask.shell.facility, code, _day(ask), span))


@page
def what_if(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Preview the facility at a price moved by `?change=` per cent."""
    change = request.GET.get("change")
    board = what_if_board(ask.actor, ask.shell.facility, code, _day(ask), change)
    if board is None:
        raise Http404
    return render(request, "portal/parts/what_if.html", {"board": board})

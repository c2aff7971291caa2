"""Search: a page, or the list of hits for the dialog."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.boards.search import search_board
from portal.web.page import Ask, page, show


@page
def search(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what `?q=` finds among what the reader may see."""
    board = search_board(ask.actor, request.GET.get("q", ""))
    if request.headers.get("HX-Request"):
        return render(request, "portal/parts/hits.html", {"board": board})
    return show(request, ask, "portal/search.html", board)

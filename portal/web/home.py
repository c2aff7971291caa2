"""Home."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.boards.home import home_board
from portal.web.page import Ask, page, show


@page
def home(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Answer what needs the reader now; partners without a facility begin at their orders."""
    if ask.shell.facility is None:
        return redirect("portal:orders")
    return show(request, ask, "portal/home.html", home_board(ask.actor, ask.facility, ask.as_of))

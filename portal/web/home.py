"""Home."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from parties.roles import OrganisationKind
from portal.boards.home import home_board
from portal.web.page import Ask, page, show

FIRST_PAGES: dict[str, str] = {
    OrganisationKind.WAREHOUSE_OPERATOR: "portal:inventory",
    OrganisationKind.CARRIER: "portal:inventory",
    OrganisationKind.CONTRACT_MANUFACTURER: "portal:materials",
    OrganisationKind.BUYER: "portal:receivables",
}


@page
def home(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Answer what needs the reader now; partners without a facility begin where they work."""
    if ask.shell.facility is None:
        return redirect(FIRST_PAGES.get(ask.actor.organisation_kind, "portal:orders"))
    return show(request, ask, "portal/home.html", home_board(ask.actor, ask.facility, ask.as_of))

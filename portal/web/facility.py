"""The facility's page and the data of its charts."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from portal.boards.coverage import coverage_data, days_asked
from portal.boards.facility import facility_board
from portal.boards.waterfall import waterfall_data
from portal.web.page import Ask, page, show


@page
def facility(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show one facility."""
    board = facility_board(ask.actor, ask.facility, ask.as_of)
    return show(request, ask, "portal/facility.html", board)


@page
def coverage(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Return exposure against lending value over time, `?days=` back from the business date."""
    days = days_asked(request.GET.get("days"))
    return JsonResponse(coverage_data(ask.actor, ask.facility, ask.as_of, days=days))


@page
def waterfall(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Return the borrowing base step by step."""
    return JsonResponse(waterfall_data(ask.actor, ask.facility, ask.as_of))

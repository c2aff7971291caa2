"""The story in words."""

from django.http import HttpRequest, HttpResponse

from portal.boards.timeline import timeline_board
from portal.web.page import Ask, page, show


@page
def timeline(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Tell what happened."""
    return show(request, ask, "portal/timeline.html", timeline_board(ask.actor, ask.facility))

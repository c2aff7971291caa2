"""Lineage of one position."""

import uuid

from django.http import HttpRequest, HttpResponse

from portal.boards.lineage import lineage_board
from portal.web.page import Ask, page, show


@page
def lineage(request: HttpRequest, ask: Ask, position_id: uuid.UUID) -> HttpResponse:
    """Show where a position came from and what became of it."""
    return show(request, ask, "portal/lineage.html", lineage_board(ask.actor, position_id))

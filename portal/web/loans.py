"""Loans and loan statements."""

from django.http import HttpRequest, HttpResponse

from portal.boards.loans import loan_board, loans_board
from portal.web.page import Ask, page, show


@page
def loans(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what is owed under the facility in view."""
    board = loans_board(ask.actor, ask.facility, ask.as_of)
    return show(request, ask, "portal/loans.html", board)


@page
def loan(request: HttpRequest, ask: Ask, loan_id: int) -> HttpResponse:
    """Show one loan's statement."""
    return show(request, ask, "portal/loan.html", loan_board(ask.actor, loan_id))

"""Legal & insurance of a facility, and the control of goods at places."""

from django.http import HttpRequest, HttpResponse

from portal.boards.control import control_board
from portal.boards.legal import legal_board
from portal.queries.law import get_on_file, list_duties
from portal.web.acting import attempt, done
from portal.web.law_forms import LAW_FORMS, Control, evidences, open_forms
from portal.web.page import Ask, show, working_page


@working_page
def legal(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show what is on file for a facility and when it runs out; the lender puts more on file."""
    found = get_on_file(ask.actor, ask.facility, on=ask.as_of)
    tried = attempt(request, ask, found, LAW_FORMS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:legal", facility_id=facility_id)
    forms = tried.forms(found, open_forms(ask.actor, ask.facility, found))
    board = legal_board(ask.facility, found, ask.as_of, forms)
    return show(request, ask, "portal/legal.html", board, status=tried.status)


@working_page
def control(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show where control must be evidenced; keepers and lenders file the evidence."""
    duties = list_duties(ask.actor)
    mine = [duty for duty in duties if evidences(ask.actor, duty)]
    tried = attempt(request, ask, mine, [Control])
    if tried.succeeded:
        return done(request, tried.words(), "portal:control")
    forms = tried.forms(mine, [Control.name] if mine else [])
    board = control_board(ask.actor, duties, ask.today, forms)
    return show(request, ask, "portal/control.html", board, status=tried.status)

"""Default and disposal: the list of cases, and one case with what the reader may do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lending.states import DefaultCause, NoticeState
from parties.actors import Actor
from pledges.services.disposal.declare_default import declare_default, propose_default
from pledges.services.disposal.open_case import open_case
from pledges.states import DisposalTarget
from portal.boards.disposals import DisposalsBoard, disposal_board, disposals_board
from portal.queries.disposals import get_case, get_notice, priced_on, read_case
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.disposal_forms import CHECKER, MAKER, offered_forms
from portal.web.page import Ask, show, working_page

# What a sale is taken to bring, after its costs, where the restoring size is explained.
EXPECTED_SHARE = Decimal("0.95")


class ProposeForm(ActionForm):
    """A notice of default, for the facility in view."""

    button = gettext_lazy("Propose a default")
    cause = forms.ChoiceField(label=gettext_lazy("Cause"), choices=DefaultCause.choices)
    reference = forms.CharField(label=gettext_lazy("Evidence"), max_length=80)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class DeclareForm(ActionForm):
    """A proposed notice to be given."""

    button = gettext_lazy("Declare the default")
    danger = True
    notice = forms.ChoiceField(label=gettext_lazy("Proposal"))


class OpenForm(ActionForm):
    """A case to be opened after a notice."""

    button = gettext_lazy("Open a case")
    notice = forms.ChoiceField(label=gettext_lazy("Default of"))
    target = forms.ChoiceField(label=gettext_lazy("To be sold"), choices=DisposalTarget.choices)


@working_page
def disposals(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the reader's cases; the lender's people propose and declare defaults and open cases."""
    board = disposals_board(ask.actor)
    choices = _list_forms(ask, board, request.POST or None)
    for name, form in choices.items():
        if request.method == "POST" and name in request.POST and submit(form, _acts(ask)[name]):
            return done(request, _SAID[name](), "portal:disposals")
    board.forms.extend(choices.items())
    return show(request, ask, "portal/disposals.html", board, status=status_of(*choices.values()))


_SAID = {
    "propose": lambda: _("The default is proposed; another person declares it."),
    "declare": lambda: _("The default is declared."),
    "open": lambda: _("The case is opened; another person lets selling begin."),
}


def _list_forms(ask: Ask, board: DisposalsBoard, data: Any) -> dict[str, ActionForm]:
    """Return the forms by name; the name of the one that was sent stands in the data."""
    found: dict[str, ActionForm] = {}
    if not _is_lender(ask.actor):
        return found

    def filled(name: str) -> Any:
        return data if data and name in data else None

    if ask.actor.has_role(*MAKER) and ask.shell.facility is not None:
        found["propose"] = ProposeForm(filled("propose"), prefix="propose")
    proposed = [one for one in board.notices if one.state == NoticeState.PROPOSED]
    if ask.actor.has_role(*CHECKER) and proposed:
        declare = DeclareForm(filled("declare"), prefix="declare")
        found["declare"] = _offering(declare, proposed)
    declared = [one for one in board.notices if one.state == NoticeState.DECLARED]
    if ask.actor.has_role(*MAKER) and declared:
        found["open"] = _offering(OpenForm(filled("open"), prefix="open"), declared)
    return found


def _offering(form: ActionForm, notices: list[Any]) -> ActionForm:
    field = form.fields["notice"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(str(one.pk), f"{one.facility.code}: {one.reason}") for one in notices]
    return form


def _is_lender(actor: Actor) -> bool:
    return actor.organisation_kind == "lender"


def _acts(ask: Ask) -> dict[str, Any]:
    when: dict[str, Any] = {"on": ask.today, "actor": ask.actor, "now": ask.now}
    return {
        "propose": lambda said: propose_default(
            facility=ask.facility,
            cause=said["cause"],
            reference=said["reference"],
            reason=said["reason"],
            **when,
        ),
        "declare": lambda said: declare_default(
            notice=get_notice(ask.actor, said["notice"]), **when
        ),
        "open": lambda said: open_case(
            notice=get_notice(ask.actor, said["notice"]), target=said["target"], **when
        ),
    }


@working_page
def disposal(request: HttpRequest, ask: Ask, case_id: int) -> HttpResponse:
    """Show one case with the forms of what its reader may do now; the borrower only reads."""
    case = get_case(ask.actor, case_id)
    as_of = priced_on(ask.actor, case.facility, ask.as_of)
    file = read_case(ask.actor, case_id, net_share=EXPECTED_SHARE, as_of=as_of)
    offered = offered_forms(ask.actor, file, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        sent = offered.sent
        if sent is None:
            raise Http404
        if submit(sent, lambda said: sent.carry_out(said, ask)):
            return done(request, _("Done: %s") % sent.button, "portal:disposal", case_id=case_id)
    board = disposal_board(file, list(offered.forms))
    return show(request, ask, "portal/disposal.html", board, status=status_of(*offered.forms))

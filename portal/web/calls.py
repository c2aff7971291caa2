"""Margin calls, and more time for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.models import MarginCall, MarginCallExtension
from pledges.services.call_extensions import (
    MOST_DAYS,
    ask_extension,
    grant_extension,
    refuse_extension,
)
from portal.boards.call import call_board
from portal.boards.calls import calls_board
from portal.queries.calls import get_call, get_request
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, page, show, working_page


class ExtendForm(ActionForm):
    """A risk officer's request for more time."""

    button = gettext_lazy("Ask for more time")
    promise: ClassVar[str | Promise] = gettext_lazy(
        "The deadline moves only when a second person grants it; the call stays open."
    )
    business_days = forms.IntegerField(
        label=gettext_lazy("Business days"), min_value=1, max_value=MOST_DAYS, initial=1
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class GrantForm(ActionForm):
    """The second person's yes."""

    button = gettext_lazy("Grant")
    promise: ClassVar[str | Promise] = ""


class RefuseForm(ActionForm):
    """The second person's no."""

    button = gettext_lazy("Refuse")
    danger = True
    promise: ClassVar[str | Promise] = ""
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


def _extend(ask: Ask, one: MarginCall, said: dict[str, Any]) -> MarginCallExtension:
    return ask_extension(
        call=one,
        business_days=said["business_days"],
        reason=said["reason"],
        actor=ask.actor,
        now=ask.now,
    )


def _waiting(ask: Ask, one: MarginCall) -> MarginCallExtension:
    found = get_request(ask.actor, one)
    if found is None:
        raise Http404
    return found


def _grant(ask: Ask, one: MarginCall, _said: dict[str, Any]) -> MarginCallExtension:
    return grant_extension(extension=_waiting(ask, one), actor=ask.actor, now=ask.now)


def _refuse(ask: Ask, one: MarginCall, said: dict[str, Any]) -> MarginCallExtension:
    return refuse_extension(
        extension=_waiting(ask, one), reason=said["reason"], actor=ask.actor, now=ask.now
    )


Service = Callable[[Ask, MarginCall, dict[str, Any]], MarginCallExtension]

ACTS: dict[str, tuple[type[ActionForm], Service]] = {
    "extend": (ExtendForm, _extend),
    "grant": (GrantForm, _grant),
    "refuse": (RefuseForm, _refuse),
}


@page
def calls(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the calls of the facility in view."""
    return show(request, ask, "portal/calls.html", calls_board(ask.actor, ask.facility))


@working_page
def call(request: HttpRequest, ask: Ask, call_id: int) -> HttpResponse:
    """Show one margin call; take requests for more time and decisions on them."""
    one = get_call(ask.actor, call_id)
    bound: dict[str, forms.Form] = {}
    for name, (kind, service) in ACTS.items():
        if f"{name}-key" not in request.POST:
            continue
        form = kind(request.POST, prefix=name)
        extension = submit(form, partial(service, ask, one))
        if extension is not None:
            words = _("More time: %(state)s") % {"state": extension.get_state_display()}
            return done(request, words, "portal:call", call_id=one.pk)
        bound[name] = form
    if bound:  # what spoke against it may have changed it meanwhile
        one = get_call(ask.actor, call_id)
    board = call_board(ask.actor, one, ask.shell.as_of, ask.now)
    drawn = [(name, bound.get(name) or ACTS[name][0](prefix=name)) for name in board.acts]
    # What was refused is shown with its reason, even where the act is not open to the reader.
    drawn += [(name, form) for name, form in bound.items() if name not in board.acts]
    board = replace(board, forms=drawn)
    return show(request, ask, "portal/call.html", board, status=status_of(*bound.values()))

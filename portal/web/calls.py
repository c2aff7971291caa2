"""Margin calls, and more time for them."""

from __future__ import annotations

from dataclasses import replace

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
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
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, page, show, working_page


class ExtensionForm(ActForm[MarginCall]):
    """One act about more time for a call."""

    def waiting(self) -> MarginCallExtension:
        """Return the request that waits for a second person; 404 if none does."""
        found = get_request(self.ask.actor, self.subject)
        if found is None:
            raise Http404
        return found

    def words(self, result: MarginCallExtension) -> str:
        """Say where the request stands."""
        return _("More time: %(state)s") % {"state": result.get_state_display()}


class Extend(ExtensionForm):
    """A risk officer's request for more time."""

    name = "extend"
    button = gettext_lazy("Ask for more time")
    promise = gettext_lazy(
        "The deadline moves only when a second person grants it; the call stays open."
    )
    business_days = forms.IntegerField(
        label=gettext_lazy("Business days"), min_value=1, max_value=MOST_DAYS, initial=1
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def carry_out(self, said: Said) -> MarginCallExtension:
        """Ask for it."""
        return ask_extension(
            call=self.subject,
            business_days=said["business_days"],
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Grant(ExtensionForm):
    """The second person's yes."""

    name = "grant"
    button = gettext_lazy("Grant")

    def carry_out(self, said: Said) -> MarginCallExtension:
        """Grant it."""
        return grant_extension(extension=self.waiting(), actor=self.ask.actor, now=self.ask.now)


class Refuse(ExtensionForm):
    """The second person's no."""

    name, danger = "refuse", True
    button = gettext_lazy("Refuse")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def carry_out(self, said: Said) -> MarginCallExtension:
        """Refuse it."""
        return refuse_extension(
            extension=self.waiting(),
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


ACTS = (Extend, Grant, Refuse)


@page
def calls(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the calls of the facility in view."""
    return show(request, ask, "portal/calls.html", calls_board(ask.actor, ask.facility))


@working_page
def call(request: HttpRequest, ask: Ask, call_id: int) -> HttpResponse:
    """Show one margin call; take requests for more time and decisions on them."""
    one = get_call(ask.actor, call_id)
    tried = attempt(request, ask, one, ACTS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:call", call_id=one.pk)
    if tried.form:  # what spoke against it may have changed it meanwhile
        one = get_call(ask.actor, call_id)
    board = call_board(ask.actor, one, ask.shell.as_of, ask.now)
    board = replace(board, forms=tried.forms(one, board.acts))
    return show(request, ask, "portal/call.html", board, status=tried.status)

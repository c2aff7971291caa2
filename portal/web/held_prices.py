"""Quarantine: one person asks that a held price be confirmed or refused, another decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.boards.held_prices import held_board
from portal.queries.feeds import get_held
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page
from risk.models import HeldPrice, PriceOverride
from risk.services.overrides import apply_override, refuse_override
from risk.services.quarantine import ask_confirmation, ask_refusal, keep_holding, refuse_hold

_ACTS = ("confirm", "doubt", "apply", "leave", "refuse", "keep")


class HoldForm(ActForm[None]):
    """One act on one held price; drawn beside it."""

    name, button = "hold", gettext_lazy("Decide")
    id = forms.IntegerField()
    act = forms.ChoiceField(choices=[(act, "") for act in _ACTS])
    note = forms.CharField(max_length=300, required=False)

    def carry_out(self, said: Said) -> object:
        """Ask, or decide."""
        hold, act, note = get_held(self.ask.actor, said["id"]), said["act"], said["note"]
        who: dict[str, Any] = {"actor": self.ask.actor, "now": self.ask.now}
        if act == "confirm":
            return ask_confirmation(hold=hold, reason=note, **who)
        if act == "doubt":
            return ask_refusal(hold=hold, note=note, **who)
        if act in ("apply", "leave"):
            return self._answer(hold, act, note)
        decide = refuse_hold if act == "refuse" else keep_holding
        return decide(hold=hold, **who)

    def _answer(self, hold: HeldPrice, act: str, note: str) -> PriceOverride:
        """Answer the question whether the price be confirmed."""
        if hold.override is None:
            raise Http404
        who: dict[str, Any] = {"actor": self.ask.actor, "now": self.ask.now}
        if act == "apply":
            return apply_override(override=hold.override, **who)
        return refuse_override(override=hold.override, note=note, **who)

    def words(self, result: object) -> str:
        """Say that it was done."""
        return _("Your decision stands.")


@working_page
def held_prices(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show prices in quarantine; ask that one be confirmed or refused, or decide."""
    tried = attempt(request, ask, None, (HoldForm,))
    if tried.succeeded:
        return done(request, tried.words(), "portal:held_prices")
    [form] = tried.forms(None)
    board = held_board(ask.actor, form)
    return show(request, ask, "portal/held_prices.html", board, status=tried.status)

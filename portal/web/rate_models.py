"""Rate models of one commodity: compared, and another one asked for."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from parties.roles import OrganisationKind, Role
from portal.boards.rate_models import path_data, rate_models_board
from portal.queries.rate_models import get_priced
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, page, show, working_page
from risk.models import Commodity, RateModelSwitch
from risk.rate_models.codes import RateModelCode
from risk.services.model_switches import request_switch

_HOUSES = (OrganisationKind.LENDER, OrganisationKind.PLATFORM)


class SwitchForm(ActForm[Commodity]):
    """The model that is to compute the commodity's rates."""

    name, button = "switch", gettext_lazy("Ask for this model")
    told: ClassVar[Promise] = gettext_lazy("Another person decides on this model.")
    model = forms.ChoiceField(label=gettext_lazy("Model"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def choose(self) -> None:
        """Offer the models that are not in force."""
        others = [
            (str(code), str(label))
            for code, label in RateModelCode.choices
            if code != self.subject.rate_model
        ]
        self.offer_choices("model", others)

    def carry_out(self, said: Said) -> RateModelSwitch:
        """Ask for it."""
        return request_switch(
            commodity=self.subject,
            model=said["model"],
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )

    def words(self, result: object) -> str:
        """Say what follows."""
        return str(self.told)


@working_page
def rate_models(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Show how the models did on a commodity; a risk officer asks for another."""
    commodity = get_priced(code)
    tried = attempt(request, ask, commodity, (SwitchForm,) if _may_ask(ask) else ())
    if tried.succeeded:
        return done(request, tried.words(), "portal:rate_models", code=code)
    form = next(iter(tried.forms(commodity)), None)
    board = rate_models_board(ask.actor, code, _day(ask), request.GET.get("model"), form=form)
    return show(request, ask, "portal/rate_models.html", board, status=tried.status)


@page
def path(request: HttpRequest, ask: Ask, code: str) -> HttpResponse:
    """Price, rate and exceedances of the model `?model=`."""
    return JsonResponse(path_data(code, _day(ask), request.GET.get("model")))


def _day(ask: Ask) -> date:
    return ask.shell.as_of or ask.today


def _may_ask(ask: Ask) -> bool:
    return ask.actor.organisation_kind in _HOUSES and ask.actor.has_role(Role.RISK_OFFICER)

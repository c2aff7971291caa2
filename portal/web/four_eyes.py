"""Changes of terms and prices: asked for by one person, applied or refused by another."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from lending.models import Facility, FacilityChange
from lending.services.changes import (
    apply_change,
    refuse_change,
    request_change,
    withdraw_change,
)
from parties.roles import OrganisationKind, Role
from portal.boards.four_eyes import TERMS, four_eyes_board
from portal.queries.four_eyes import (
    get_commodity,
    get_override,
    get_term_change,
    priced_commodities,
)
from portal.queries.rate_models import get_switch
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page
from risk.models import PriceOverride, RateModelSwitch
from risk.services.model_switches import apply_switch, refuse_switch, withdraw_switch
from risk.services.overrides import (
    apply_override,
    refuse_override,
    request_override,
    withdraw_override,
)


def _number(name: str, *, required: bool = True, places: int = 8) -> forms.DecimalField:
    return forms.DecimalField(label=TERMS[name], required=required, decimal_places=places)


class ChangeForm(ActForm[Facility | None]):
    """One act on a change; `told` says what follows."""

    told: ClassVar[str | Promise]

    def words(self, result: object) -> str:
        """Say what follows."""
        return str(self.told)


class TermForm(ChangeForm):
    """The terms as they are to be; those left as they stand do not change."""

    name, button = "terms", gettext_lazy("Ask for these terms")
    told = gettext_lazy("Another person decides on these terms.")
    limit = _number("limit", places=4)
    watch_line = _number("watch_line", required=False)
    call_line = _number("call_line", required=False)
    release_factor = _number("release_factor")
    minimum_controlled_value = _number("minimum_controlled_value", places=4)
    cure_business_days = forms.IntegerField(
        label=TERMS["cure_business_days"], min_value=0, max_value=60
    )
    annual_rate = _number("annual_rate")
    matures_on = forms.DateField(
        label=TERMS["matures_on"], widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    TERMS = (
        "limit",
        "watch_line",
        "call_line",
        "release_factor",
        "minimum_controlled_value",
        "cure_business_days",
        "annual_rate",
        "matures_on",
    )

    def choose(self) -> None:
        """Begin with the terms that stand."""
        values = {name: getattr(self.subject, name) for name in self.TERMS}
        self.initial = {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in values.items()
        }

    def carry_out(self, said: Said) -> FacilityChange:
        """Ask for them."""
        return request_change(
            facility=self.ask.facility,
            changes={name: said[name] for name in self.TERMS},
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
            idempotency_key=said["key"],
        )


class PriceForm(ChangeForm):
    """A day's price as it is to be."""

    name, button = "price", gettext_lazy("Ask for this price")
    told = gettext_lazy("Another person decides on this price.")
    commodity = forms.ChoiceField(label=gettext_lazy("Commodity"))
    on = forms.DateField(
        label=gettext_lazy("Price of"), widget=forms.DateInput(attrs={"type": "date"})
    )
    price = forms.DecimalField(label=gettext_lazy("Price as quoted"), decimal_places=8)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def choose(self) -> None:
        """Offer the commodities that have a price of their own, and today's price."""
        self.offer_choices("commodity", priced_commodities())
        self.initial = {"on": self.ask.today}

    def carry_out(self, said: Said) -> PriceOverride:
        """Ask for it."""
        return request_override(
            commodity=get_commodity(said["commodity"]),
            price=said["price"],
            on=said["on"],
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class DecisionForm(ChangeForm):
    """A decision on one change; drawn beside it."""

    name = "decide"
    told = gettext_lazy("Your decision stands.")
    what = forms.ChoiceField(choices=[("terms", ""), ("price", ""), ("model", "")])
    id = forms.IntegerField()
    act = forms.ChoiceField(choices=[("apply", ""), ("refuse", ""), ("withdraw", "")])
    note = forms.CharField(max_length=300, required=False)

    def carry_out(self, said: Said) -> object:
        """Apply, refuse or withdraw it."""
        decide = {"terms": _on_terms, "price": _on_price, "model": _on_model}[said["what"]]
        return decide(self.ask, said["id"], said["act"], said["note"])


@working_page
def four_eyes(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what waits for a second person; ask for a change, apply, refuse or withdraw one."""
    facility = _asking_for(ask)
    kinds = (DecisionForm, TermForm, PriceForm) if facility else (DecisionForm,)
    tried = attempt(request, ask, facility, kinds)
    if tried.succeeded:
        return done(request, tried.words(), "portal:four_eyes")
    forms_by_name = {form.name: form for form in tried.forms(facility)}
    board = four_eyes_board(
        ask.actor,
        term_form=forms_by_name.get("terms"),
        price_form=forms_by_name.get("price"),
        decision_form=forms_by_name["decide"],
    )
    return show(request, ask, "portal/four_eyes.html", board, status=tried.status)


def _asking_for(ask: Ask) -> Facility | None:
    """Return the facility whose terms the reader may ask to change, if any is in view."""
    is_lender = ask.actor.organisation_kind == OrganisationKind.LENDER
    may_ask = is_lender and ask.actor.has_role(Role.PREPARER, Role.RISK_OFFICER)
    return ask.shell.facility if may_ask else None


def _on_terms(ask: Ask, change_id: int, act: str, note: str) -> Facility | FacilityChange:
    change = get_term_change(ask.actor, change_id)
    if act == "apply":
        return apply_change(change=change, on=ask.today, actor=ask.actor, now=ask.now)
    decide = refuse_change if act == "refuse" else withdraw_change
    return decide(change=change, note=note, actor=ask.actor, now=ask.now)


def _on_price(ask: Ask, override_id: int, act: str, note: str) -> PriceOverride:
    override = get_override(ask.actor, override_id)
    if act == "apply":
        return apply_override(override=override, actor=ask.actor, now=ask.now)
    decide = refuse_override if act == "refuse" else withdraw_override
    return decide(override=override, note=note, actor=ask.actor, now=ask.now)


def _on_model(ask: Ask, switch_id: int, act: str, note: str) -> RateModelSwitch:
    switch = get_switch(ask.actor, switch_id)
    if act == "apply":
        return apply_switch(switch=switch, actor=ask.actor, now=ask.now)
    decide = refuse_switch if act == "refuse" else withdraw_switch
    return decide(switch=switch, note=note, actor=ask.actor, now=ask.now)

"""Changes of terms and prices: asked for by one person, applied or refused by another."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
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
from portal.queries.four_eyes import get_override, get_term_change, priced_commodities
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, show, working_page
from risk.models import Commodity, PriceOverride
from risk.services.overrides import (
    apply_override,
    refuse_override,
    request_override,
    withdraw_override,
)


def _number(name: str, *, required: bool = True, places: int = 8) -> forms.DecimalField:
    return forms.DecimalField(label=TERMS[name], required=required, decimal_places=places)


class TermForm(ActionForm):
    """The terms as they are to be; those left as they stand do not change."""

    button = gettext_lazy("Ask for these terms")
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


class PriceForm(ActionForm):
    """A day's price as it is to be."""

    button = gettext_lazy("Ask for this price")
    commodity = forms.ChoiceField(label=gettext_lazy("Commodity"))
    on = forms.DateField(
        label=gettext_lazy("Price of"), widget=forms.DateInput(attrs={"type": "date"})
    )
    price = forms.DecimalField(label=gettext_lazy("Price as quoted"), decimal_places=8)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the commodities that have a price of their own."""
        super().__init__(*args, **kwargs)
        self.fields["commodity"].choices = priced_commodities()  # type: ignore[attr-defined]


class DecisionForm(ActionForm):
    """A decision on one change; drawn beside it."""

    what = forms.ChoiceField(choices=[("terms", ""), ("price", "")])
    id = forms.IntegerField()
    act = forms.ChoiceField(choices=[("apply", ""), ("refuse", ""), ("withdraw", "")])
    note = forms.CharField(max_length=300, required=False)


@working_page
def four_eyes(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what waits for a second person; ask for a change, apply, refuse or withdraw one."""
    facility = _asking_for(ask)
    said = request.POST if request.method == "POST" else None
    decide = DecisionForm(said if _is(request, "decide") else None, prefix="decide")
    term_form = price_form = None
    if facility is not None:
        term_form = TermForm(
            said if _is(request, "terms") else None, prefix="terms", initial=_standing(facility)
        )
        price_form = PriceForm(
            said if _is(request, "price") else None, prefix="price", initial={"on": ask.today}
        )
    if _is(request, "decide") and submit(decide, partial(_decide, ask)):
        return done(request, _("Your decision stands."), "portal:four_eyes")
    if term_form and _is(request, "terms") and submit(term_form, partial(_terms, ask)):
        return done(request, _("Another person decides on these terms."), "portal:four_eyes")
    if price_form and _is(request, "price") and submit(price_form, partial(_price, ask)):
        return done(request, _("Another person decides on this price."), "portal:four_eyes")
    board = four_eyes_board(
        ask.actor, term_form=term_form, price_form=price_form, decision_form=decide
    )
    given = [form for form in (decide, term_form, price_form) if form]
    return show(request, ask, "portal/four_eyes.html", board, status=status_of(*given))


def _is(request: HttpRequest, prefix: str) -> bool:
    return f"{prefix}-key" in request.POST


def _asking_for(ask: Ask) -> Facility | None:
    """Return the facility whose terms the reader may ask to change, if any is in view."""
    is_lender = ask.actor.organisation_kind == OrganisationKind.LENDER
    may_ask = is_lender and ask.actor.has_role(Role.PREPARER, Role.RISK_OFFICER)
    return ask.shell.facility if may_ask else None


def _standing(facility: Facility) -> dict[str, Any]:
    values = {name: getattr(facility, name) for name in TermForm.TERMS}
    return {
        name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def _terms(ask: Ask, said: dict[str, Any]) -> FacilityChange:
    return request_change(
        facility=ask.facility,
        changes={name: said[name] for name in TermForm.TERMS},
        reason=said["reason"],
        actor=ask.actor,
        now=ask.now,
        idempotency_key=said["key"],
    )


def _price(ask: Ask, said: dict[str, Any]) -> PriceOverride:
    return request_override(
        commodity=Commodity.objects.get(code=said["commodity"]),
        price=said["price"],
        on=said["on"],
        reason=said["reason"],
        actor=ask.actor,
        now=ask.now,
    )


def _decide(ask: Ask, said: dict[str, Any]) -> bool:
    one, act, note = said["id"], said["act"], said["note"]
    terms = said["what"] == "terms"
    return bool(_on_terms(ask, one, act, note) if terms else _on_price(ask, one, act, note))


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

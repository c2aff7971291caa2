"""The floating mortgage and what each party may do with it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from parties.actors import Actor
from parties.roles import Role
from pledges.models import FloatingMortgage
from pledges.services.conversion import Evidence
from pledges.services.mortgage import (
    activate_mortgage,
    add_site,
    ask_discharge,
    crystallise_mortgage,
    discharge_mortgage,
    select_item,
    withdraw_item,
    withdraw_site,
)
from pledges.states import MORTGAGES_IN_FORCE, CrystallisationCause, MortgageState
from portal.boards.mortgage import mortgage_board
from portal.names import name_of
from portal.queries.mortgages import (
    get_mortgage,
    list_items_in_force,
    list_items_to_choose,
    list_sites_in_force,
    list_sites_to_name,
)
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page

MANAGERS = (Role.PREPARER, Role.OPERATIONS, Role.APPROVER, Role.RISK_OFFICER)
NAMERS = (Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)
DECIDERS = (Role.APPROVER, Role.RISK_OFFICER)


class MortgageForm(ActForm[FloatingMortgage]):
    """One act on the mortgage."""

    def fill(self, name: str, rows: QuerySet[Any]) -> None:
        """Offer rows at a field."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows


class _Row(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A choice of rows, filled when the form is made; drawn by the name of what they name."""

    def __init__(self, label: Any, thing: str = "") -> None:
        super().__init__(label=label, queryset=None)
        self.thing = thing

    def label_from_instance(self, obj: Any) -> str:
        """Return the name in the reader's language."""
        return name_of(getattr(obj, self.thing) if self.thing else obj)


def _reason() -> forms.CharField:
    return forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class SelectItem(MortgageForm):
    """The material manager's choice."""

    name = "select"
    button = gettext_lazy("Choose the item")
    item = _Row(gettext_lazy("Item"))
    reason = _reason()

    def choose(self) -> None:
        """Offer the catalogue."""
        self.fill("item", list_items_to_choose(self.ask.actor))

    def carry_out(self, said: Said) -> object:
        """Choose the item."""
        return select_item(
            mortgage=self.subject, item=said["item"], reason=said["reason"], **self.ask.stamp
        )


class WithdrawItem(MortgageForm):
    """An item that is chosen no longer."""

    name = "withdraw"
    button = gettext_lazy("Take it off the list")
    named = _Row(gettext_lazy("Item"), "item")
    reason = _reason()

    def choose(self) -> None:
        """Offer what is on the list."""
        self.fill("named", list_items_in_force(self.ask.actor, self.subject))

    def carry_out(self, said: Said) -> object:
        """Withdraw the item."""
        return withdraw_item(named=said["named"], reason=said["reason"], **self.ask.stamp)


class AddSite(MortgageForm):
    """A place where goods come under the mortgage."""

    name = "site"
    button = gettext_lazy("Name the site")
    site = _Row(gettext_lazy("Site"))
    reason = _reason()

    def choose(self) -> None:
        """Offer the places."""
        self.fill("site", list_sites_to_name(self.ask.actor))

    def carry_out(self, said: Said) -> object:
        """Name the site."""
        return add_site(
            mortgage=self.subject, site=said["site"], reason=said["reason"], **self.ask.stamp
        )


class WithdrawSite(MortgageForm):
    """A place that is named no longer."""

    name = "unsite"
    button = gettext_lazy("Name it no longer")
    named = _Row(gettext_lazy("Site"), "site")
    reason = _reason()

    def choose(self) -> None:
        """Offer the named sites."""
        self.fill("named", list_sites_in_force(self.ask.actor, self.subject))

    def carry_out(self, said: Said) -> object:
        """Withdraw the site."""
        return withdraw_site(named=said["named"], reason=said["reason"], **self.ask.stamp)


class Activate(MortgageForm):
    """The second person's word."""

    name = "activate"
    button = gettext_lazy("Activate the mortgage")

    def carry_out(self, said: Said) -> object:
        """Activate the mortgage."""
        return activate_mortgage(mortgage=self.subject, **self.ask.stamp)


class Crystallise(MortgageForm):
    """Every good under the mortgage is held from now on; production with it stops."""

    name = "crystallise"
    button = gettext_lazy("Crystallise the mortgage")
    danger = True
    cause = forms.ChoiceField(label=gettext_lazy("Cause"), choices=CrystallisationCause.choices)
    evidence = forms.CharField(label=gettext_lazy("Evidence"), max_length=80)
    reason = _reason()

    def carry_out(self, said: Said) -> object:
        """Crystallise the mortgage."""
        return crystallise_mortgage(
            mortgage=self.subject,
            cause=CrystallisationCause(said["cause"]),
            evidence=Evidence("document", said["evidence"]),
            reason=said["reason"],
            **self.ask.stamp,
        )


class AskDischarge(MortgageForm):
    """The first of two persons."""

    name = "ask"
    button = gettext_lazy("Ask for the discharge")
    reason = _reason()

    def carry_out(self, said: Said) -> object:
        """Ask for the discharge."""
        return ask_discharge(mortgage=self.subject, reason=said["reason"], **self.ask.stamp)


class Discharge(MortgageForm):
    """The second of two persons: all that is still under the mortgage is given back."""

    name = "discharge"
    button = gettext_lazy("Discharge the mortgage")
    danger = True

    def carry_out(self, said: Said) -> object:
        """Discharge the mortgage."""
        return discharge_mortgage(mortgage=self.subject, **self.ask.stamp)


@working_page
def mortgage(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the facility's floating mortgage, and carry out one act on it."""
    found = get_mortgage(ask.actor, ask.facility)
    if found is None:
        board = mortgage_board(ask.actor, ask.facility, ask.as_of)
        return show(request, ask, "portal/mortgage.html", board)
    tried = attempt(request, ask, found, _open_acts(ask.actor, found))
    if tried.succeeded:
        return done(request, tried.words(), "portal:mortgage")
    board = mortgage_board(ask.actor, ask.facility, ask.as_of, tried.forms(found))
    return show(request, ask, "portal/mortgage.html", board, status=tried.status)


def _open_acts(actor: Actor, found: FloatingMortgage) -> list[type[MortgageForm]]:
    """Return what the reader may do in the mortgage's state."""
    if found.state == MortgageState.DISCHARGED:
        return []
    in_force = found.state in MORTGAGES_IN_FORCE
    party = actor.organisation_id in (found.tenant_id, found.facility.borrower_id)
    lends = actor.organisation_id == found.tenant_id
    named = lends and actor.has_role(*NAMERS)
    decides = lends and actor.has_role(*DECIDERS)
    rules: list[tuple[type[MortgageForm], bool]] = [
        (SelectItem, party and actor.has_role(*MANAGERS)),
        (WithdrawItem, party and actor.has_role(*MANAGERS)),
        (AddSite, named),
        (WithdrawSite, named),
        (Activate, not in_force and lends and actor.has_role(Role.APPROVER)),
        (Crystallise, found.state == MortgageState.ACTIVE and decides),
        (AskDischarge, in_force and lends and actor.has_role(Role.PREPARER, Role.RISK_OFFICER)),
        (Discharge, in_force and found.discharge_maker_id is not None and decides),
    ]
    return [kind for kind, allowed in rules if allowed]

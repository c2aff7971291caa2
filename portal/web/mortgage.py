"""The floating mortgage and what each party may do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parties.roles import Role
from pledges.models import FloatingMortgage, MortgagedItem, MortgagedSite
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
from portal.queries.mortgages import get_mortgage, list_items_to_choose, list_sites_to_name
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, show, working_page

MANAGERS = (Role.PREPARER, Role.OPERATIONS, Role.APPROVER, Role.RISK_OFFICER)
NAMERS = (Role.PREPARER, Role.APPROVER, Role.RISK_OFFICER)
DECIDERS = (Role.APPROVER, Role.RISK_OFFICER)


class MortgageForm(ActionForm):
    """One act on the mortgage; `name` tells the forms of the page apart."""

    name = ""

    def __init__(self, ask: Ask, mortgage: FloatingMortgage, data: Any) -> None:
        """Take what was sent only if it was sent by this form."""
        sent = data if data and f"{self.name}-key" in data else None
        super().__init__(sent, prefix=self.name)
        self.ask, self.mortgage = ask, mortgage
        self.choose()

    def choose(self) -> None:
        """Offer what can be chosen."""

    def act(self, said: dict[str, Any]) -> Any:
        """Ask the service."""
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Return what every service takes."""
        return {"on": self.ask.today, "actor": self.ask.actor, "now": self.ask.now}


class _Row(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A choice of rows, filled when the form is made; drawn by the name of what they name."""

    def __init__(self, label: Any, thing: str = "") -> None:
        super().__init__(label=label, queryset=None)
        self.thing = thing

    def label_from_instance(self, obj: Any) -> str:
        """Return the name in the reader's language."""
        return name_of(getattr(obj, self.thing) if self.thing else obj)


def _fill(form: forms.Form, name: str, rows: QuerySet[Any]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows


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
        _fill(self, "item", list_items_to_choose(self.ask.actor))

    def act(self, said: dict[str, Any]) -> Any:
        """Choose the item."""
        return select_item(
            mortgage=self.mortgage, item=said["item"], reason=said["reason"], **self.told()
        )


class WithdrawItem(MortgageForm):
    """An item that is chosen no longer."""

    name = "withdraw"
    button = gettext_lazy("Take it off the list")
    named = _Row(gettext_lazy("Item"), "item")
    reason = _reason()

    def choose(self) -> None:
        """Offer what is on the list."""
        rows = MortgagedItem.objects.filter(mortgage=self.mortgage, until_on__isnull=True)
        _fill(self, "named", rows.select_related("mortgage", "item"))

    def act(self, said: dict[str, Any]) -> Any:
        """Withdraw the item."""
        return withdraw_item(named=said["named"], reason=said["reason"], **self.told())


class AddSite(MortgageForm):
    """A place where goods come under the mortgage."""

    name = "site"
    button = gettext_lazy("Name the site")
    site = _Row(gettext_lazy("Site"))
    reason = _reason()

    def choose(self) -> None:
        """Offer the places."""
        _fill(self, "site", list_sites_to_name(self.ask.actor))

    def act(self, said: dict[str, Any]) -> Any:
        """Name the site."""
        return add_site(
            mortgage=self.mortgage, site=said["site"], reason=said["reason"], **self.told()
        )


class WithdrawSite(MortgageForm):
    """A place that is named no longer."""

    name = "unsite"
    button = gettext_lazy("Name it no longer")
    named = _Row(gettext_lazy("Site"), "site")
    reason = _reason()

    def choose(self) -> None:
        """Offer the named sites."""
        rows = MortgagedSite.objects.filter(mortgage=self.mortgage, until_on__isnull=True)
        _fill(self, "named", rows.select_related("mortgage", "site"))

    def act(self, said: dict[str, Any]) -> Any:
        """Withdraw the site."""
        return withdraw_site(named=said["named"], reason=said["reason"], **self.told())


class Activate(MortgageForm):
    """The second person's word."""

    name = "activate"
    button = gettext_lazy("Activate the mortgage")

    def act(self, said: dict[str, Any]) -> Any:
        """Activate the mortgage."""
        return activate_mortgage(mortgage=self.mortgage, **self.told())


class Crystallise(MortgageForm):
    """Every good under the mortgage is held from now on; production with it stops."""

    name = "crystallise"
    button = gettext_lazy("Crystallise the mortgage")
    danger = True
    cause = forms.ChoiceField(label=gettext_lazy("Cause"), choices=CrystallisationCause.choices)
    evidence = forms.CharField(label=gettext_lazy("Evidence"), max_length=80)
    reason = _reason()

    def act(self, said: dict[str, Any]) -> Any:
        """Crystallise the mortgage."""
        return crystallise_mortgage(
            mortgage=self.mortgage,
            cause=CrystallisationCause(said["cause"]),
            evidence=Evidence("document", said["evidence"]),
            reason=said["reason"],
            **self.told(),
        )


class AskDischarge(MortgageForm):
    """The first of two persons."""

    name = "ask"
    button = gettext_lazy("Ask for the discharge")
    reason = _reason()

    def act(self, said: dict[str, Any]) -> Any:
        """Ask for the discharge."""
        return ask_discharge(mortgage=self.mortgage, reason=said["reason"], **self.told())


class Discharge(MortgageForm):
    """The second of two persons: all that is still under the mortgage is given back."""

    name = "discharge"
    button = gettext_lazy("Discharge the mortgage")
    danger = True

    def act(self, said: dict[str, Any]) -> Any:
        """Discharge the mortgage."""
        return discharge_mortgage(mortgage=self.mortgage, **self.told())


@working_page
def mortgage(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the facility's floating mortgage, and carry out one act on it."""
    found = get_mortgage(ask.actor, ask.facility)
    offered = _offered(ask, found, request.POST or None) if found else []
    for form in offered:
        if form.is_bound and submit(form, form.act):
            return done(request, _("Done: %s.") % form.button, "portal:mortgage")
    board = mortgage_board(ask.actor, ask.facility, ask.as_of, offered)
    return show(request, ask, "portal/mortgage.html", board, status=status_of(*offered))


def _offered(ask: Ask, found: FloatingMortgage, data: Any) -> list[MortgageForm]:
    """Return the forms of what the reader may do in the mortgage's state."""
    if found.state == MortgageState.DISCHARGED:
        return []
    actor, in_force = ask.actor, found.state in MORTGAGES_IN_FORCE
    party = actor.organisation_id in (found.tenant_id, found.facility.borrower_id)
    lends = actor.organisation_id == found.tenant_id
    named = lends and actor.has_role(*NAMERS)
    decides = lends and actor.has_role(*DECIDERS)
    rules: list[tuple[Callable[..., MortgageForm], bool]] = [
        (SelectItem, party and actor.has_role(*MANAGERS)),
        (WithdrawItem, party and actor.has_role(*MANAGERS)),
        (AddSite, named),
        (WithdrawSite, named),
        (Activate, not in_force and lends and actor.has_role(Role.APPROVER)),
        (Crystallise, found.state == MortgageState.ACTIVE and decides),
        (AskDischarge, in_force and lends and actor.has_role(Role.PREPARER, Role.RISK_OFFICER)),
        (Discharge, in_force and found.discharge_maker_id is not None and decides),
    ]
    return [form(ask, found, data) for form, allowed in rules if allowed]

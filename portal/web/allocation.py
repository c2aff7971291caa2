"""The allocation page, kept proposals, and the sell-out forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.models import AllocationProposal
from pledges.rules.allocation_problem import Kind, Need, Weights
from pledges.services.allocation import Wishes, adopt_proposal, decline_proposal, keep_proposal
from pledges.services.allocation_acceptance import accept_proposal
from pledges.services.double_pledge import claim_or_alarm
from pledges.services.sell_out import Forecast
from portal import formats
from portal.boards.allocation import allocation_board
from portal.boards.proposal import proposal_board
from portal.boards.sell_out import sell_out_board
from portal.names import localised
from portal.queries.allocation import get_proposal, list_forecasts
from portal.web.acting import ActForm, ActionForm, Said, attempt, done, status_of, submit
from portal.web.page import Ask, page, show, working_page

ALL = 100


def _slider(label: Any, most: int, initial: int, least: int = 0) -> forms.IntegerField:
    widget = forms.NumberInput(
        attrs={"type": "range", "min": least, "max": most, "class": "form-range"}
    )
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, initial=initial, required=False, widget=widget
    )


class WishesForm(forms.Form):
    """What is asked of the allocation; every field has a sensible default."""

    horizon = _slider(gettext_lazy("Horizon, days"), 180, 30, 1)
    to_draw = forms.DecimalField(
        label=gettext_lazy("Still to be drawn"), min_value=0, max_digits=20, decimal_places=2,
        required=False, initial=0,
    )  # fmt: skip
    turnover = _slider(gettext_lazy("Fast sellers stay free"), 100, 50)
    ageing = _slider(gettext_lazy("Old goods stay free"), 100, 10)
    storage = _slider(gettext_lazy("Storage cost counts"), 100, 10)
    handling = _slider(gettext_lazy("As few changes as possible"), 100, 20)
    item_limit = _slider(gettext_lazy("One item at most, % of lending value"), ALL, ALL, 5)
    site_limit = _slider(gettext_lazy("One site at most, % of lending value"), ALL, ALL, 5)
    commodity_limit = _slider(
        gettext_lazy("One commodity at most, % of lending value"), ALL, ALL, 5
    )
    least = _slider(gettext_lazy("Smallest part of a lot, %"), 50, 10)
    whole = forms.BooleanField(label=gettext_lazy("Whole lots only"), required=False)

    def __init__(self, data: Any, *, forecasts: list[Forecast]) -> None:
        """Offer a need for each item with stock; what is not said is the default."""
        super().__init__(None)
        needs = {
            f"need_{one.stock.item_id}": forms.DecimalField(
                label=f"{localised(one.stock.name, one.stock.name_zh)} "
                f"({formats.unit_label(one.stock.unit)})",
                min_value=0, max_digits=24, decimal_places=6, required=False,
            )
            for one in sorted(forecasts, key=lambda one: one.stock.code)
        }  # fmt: skip
        self.fields = {**needs, **self.fields}
        for field in self.visible_fields():
            tick = isinstance(field.field.widget, forms.CheckboxInput)
            look = "form-check-input" if tick else "form-control"
            field.field.widget.attrs.setdefault("class", look)
        if data:
            self.is_bound = True
            said = {name: field.initial for name, field in self.fields.items() if field.initial}
            self.data = {**said, **{name: value for name, value in data.items() if value}}

    def needs(self) -> list[forms.BoundField]:
        """Return the fields of the goods that must be free."""
        return [self[name] for name in self.fields if name.startswith("need_")]

    def terms(self) -> list[forms.BoundField]:
        """Return the other fields."""
        return [self[name] for name in self.fields if not name.startswith("need_")]

    def wishes(self, on: date) -> Wishes:
        """Return the wishes; the defaults where the form was not sent or says what cannot be."""
        said = {name: field.initial for name, field in self.fields.items()}
        if self.is_bound and self.is_valid():
            said = self.cleaned_data
        horizon = int(said["horizon"] or 30)
        weights = Weights(
            turnover=_part(said["turnover"], 1_000),
            ageing=_part(said["ageing"], 1_000),
            storage=_part(said["storage"], 10),
            handling=Decimal(int(said["handling"] or 0)),
        )
        limits = {kind: said[f"{kind}_limit"] for kind in (Kind.ITEM, Kind.SITE, Kind.COMMODITY)}
        return Wishes(
            needs=_needs(said, on + timedelta(days=horizon)),
            horizon_days=horizon,
            to_draw=Decimal(said["to_draw"] or 0),
            limits={k: _part(share, ALL) for k, share in limits.items() if share and share < ALL},
            weights=replace(weights, split=weights.handling * 2),
            whole_lots_only=bool(said["whole"]),
            least_share=_part(said["least"], 100),
        )


def _part(value: Any, whole: int) -> Decimal:
    return Decimal(int(value or 0)) / whole


def _needs(said: dict[str, Any], by: date) -> list[Need]:
    return [
        Need(item_id=int(name.removeprefix("need_")), quantity=quantity, by=by)
        for name, quantity in sorted(said.items())
        if name.startswith("need_") and quantity
    ]


class KeepForm(ActionForm):
    """Keep the allocation for the lender to accept."""

    button = gettext_lazy("Keep as a proposal")
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(label=gettext_lazy("What for"), max_length=300)


@working_page
def allocation(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the best allocation for what the address asks; keep it as a proposal."""
    forecasts = list_forecasts(ask.actor, ask.facility, on=ask.today)
    wish_form = WishesForm(request.GET, forecasts=forecasts)
    wishes = wish_form.wishes(ask.today)
    keep = KeepForm(request.POST or None)
    if request.method == "POST":
        kept = submit(keep, lambda said: _keep(ask, wishes, said))
        if kept is not None:
            message = _("%(number)s waits for the lender.") % {"number": kept.number}
            return done(request, message, "portal:proposal", proposal_id=kept.pk)
    board = allocation_board(ask.actor, ask.facility, wishes, on=ask.today)
    keep.fields["seen"].initial = board.digest
    query = request.GET.copy()
    for name in ("chart", "csv"):
        query.pop(name, None)
    board = replace(board, wish_form=wish_form, keep_form=keep, query=query.urlencode())
    return show(request, ask, "portal/allocation.html", board, status=status_of(keep))


def _keep(ask: Ask, wishes: Wishes, said: dict[str, Any]) -> AllocationProposal:
    return keep_proposal(
        facility=ask.facility,
        wishes=wishes,
        reason=said["reason"],
        seen=said["seen"],
        idempotency_key=said["key"],
        **ask.stamp,
    )


class ProposalForm(ActForm[AllocationProposal]):
    """One act on a kept proposal; `told` says what was done to it."""

    told: ClassVar[str | Promise]

    def words(self, result: AllocationProposal) -> str:
        """Say what was done."""
        return str(self.told) % {"number": result.number}


class Adopt(ProposalForm):
    """Stand for a suggestion."""

    name, button = "adopt", gettext_lazy("Propose it")
    promise = gettext_lazy("You become its maker; nothing moves before the lender accepts it.")
    told = gettext_lazy("%(number)s is proposed.")

    def carry_out(self, said: Said) -> AllocationProposal:
        """Propose it."""
        return adopt_proposal(proposal=self.subject, actor=self.ask.actor, now=self.ask.now)


class Accept(ProposalForm):
    """The lender's yes."""

    name, button = "accept", gettext_lazy("Accept and carry out")
    promise = gettext_lazy(
        "All changes happen in one act. Cover is judged on live prices; if it does not hold, "
        "nothing changes."
    )
    told = gettext_lazy("%(number)s is carried out.")

    def carry_out(self, said: Said) -> AllocationProposal:
        """Accept it."""
        facility, actor = self.subject.facility, self.ask.actor

        def service() -> AllocationProposal:
            return accept_proposal(
                proposal=self.subject, idempotency_key=said["key"], **self.ask.stamp
            )

        return claim_or_alarm(service, facility=facility, actor=actor, now=self.ask.now)


class Decline(ProposalForm):
    """The lender's no."""

    name, button, danger = "decline", gettext_lazy("Decline"), True
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)
    told = gettext_lazy("%(number)s is declined.")

    def carry_out(self, said: Said) -> AllocationProposal:
        """Decline it."""
        return decline_proposal(
            proposal=self.subject,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


ACTS = (Adopt, Accept, Decline)


@working_page
def proposal(request: HttpRequest, ask: Ask, proposal_id: int) -> HttpResponse:
    """Show a proposal; stand for it, accept or decline it."""
    found = get_proposal(ask.actor, proposal_id)
    tried = attempt(request, ask, found, ACTS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:proposal", proposal_id=found.pk)
    board = proposal_board(ask.actor, found, on=ask.today)
    board = replace(board, forms=tried.forms(found, board.acts))
    return show(request, ask, "portal/proposal.html", board, status=tried.status)


@page
def sell_out(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show when the stock of each item will be sold out."""
    board = sell_out_board(ask.actor, ask.facility, on=ask.today)
    return show(request, ask, "portal/sell_out.html", board)

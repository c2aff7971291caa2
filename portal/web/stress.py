"""What if prices or rates were others: sliders, crises told again, futures drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from pledges.services.what_if import Held, LoadedBook
from portal.boards.stress import Link, stress_board
from portal.names import localised
from portal.queries.stress import get_book, get_histories, get_rates, list_stressable
from portal.web.page import Ask, page, show
from risk.rate_models.codes import RateModelCode
from risk.scenarios import CRISES, Futures, draw, replay

MODES = (
    ("shock", gettext_lazy("Prices moved")),
    ("crisis", gettext_lazy("A crisis again")),
    ("futures", gettext_lazy("Many futures")),
)
WHOSE = (("mine", gettext_lazy("This facility")), ("all", gettext_lazy("All facilities")))
SEED = 2011  # any number does; the same futures each time the page is opened


def _slider(label: Any, least: int, most: int, initial: int, step: int = 1) -> forms.IntegerField:
    attrs = {"type": "range", "min": least, "max": most, "step": step, "class": "form-range"}
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        initial=initial,
        required=False,
        widget=forms.NumberInput(attrs=attrs),
    )


class StressForm(forms.Form):
    """What the address asks; what is not said, or cannot be, is the default."""

    mode = forms.ChoiceField(
        choices=MODES, required=False, initial="shock", widget=forms.HiddenInput
    )
    whose = forms.ChoiceField(
        choices=WHOSE, required=False, initial="mine", widget=forms.HiddenInput
    )

    model = forms.ChoiceField(
        label=gettext_lazy("Pledge rates"),
        choices=[("", gettext_lazy("as published")), *RateModelCode.choices],
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    drawn = _slider(gettext_lazy("Drawn of what may still be drawn, %"), 0, 100, 0, 5)

    def __init__(self, data: Any) -> None:
        """Take what the address asks, if it asks anything."""
        super().__init__(data or None)

    def offer(self, mode: str, goods: Sequence[Held]) -> None:
        """Add the fields of a mode; the goods are those that the chosen facilities hold."""
        if mode == "shock":
            self.fields |= {
                f"move_{one.code}": _slider(f"{localised(one.name, one.name_zh)}, %", -80, 50, 0)
                for one in goods
            }
        elif mode == "crisis":
            choices = [(one.code, one.name) for one in CRISES]
            widget = forms.Select(attrs={"class": "form-select"})
            self.fields["crisis"] = forms.ChoiceField(
                label=gettext_lazy("Crisis"), choices=choices, required=False, widget=widget
            )
        else:
            self.fields["count"] = _slider(gettext_lazy("Futures"), 250, 5_000, 1_000, 250)
            self.fields["days"] = _slider(gettext_lazy("Trading days ahead"), 1, 60, 10)

    def said(self, name: str) -> Any:
        """Return what is asked, or the default."""
        initial = self.fields[name].initial
        if not self.is_bound:
            return initial
        self.full_clean()
        value = self.cleaned_data.get(name)
        return initial if value in (None, "") else value

    def shown(self) -> list[forms.BoundField]:
        """Return the fields that people see."""
        return self.visible_fields()


@page
def stress(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the book under the scenarios that the address asks for. Writes nothing."""
    form = StressForm(request.GET)
    mode, whose = form.said("mode"), form.said("whose")
    all_of_them = list_stressable(ask.actor, currency=ask.facility.currency)
    chosen = [one for one in all_of_them if whose == "all" or one == ask.facility]
    book = get_book(ask.actor, chosen, on=ask.as_of)
    book = book.drawn(form.said("drawn") / 100)
    form.offer(mode, book.priced)
    futures = _futures(form, mode, book, ask.as_of)
    model = form.said("model")
    rates = book.rates(get_rates(book, model, on=ask.as_of)) if model else None
    verdict = book.verdict(book.factors(futures.factors), rates)
    query = request.GET.copy()
    for name in ("chart", "csv"):
        query.pop(name, None)
    board = stress_board(mode, chosen, book, futures, verdict)
    board = replace(board, form=form, links=_links(mode, whose), query=query.urlencode())
    return show(request, ask, "portal/stress.html", board)


def _links(mode: str, whose: str) -> list[list[Link]]:
    return [
        [Link(name, f"mode={code}&whose={whose}", code == mode) for code, name in MODES],
        [Link(name, f"mode={mode}&whose={code}", code == whose) for code, name in WHOSE],
    ]


def _futures(form: StressForm, mode: str, book: LoadedBook, on: date) -> Futures:
    if mode == "shock":
        changes = {one.code: form.said(f"move_{one.code}") / 100 for one in book.priced}
        return Futures(book.shocks(changes)[:, [one.is_priced for one in book.held]])
    if mode == "crisis":
        code = form.said("crisis") or CRISES[0].code
        crisis = next(one for one in CRISES if one.code == code)
        return replay(get_histories(book, until_on=crisis.last), book.classes, crisis)
    return draw(
        get_histories(book, until_on=on),
        book.classes,
        horizon=form.said("days"),
        count=form.said("count"),
        seed=SEED,
    )

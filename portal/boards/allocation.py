"""Allocation: what to pledge, release or swap, what it does to cover, and what binds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from pledges.models import AllocationProposal
from pledges.rules.allocation_problem import ZERO
from pledges.services.allocation import Quote, Wishes
from portal import columns, formats
from portal.allocation_words import (
    reasons_in_words,
    relief_in_words,
    rule_in_words,
    shortage_in_words,
)
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import localised
from portal.queries.allocation import get_quote, list_forecasts, list_proposals, names_of_quote
from portal.tables import Column, Table


@dataclass(frozen=True, slots=True)
class LotLine:
    """What becomes of one part of a lot; values in the facility's currency."""

    lot_id: int
    number: str
    item: str
    site: str
    unit: str
    before: Decimal
    after: Decimal
    lending_per_unit: Decimal
    market_per_unit: Decimal
    why: str

    @property
    def change(self) -> Decimal:
        """What is newly pledged; below zero, released."""
        return self.after - self.before

    @property
    def lending_change(self) -> Decimal:
        """What the change does to lending value."""
        return self.change * self.lending_per_unit

    def lends(self, quantity: Decimal) -> Decimal:
        """Return the lending value of a quantity."""
        return quantity * self.lending_per_unit


@dataclass(frozen=True, slots=True)
class AllocationBoard:
    """What the allocation page shows."""

    facility: Facility
    facts: list[Fact]
    shortages: list[str]
    tables: dict[str, Table]
    charts: dict[str, Any]
    changes: int
    digest: str
    query: str = ""
    wish_form: forms.Form | None = None
    keep_form: forms.Form | None = field(default=None)


@dataclass(frozen=True, slots=True)
class BindingLine:
    """One rule that shapes the plan."""

    rule: str
    relief: str
    saves: Decimal


def allocation_board(
    actor: Actor, facility: Facility, wishes: Wishes, *, on: date
) -> AllocationBoard:
    """Return the best allocation for the wishes at the live prices; writes nothing."""
    quote = get_quote(actor, facility, wishes, on=on)
    names = names_of_quote(quote, list_forecasts(actor, facility, on=on))
    lines = quote_lines(quote)
    plan = quote.plan
    told = [
        {"kind": one.kind, "id": one.id, "amount": one.amount, "beyond_stock": one.beyond_stock}
        for one in plan.shortages
    ]
    bindings = [
        BindingLine(
            rule_in_words(one.kind, one.id, one.limit, names, facility.currency),
            relief_in_words(one.kind),
            one.saves,
        )
        for one in plan.bindings
    ]
    return AllocationBoard(
        facility=facility,
        facts=_facts(quote, facility),
        shortages=[shortage_in_words(one, names, facility.currency) for one in told],
        tables={
            "lots": lots_table(lines, facility.currency),
            "bindings": bindings_table(bindings, facility.currency),
            "proposals": _proposals_table(list_proposals(actor, facility), facility.currency),
        },
        charts={"pledged": pledged_chart(lines, facility.currency)},
        changes=len(plan.changes),
        digest=quote.digest,
    )


def quote_lines(quote: Quote) -> list[LotLine]:
    """Return what a quote does with each lot that is pledged now or would be."""
    found = []
    for line in quote.lines:
        goods = quote.goods[line.part.key]
        found.append(
            LotLine(
                lot_id=line.part.lot_id,
                number=goods.number,
                item=localised(goods.item, goods.item_zh),
                site=localised(goods.site, goods.site_zh),
                unit=goods.unit,
                before=line.part.before,
                after=line.after,
                lending_per_unit=line.part.lending,
                market_per_unit=line.part.market,
                why=reasons_in_words(line.reasons),
            )
        )
    return sorted(found, key=lambda one: (not one.change, one.item, one.number))


def _facts(quote: Quote, facility: Facility) -> list[Fact]:
    plan, cover, currency = quote.plan, quote.cover, facility.currency
    count = len(plan.changes)
    return [
        Fact(
            _("Lots to change"),
            f"{count:,}",
            note=_("everything asked for is met") if not plan.shortages else _("not all is met"),
            tone="lead",
        ),
        Fact(
            _("Cover"),
            f"{_ratio(cover.lending_value, cover.exposure)} → "
            f"{_ratio(plan.lending_after, plan.problem.exposure)}",
            note=_("lending value by exposure, now and after"),
            tone="good" if plan.meets_cover else "bad",
        ),
        money_fact(
            _("Lending value after"),
            plan.lending_after,
            currency,
            note=_("now %(now)s") % {"now": formats.large_money(cover.lending_value)},
        ),
        money_fact(
            _("Lending value needed"),
            plan.problem.required,
            currency,
            note=_("exposure by the release factor %(factor)s")
            % {"factor": formats.percent(facility.release_factor)},
        ),
        money_fact(
            _("Cost of staying pledged"),
            plan.cost,
            currency,
            note=_("now %(now)s; at most %(gap)s from the best possible")
            % {"now": formats.large_money(plan.cost_before), "gap": formats.percent(plan.gap, 3)},
        ),
    ]


def _ratio(lending: Decimal, exposure: Decimal) -> str:
    return formats.ratio(lending, exposure) if exposure else str(_("nothing owed"))


def lots_table(lines: Sequence[LotLine], currency: str) -> Table:
    """Return the lots of a plan: now, proposed, change, value, why."""
    return Table(
        key="lots",
        title=_("What becomes of each lot"),
        columns=[
            columns.text(
                _("Lot"), "number", href=lambda one: reverse("portal:lot", args=[one.lot_id])
            ),
            columns.words(_("Item"), "item"),
            columns.words(_("Site"), "site"),
            columns.quantity(_("Pledged now"), "before", "unit"),
            columns.quantity(_("Proposed"), "after", "unit"),
            Column(
                _("Change"),
                lambda one: one.change,
                show_row=lambda one: _signed(one.change, one.unit),
                numeric=True,
            ),
            columns.change(_("Lending value"), "lending_change", currency),
            columns.words(_("Why"), "why"),
        ],
        rows=lines,
        empty=_("Nothing is pledged and nothing can be."),
        first_step=_("Goods appear here when a warehouse reports that it received them."),
    )


def _signed(change: Decimal, unit: str) -> str:
    if not change:
        return formats.EMPTY
    return ("+" if change > 0 else "−") + formats.quantity(abs(change), unit)


def bindings_table(lines: Sequence[BindingLine], currency: str) -> Table:
    """Return what binds, and what relief would save."""
    return Table(
        key="bindings",
        title=_("What binds, and what relief would save"),
        columns=[
            columns.words(_("Rule"), "rule"),
            columns.text(_("Relief"), "relief"),
            columns.amount(_("Would save"), "saves", currency),
        ],
        rows=lines,
        empty=_("Nothing binds."),
        first_step=_("The plan would be the same without any of its rules."),
    )


def pledged_chart(lines: Sequence[LotLine], currency: str) -> dict[str, Any]:
    """Return lending value by item: kept, released and newly pledged."""
    items: dict[str, list[LotLine]] = {}
    for one in lines:
        items.setdefault(one.item, []).append(one)
    groups = list(items.values())

    def total(group: list[LotLine], part: str) -> Decimal:
        quantities = {
            "kept": lambda one: min(one.before, one.after),
            "released": lambda one: max(ZERO, -one.change),
            "pledged": lambda one: max(ZERO, one.change),
        }
        return sum((one.lends(quantities[part](one)) for one in group), ZERO)

    return bars(
        names=list(items),
        series=[
            (_("Stays pledged"), "right-pledge", [total(group, "kept") for group in groups]),
            (_("Newly pledged"), "right-in_transit", [total(one, "pledged") for one in groups]),
            (_("Released"), "line-strong", [total(group, "released") for group in groups]),
        ],
        unit=currency,
    )


def _proposals_table(proposals: Sequence[AllocationProposal], currency: str) -> Table:
    return Table(
        key="proposals",
        title=_("Proposals"),
        columns=[
            columns.text(
                _("Proposal"), "number", href=lambda one: reverse("portal:proposal", args=[one.pk])
            ),
            columns.instant(_("Made"), "made_at"),
            columns.words(_("What for"), "reason"),
            columns.amount(_("Lending value before"), "lending_before", currency),
            columns.amount(_("Lending value after"), "lending_after", currency),
            columns.state(_("State"), lambda one: one.get_state_display()),
        ],
        rows=proposals,
        empty=_("No proposal has been kept."),
        first_step=_("Keep an allocation, and the lender can accept it in one act."),
    )

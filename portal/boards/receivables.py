"""Receivables: face, advanced, reserve, due; and one with invoice, order and delivery matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from factoring.models import BankEntry, Collection, CreditNote, Receivable, ReceivableLine
from lending.models import Facility
from parties.actors import Actor
from pledges.models import Conversion
from pledges.states import Direction
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import label_of, name_of
from portal.queries.receivables import (
    ReceivableView,
    list_receivables,
    list_unmatched,
)
from portal.tables import Column, Table

ZERO = Decimal(0)
# Ageing: days late up to and including each bound.
BUCKETS = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class ReceivablesBoard:
    """What the list of receivables shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def receivables_board(actor: Actor, facility: Facility | None, as_of: date) -> ReceivablesBoard:
    """Return the receivables in view at a day."""
    views = list_receivables(actor, facility)
    unmatched = list_unmatched(actor, facility)
    currency = views[0].receivable.currency if views else (facility.currency if facility else "")
    return ReceivablesBoard(
        facts=_facts(views, unmatched, currency, as_of),
        tables={
            "receivables": _table(views, currency, as_of),
            "unmatched": _unmatched_table(unmatched, currency),
        },
        charts={
            "debtors": _debtor_chart(views, currency),
            "ageing": _ageing(views, currency, as_of),
        },
    )


def _facts(
    views: Sequence[ReceivableView], unmatched: Sequence[BankEntry], currency: str, as_of: date
) -> list[Fact]:
    open_ones = [view for view in views if view.is_open]
    late = sum((v.outstanding for v in open_ones if v.days_to(as_of) < 0), ZERO)
    waiting = sum((entry.amount for entry in unmatched), ZERO)
    due = min((v.receivable.due_on for v in open_ones), default=None)
    return [
        money_fact(
            _("Buyers owe"),
            sum((view.outstanding for view in open_ones), ZERO),
            currency,
            note=_("the next due %(when)s") % {"when": formats.days_between(as_of, due)}
            if due
            else _("every invoice is paid"),
            tone="lead",
        ),
        money_fact(
            _("Advanced on it"),
            sum((view.advanced for view in open_ones), ZERO),
            currency,
            note=_("drawn as factoring advances"),
        ),
        money_fact(
            _("Reserve"),
            sum((view.reserve for view in open_ones), ZERO),
            currency,
            note=_("face − advance, rebated when the buyer pays"),
        ),
        money_fact(
            _("Late"),
            late,
            currency,
            note=_("past its due date") if late else _("nothing is late"),
            tone="bad" if late else "good",
        ),
        money_fact(
            _("Paid in, not matched"),
            waiting,
            currency,
            note=ngettext("%(count)s bank entry", "%(count)s bank entries", len(unmatched))
            % {"count": len(unmatched)},
            tone="warn" if unmatched else "",
        ),
    ]


def _table(views: Sequence[ReceivableView], currency: str, as_of: date) -> Table:
    return Table(
        key="receivables",
        title=_("Receivables"),
        columns=[
            columns.text(
                _("Invoice"),
                lambda v: v.receivable.invoice_number,
                href=lambda v: reverse("portal:receivable", args=[v.receivable.pk]),
            ),
            columns.text(_("Buyer"), lambda v: name_of(v.receivable.debtor)),
            columns.amount(_("Face"), lambda v: v.receivable.face, currency),
            columns.amount(_("Advanced"), "advanced", currency),
            columns.amount(_("Reserve"), "reserve", currency),
            columns.amount(_("Credited"), "credited", currency),
            columns.amount(_("Collected"), "collected", currency),
            columns.day(
                _("Due"),
                lambda v: v.receivable.due_on,
                sub=lambda v: formats.days_between(as_of, v.receivable.due_on) if v.is_open else "",
            ),
            columns.count(
                _("Days of credit"),
                lambda v: (v.receivable.due_on - v.receivable.issued_on).days,
            ),
            columns.state(_("State"), lambda v: v.receivable.get_state_display()),
        ],
        rows=views,
        empty=_("No buyer owes anything here."),
        first_step=_("A verified, assigned invoice appears when pledged goods are sold on credit."),
    )


def _unmatched_table(entries: Sequence[BankEntry], currency: str) -> Table:
    return Table(
        key="unmatched",
        title=_("Bank entries not matched yet"),
        columns=[
            columns.text(_("Reference"), "entry_reference"),
            columns.text(_("Payer"), "payer_name"),
            columns.words(_("Remittance"), "remittance"),
            columns.amount(_("Amount"), "amount", currency),
            columns.day(_("Booked on"), "booked_on"),
        ],
        rows=entries,
        empty=_("Every credit of the controlled account is matched to its invoice."),
    )


def _debtor_chart(views: Sequence[ReceivableView], currency: str) -> dict[str, Any]:
    debtors: dict[str, list[ReceivableView]] = {}
    for view in views:
        debtors.setdefault(name_of(view.receivable.debtor), []).append(view)
    groups = list(debtors.values())
    return bars(
        names=list(debtors),
        series=[
            (_("Collected"), "right-proceeds", [_sum(g, "collected") for g in groups]),
            (_("Returned"), "right-pledge", [_sum(g, "credited") for g in groups]),
            (_("Outstanding"), "right-receivable", [_sum(g, "outstanding") for g in groups]),
        ],
        unit=currency,
    )


def _sum(views: Sequence[ReceivableView], part: str) -> Decimal:
    return sum((getattr(view, part) for view in views), ZERO)


def _ageing(views: Sequence[ReceivableView], currency: str, as_of: date) -> dict[str, Any]:
    names = [_("not due"), _("1–30 days late"), _("31–60 days late"), _("61–90 days late")]
    names.append(_("over 90 days late"))
    sums = [ZERO] * (len(BUCKETS) + 1)
    for view in views:
        late = -view.days_to(as_of)
        bucket = next((i for i, bound in enumerate(BUCKETS) if late <= bound), len(BUCKETS))
        sums[bucket] += view.outstanding
    return bars(names=names, series=[(_("Outstanding"), "right-receivable", sums)], unit=currency)


@dataclass(frozen=True, slots=True)
class Match:
    """One of the three documents that must agree."""

    name: str
    reference: str
    rows: list[tuple[str, str]]
    href: str = ""


@dataclass(frozen=True, slots=True)
class ReceivableBoard:
    """What one receivable's page shows."""

    view: ReceivableView
    facts: list[Fact]
    matches: list[Match]
    tables: dict[str, Table]
    charts: dict[str, Any]
    forms: Sequence[Form] = ()


def receivable_board(
    view: ReceivableView, sale: Conversion | None, as_of: date | None, forms: Sequence[Form] = ()
) -> ReceivableBoard:
    """Return one receivable with the sale that made it and what its reader may do."""
    return ReceivableBoard(
        view=view,
        facts=_receivable_facts(view, as_of),
        matches=_matches(view.receivable, sale),
        tables={
            "lines": _lines_table(view.receivable, list(view.receivable.lines.all())),
            "collections": _collections_table(view),
            "credit_notes": _credit_notes_table(view),
        },
        charts={"split": _split_chart(view)},
        forms=forms,
    )


def _receivable_facts(view: ReceivableView, as_of: date | None) -> list[Fact]:
    receivable, currency = view.receivable, view.receivable.currency
    rebate = getattr(receivable, "rebate", None)
    return [
        money_fact(
            _("Face"), receivable.face, currency, note=name_of(receivable.debtor), tone="lead"
        ),
        money_fact(
            _("Advanced"),
            view.advanced,
            currency,
            note=_("advance rate %(rate)s") % {"rate": formats.percent(receivable.advance_rate)},
        ),
        money_fact(
            _("Reserve"),
            view.reserve,
            currency,
            note=_("rebated: %(amount)s") % {"amount": formats.money(rebate.amount)}
            if rebate
            else _("face − advance"),
        ),
        money_fact(
            _("Outstanding"),
            view.outstanding,
            currency,
            note=str(receivable.get_state_display()),
            tone="" if view.is_open else "good",
        ),
        Fact(
            _("Due"),
            formats.day(receivable.due_on),
            note=formats.days_between(as_of, receivable.due_on) if as_of and view.is_open else "",
            tone="bad" if as_of and view.is_open and view.days_to(as_of) < 0 else "",
        ),
    ]


def _matches(receivable: Receivable, sale: Conversion | None) -> list[Match]:
    lines = [
        (name_of(line.item), formats.quantity(line.quantity, line.item.unit))
        for line in receivable.lines.all()
    ]
    goods = [leg for leg in sale.legs.all() if leg.direction == Direction.CONSUMED] if sale else []
    left = [
        (label_of(leg.position), formats.quantity(leg.quantity, leg.position.unit)) for leg in goods
    ]
    lineage = (
        reverse("portal:lineage", args=[receivable.position_id]) if receivable.position_id else ""
    )
    return [
        Match(_("Invoice"), receivable.invoice_number, lines),
        Match(
            _("Buyer’s order"),
            receivable.buyer_order,
            [(_("Ordered by"), name_of(receivable.debtor))],
        ),
        Match(_("Delivery"), receivable.delivery_reference, left, href=lineage),
    ]


def _lines_table(receivable: Receivable, lines: Sequence[ReceivableLine]) -> Table:
    return Table(
        key="lines",
        title=_("Invoice lines"),
        columns=[
            columns.words(_("Item"), lambda line: name_of(line.item)),
            columns.quantity(_("Quantity"), "quantity", "item.unit"),
            Column(
                _("Unit price"),
                lambda line: line.unit_price,
                show=formats.price,
                unit=receivable.currency,
                numeric=True,
            ),
            columns.amount(_("Amount"), "amount", receivable.currency),
        ],
        rows=lines,
        empty=_("The invoice has no lines."),
    )


def _collections_table(view: ReceivableView) -> Table:
    currency = view.receivable.currency
    return Table(
        key="collections",
        title=_("What came in"),
        columns=[
            columns.day(_("Booked on"), "entry.booked_on"),
            columns.text(_("Bank reference"), "entry.entry_reference"),
            columns.text(_("Payer"), "entry.payer_name"),
            columns.words(_("Remittance"), "entry.remittance"),
            columns.amount(_("Amount"), "amount", currency),
            columns.text(_("Applied"), applied_in_words),
        ],
        rows=view.collections,
        empty=_("The buyer has not paid yet."),
        first_step=_("A credit on the controlled account is matched to the invoice here."),
    )


def _credit_notes_table(view: ReceivableView) -> Table:
    return Table(
        key="credit_notes",
        title=_("What was returned"),
        columns=[
            columns.day(_("Issued on"), "issued_on"),
            columns.text(_("Credit note"), "number"),
            columns.words(_("Goods"), _goods),
            columns.words(_("Reason"), "reason"),
            columns.text(_("Warehouse receipt"), "store_reference"),
            columns.amount(_("Amount"), "amount", view.receivable.currency),
        ],
        rows=view.credit_notes,
        empty=_("Nothing was returned."),
    )


def _goods(note: CreditNote) -> str:
    """Return what came back on a note, in words."""
    return str(_(", ")).join(
        f"{formats.quantity(line.quantity, line.item.unit)} {name_of(line.item)}"
        for line in note.lines.all()
    )


def applied_in_words(collection: Collection) -> str:
    """Say what became of money that was matched: used, waiting, or matched by mistake."""
    repayment = collection.repayment
    if collection.taken_back_at is not None:
        return str(_("Taken back"))
    if repayment is None:
        return str(_("waits in the controlled account"))
    return str(_("%(amount)s repaid loans") % {"amount": formats.money(repayment.amount)})


def _split_chart(view: ReceivableView) -> dict[str, Any]:
    receivable = view.receivable
    return bars(
        names=[receivable.invoice_number],
        series=[
            (_("Advanced"), "right-receivable", [view.advanced]),
            (_("Reserve"), "right-order_claim", [view.reserve]),
        ],
        unit=receivable.currency,
    )

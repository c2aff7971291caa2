"""Default and disposal: what is owed, what is for sale, what was offered, where the money went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import DefaultNotice, WriteOff
from lending.states import Component
from parties.actors import Actor
from pledges.models import DisposalCase, DisposalLot, Offer, Position, Sale
from pledges.models.disposal_sale import price_of
from pledges.rules.liquidation import Plan
from pledges.states import CASE_RUNS, SaleState
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.channels import channels_table
from portal.boards.conversion import requests_table
from portal.boards.facts import Fact, money_fact
from portal.names import name_of
from portal.queries.disposals import CaseFile, list_cases, list_claims, list_notices
from portal.tables import Column, Table

ZERO = Decimal(0)
# Parts of a price in the order of the waterfall, and the colours of portal.css they are drawn in.
PARTS = (
    (Component.COSTS, "right-released"),
    (Component.FEES, "right-order_claim"),
    (Component.PENALTY, "band-called"),
    (Component.INTEREST, "right-receivable"),
    (Component.PRINCIPAL, "right-repaid"),
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case in the list."""

    case: DisposalCase
    brought: Decimal
    href: str

    @property
    def borrower(self) -> str:
        """The debtor's name in the reader's language."""
        return name_of(self.case.facility.borrower)


@dataclass(frozen=True, slots=True)
class DisposalsBoard:
    """What the list of disposals shows."""

    facts: list[Fact]
    notices: list[DefaultNotice]
    tables: dict[str, Table]
    forms: Sequence[Form] = ()


def disposals_board(actor: Actor) -> DisposalsBoard:
    """Return the defaults that stand, the cases, and what is claimed off balance."""
    lines = [_line(case) for case in list_cases(actor)]
    notices, claims = list_notices(actor), list_claims(actor)
    running = [line for line in lines if line.case.state in CASE_RUNS]
    claimed = sum((one.claimed for one in claims), ZERO)
    currency = lines[0].case.facility.currency if lines else ""
    return DisposalsBoard(
        facts=[
            Fact(
                _("In default"),
                f"{sum(notice.state == 'declared' for notice in notices):,}",
                note=_("facilities"),
                tone="bad" if notices else "good",
            ),
            Fact(_("Cases running"), f"{len(running):,}", note=_("something may be sold")),
            money_fact(
                _("Brought by sales"),
                sum((line.brought for line in lines), ZERO),
                currency,
                note=_("over all cases"),
            ),
            money_fact(
                _("Claimed off balance"), claimed, currency, note=_("written off, not forgiven")
            ),
        ],
        notices=notices,
        tables={"cases": _cases_table(lines), "claims": _claims_table(claims)},
    )


def _line(case: DisposalCase) -> CaseLine:
    sold = (sale.price for lot in case.lots.all() for sale in lot.sales.all())
    href = reverse("portal:disposal", kwargs={"case_id": case.pk})
    return CaseLine(case, sum(sold, ZERO), href)


def _cases_table(lines: Sequence[CaseLine]) -> Table:
    return Table(
        key="cases",
        title=_("Cases"),
        columns=[
            columns.text(_("Facility"), "case.facility.code", href=lambda line: line.href),
            columns.text(_("Borrower"), "borrower"),
            columns.day(_("Opened"), "case.opened_on"),
            columns.text(_("Cause"), lambda line: line.case.notice.get_cause_display()),
            columns.text(_("To be sold"), lambda line: line.case.get_target_display()),
            columns.state(_("State"), lambda line: line.case.get_state_display()),
            columns.amount(_("Owed at the opening"), "case.exposure", ""),
            columns.amount(_("Brought"), "brought", ""),
            columns.amount(_("Deficit"), "case.deficit", ""),
            columns.text(_("Currency"), "case.facility.currency"),
        ],
        rows=lines,
        empty=_("No collateral was ever enforced."),
        first_step=_("A case is opened after a notice of default."),
    )


def _claims_table(claims: Sequence[WriteOff]) -> Table:
    return Table(
        key="claims",
        title=_("Written off"),
        columns=[
            columns.text(_("Loan"), "loan.number"),
            columns.text(_("Borrower"), lambda one: name_of(one.loan.facility.borrower)),
            columns.state(_("State"), lambda one: one.get_state_display()),
            columns.day(_("Booked"), "booked_on"),
            columns.amount(_("Amount"), "amount", ""),
            columns.amount(_("Recovered"), "recovered", ""),
            columns.amount(_("Still claimed"), "claimed", ""),
            columns.text(_("Currency"), "loan.facility.currency"),
        ],
        rows=claims,
        empty=_("Nothing was written off."),
    )


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that may be sold, at its live value, and how much of it restores the cover."""

    position: Position
    market: Decimal
    lending: Decimal
    restoring: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """One part of what a case's sales brought."""

    label: str
    amount: Decimal
    colour: str


@dataclass(frozen=True, slots=True)
class DisposalBoard:
    """What one case's page shows."""

    case: DisposalCase
    title: str
    facts: list[Fact]
    explained: str
    tables: dict[str, Table]
    charts: dict[str, Any]
    forms: Sequence[Form] = ()


def disposal_board(file: CaseFile, forms: Sequence[Form]) -> DisposalBoard:
    """Return a case's page from its file, with the forms of what the reader may do now."""
    shares = _shares(file)
    return DisposalBoard(
        case=file.case,
        title=_("Disposal of %(day)s, %(facility)s")
        % {"day": formats.day(file.case.opened_on), "facility": file.case.facility.code},
        facts=_facts(file, shares),
        explained=_explained(file),
        tables={
            "assets": _assets_table(file),
            "lots": _lots_table(file),
            "offers": _offers_table(file),
            "sales": _sales_table(file),
            "waterfall": _waterfall_table(file, shares),
            "channels": channels_table(file.channels),
            "requests": requests_table(file.requests),
        },
        charts={"waterfall": _chart(file, shares)},
        forms=forms,
    )


def _facts(file: CaseFile, shares: Sequence[Share]) -> list[Fact]:
    case, currency = file.case, file.case.facility.currency
    brought = sum((share.amount for share in shares), ZERO)
    surplus = shares[-1].amount if shares else ZERO
    return [
        money_fact(
            _("Owed now"),
            file.cover.exposure,
            currency,
            note=_("%(amount)s when the case opened") % {"amount": formats.money(case.exposure)},
            tone="bad" if file.cover.exposure else "good",
        ),
        money_fact(
            _("Missing cover"), file.cover.shortfall, currency, note=_("exposure − lending value")
        ),
        money_fact(_("Still for sale"), file.cover.market_value, currency, note=_("at market")),
        money_fact(_("Brought by sales"), brought, currency, note=_("price of what was sold")),
        money_fact(_("Surplus"), surplus, currency, note=_("goes back to the borrower"))
        if surplus or case.deficit == 0
        else money_fact(
            _("Deficit"), case.deficit, currency, note=_("recorded, still claimed"), tone="bad"
        ),
        Fact(_("State"), str(case.get_state_display()), note=str(case.get_target_display())),
    ]


def _explained(file: CaseFile) -> str:
    """Say in a sentence how much must be sold, and why."""
    plan, currency = file.plan, file.case.facility.currency
    if not file.cover.exposure:
        return _("Nothing is owed: nothing needs to be sold.")
    if not file.cover.shortfall:
        return _("The cover stands: exposure is within lending value.")
    figures = {"short": f"{formats.money(file.cover.shortfall)} {currency}"}
    if not plan.parts:
        text = _("The cover is short by %(short)s; what is on the market is expected to close it.")
        return text % figures if plan.restores else _no_sale_helps(figures)
    if not plan.restores:
        return _no_sale_helps(figures)
    figures["parts"] = _parts(plan, file.positions)
    return (
        _(
            "The cover is short by %(short)s. Each unit sold brings its price and takes its "
            "lending value away; selling %(parts)s restores it, and no less does."
        )
        % figures
    )


def _no_sale_helps(figures: dict[str, str]) -> str:
    return (
        _(
            "The cover is short by %(short)s. Selling cannot restore it: what is left brings no "
            "more than it lent, or too little altogether. So everything is for sale."
        )
        % figures
    )


def _parts(plan: Plan, positions: Sequence[Position]) -> str:
    by_key = {one.pk: one for one in positions}
    texts = []
    for asset, quantity in plan.parts:
        position = by_key[asset.key]  # type: ignore[index]
        texts.append(f"{formats.quantity(quantity, position.unit)} {_thing(position)}")
    return str(_(", ")).join(texts)


def _thing(position: Position) -> str:
    return name_of(position.lot.item) if position.lot else position.label


def _assets_table(file: CaseFile) -> Table:
    rows = [
        Asset(
            position=one,
            market=(file.values[one.pk].market * one.remaining).quantize(Decimal("0.01")),
            lending=(file.values[one.pk].lending * one.remaining).quantize(Decimal("0.01")),
            restoring=file.plan.quantity_of(one.pk),
        )
        for one in file.positions
    ]
    currency = file.case.facility.currency
    return Table(
        key="assets",
        title=_("What secures the debt and can be sold"),
        columns=[
            columns.text(_("Thing"), "position.label"),
            columns.right(_("Right"), "position.right"),
            columns.quantity(_("Left"), "position.remaining", "position.unit"),
            columns.amount(_("Market value"), "market", currency),
            columns.amount(_("Lending value"), "lending", currency),
            columns.quantity(_("Restores the cover"), "restoring", "position.unit"),
        ],
        rows=rows,
        empty=_("Nothing is left that could be sold."),
    )


def _lots_table(file: CaseFile) -> Table:
    currency = file.case.facility.currency
    return Table(
        key="lots",
        title=_("Put up for sale"),
        columns=[
            columns.count(_("Lot"), "number"),
            columns.words(_("Goods"), _goods),
            columns.amount(_("Reserve"), "reserve", currency),
            columns.amount(_("Worth when put up"), "market_value", currency),
            columns.amount(
                _judged(file, _("Worth now"), _("Worth at the end")), file.worth_of, currency
            ),
            columns.instant(_("Bids open"), "opens_at"),
            columns.state(_("State"), lambda lot: lot.get_state_display()),
        ],
        rows=file.lots,
        empty=_("Nothing was put up for sale."),
    )


def _judged(file: CaseFile, live: str, ended: str) -> str:
    """Head a column of values by the day they are of: today, or the case's last."""
    return ended if file.case.ended_at else live


def _goods(lot: DisposalLot) -> str:
    return str(_(", ")).join(
        f"{formats.quantity(item.quantity, item.position.unit)} {item.position.label}"
        for item in lot.items.all()
    )


def _offers_table(file: CaseFile) -> Table:
    worth = {lot.pk: file.worth_of(lot) for lot in file.lots}
    return Table(
        key="offers",
        title=_("Offers and bids"),
        columns=[
            columns.count(_("Lot"), "lot.number"),
            columns.text(_("Bidder"), lambda offer: name_of(offer.bidder)),
            columns.text(_("Channel"), lambda offer: offer.channel.get_kind_display()),
            Column(
                _("Offered"),
                lambda offer: offer.amount,
                show_row=_offered,
                unit=file.case.facility.currency,
                numeric=True,
            ),
            columns.share(
                _judged(file, _("Of the value now"), _("Of the value at the end")),
                lambda offer: _share_of(offer, worth),
            ),
            columns.instant(_("Received"), "received_at"),
            columns.instant(_("Opened"), "revealed_at"),
            columns.instant(_("Binding until"), "binding_until"),
        ],
        rows=file.offers,
        empty=_("Nobody has offered anything."),
    )


def _offered(offer: Offer) -> str:
    return _("sealed") if offer.is_sealed else formats.money(price_of(offer))


def _share_of(offer: Offer, worth: dict[int, Decimal]) -> Decimal | None:
    value = worth.get(offer.lot_id)
    return None if offer.is_sealed or not value else price_of(offer) / value


def _sales_table(file: CaseFile) -> Table:
    currency = file.case.facility.currency
    return Table(
        key="sales",
        title=_("Sales"),
        columns=[
            columns.count(_("Lot"), "lot.number"),
            columns.text(_("Buyer"), lambda sale: name_of(sale.buyer)),
            columns.amount(_("Price"), "price", currency),
            columns.amount(_("Costs"), "costs", currency),
            columns.amount(_("Next offer"), "second", currency),
            columns.person(_("Proposed by"), "maker"),
            columns.person(_("Accepted by"), "checker"),
            columns.day(_("Sold"), "sold_on"),
            columns.state(_("State"), lambda sale: sale.get_state_display()),
        ],
        rows=file.sales,
        empty=_("Nothing was sold."),
    )


def _shares(file: CaseFile) -> list[Share]:
    """Return where the prices of all sales went, in the waterfall's order; the surplus last."""
    done: Sequence[Sale] = [sale for sale in file.sales if sale.state == SaleState.DONE]
    if not done:
        return []
    paid = dict.fromkeys(Component, ZERO)
    for allocation in file.allocations:
        paid[Component(allocation.component)] += allocation.amount
    brought = sum((sale.price for sale in done), ZERO)
    shares = [Share(str(part.label), paid[part], colour) for part, colour in PARTS]
    left = brought - sum(paid.values(), ZERO)
    return [*shares, Share(_("Surplus"), left, "right-proceeds")]


def _waterfall_table(file: CaseFile, shares: Sequence[Share]) -> Table:
    total = sum((share.amount for share in shares), ZERO)
    return Table(
        key="waterfall",
        title=_("Where the money went"),
        columns=[
            columns.text(_("For"), "label"),
            columns.amount(_("Amount"), "amount", file.case.facility.currency),
            columns.share(_("Share"), lambda share: share.amount / total if total else ZERO),
        ],
        rows=shares,
        empty=_("Nothing was sold."),
        foot=[_("Price"), formats.money(total), ""] if shares else (),
    )


def _chart(file: CaseFile, shares: Sequence[Share]) -> dict[str, Any]:
    """Return one bar a part, each in its own colour."""
    return bars(
        names=[share.label for share in shares],
        series=[
            (share.label, share.colour, [one.amount if one is share else ZERO for one in shares])
            for share in shares
        ],
        unit=file.case.facility.currency,
    )

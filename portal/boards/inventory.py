"""Inventory: on hand, held, free, value and how long it lasts; and one lot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from logistics.models import StockEvent
from logistics.states import SiteKind
from parties.actors import Actor
from pledges.models import Position
from pledges.rules.jurisdictions import law_of
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import label_of, name_of
from portal.queries.inventory import LotDetail, LotView, get_lot, list_lots
from portal.tables import Column, Table

ZERO = Decimal(0)
MATERIALS = (SiteKind.FACTORY.value,)
INVENTORY = (SiteKind.WAREHOUSE.value, SiteKind.VEHICLE.value, SiteKind.SHOP.value)


@dataclass(frozen=True, slots=True)
class InventoryBoard:
    """What the list of lots shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def inventory_board(
    actor: Actor,
    facility: Facility | None,
    on: date,
    *,
    kinds: tuple[str, ...],
    site: str | None = None,
) -> InventoryBoard:
    """Return the lots at some kinds of sites (or at one of them), valued on a day."""
    lots = list_lots(actor, facility, on=on, kinds=kinds, site=site)
    currency = lots[0].currency if lots else (facility.currency if facility else "")
    return InventoryBoard(
        facts=_facts(lots, currency),
        tables={"lots": _lots_table(lots, currency)},
        charts={"value": _value_chart(lots, currency)},
    )


def _facts(lots: Sequence[LotView], currency: str) -> list[Fact]:
    value = sum((lot.value for lot in lots), ZERO)
    claimed = sum((lot.claimed * lot.unit_value for lot in lots if lot.priced), ZERO)
    held = sum((lot.held * lot.unit_value for lot in lots if lot.priced), ZERO)
    days = [lot.sell_out_days for lot in lots if lot.sell_out_days is not None]
    sites = len({lot.site for lot in lots})
    count = ngettext("%(count)s lot", "%(count)s lots", len(lots)) % {"count": len(lots)}
    places = ngettext("%(count)s site", "%(count)s sites", sites) % {"count": sites}
    return [
        money_fact(
            _("On hand"),
            value,
            currency,
            note=_("%(lots)s at %(sites)s, at market") % {"lots": count, "sites": places},
            tone="lead",
        ),
        money_fact(_("Claimed"), claimed, currency, note=_("secures a loan under some right")),
        money_fact(_("Held"), held, currency, note=_("leaves only by release order")),
        money_fact(_("Free"), value - claimed, currency, note=_("may be pledged or used")),
        Fact(
            _("First sell-out"),
            _("%(days)s days") % {"days": f"{min(days):,}"} if days else _("unknown"),
            note=_("at the pace of the last 90 days"),
        ),
    ]


def _lots_table(lots: Sequence[LotView], currency: str) -> Table:
    return Table(
        key="lots",
        title=_("Lots"),
        columns=[
            columns.text(_("Lot"), "number", href=lambda lot: reverse("portal:lot", args=[lot.id])),
            columns.words(_("Item"), "item"),
            columns.quantity(_("On hand"), "on_hand", "unit"),
            columns.quantity(_("Claimed"), "claimed", "unit", sub=_held_words),
            columns.quantity(_("Held"), "held", "unit", file_only=True),
            columns.quantity(_("Free"), "free", "unit"),
            columns.amount(_("Value"), "value", currency, exact=_lot_formula),
            columns.share(_("Rate"), "rate"),
            columns.meter(_("Claimed share"), "claimed_share"),
            columns.count(_("Lasts days"), "sell_out_days"),
            columns.day(_("Since"), "received_on", file_only=True),
        ],
        rows=lots,
        empty=_("No lot lies here."),
        first_step=_("Goods appear when a custodian reports that it received them."),
        group=lambda lot: f"{lot.site} · {SiteKind(lot.site_kind).label}",
    )


def _held_words(lot: LotView) -> str:
    if not lot.held:
        return ""
    return _("held: %(held)s") % {"held": formats.quantity(lot.held, lot.unit)}


def _lot_formula(lot: LotView) -> str:
    if not lot.priced:
        return _("a commodity inside has no fresh price")
    quantity = formats.quantity(lot.on_hand, lot.unit)
    unit = formats.unit_label(lot.unit)
    return f"{quantity} × {formats.price(lot.unit_value)} {lot.currency}/{unit}"


def _value_chart(lots: Sequence[LotView], currency: str) -> dict[str, Any]:
    items: dict[str, list[LotView]] = {}
    for lot in lots:
        items.setdefault(lot.item, []).append(lot)
    return bars(
        names=list(items),
        series=[
            (_("Held"), "right-pledge", [_worth(group, "held") for group in items.values()]),
            (
                _("Claimed, may move"),
                "right-floating_mortgage",
                [_worth(g, "claimed") - _worth(g, "held") for g in items.values()],
            ),
            (_("Free"), "line-strong", [_worth(group, "free") for group in items.values()]),
        ],
        unit=currency,
    )


def _worth(lots: Sequence[LotView], part: str) -> Decimal:
    return sum((getattr(lot, part) * lot.unit_value for lot in lots if lot.priced), ZERO)


@dataclass(frozen=True, slots=True)
class LotBoard:
    """What one lot's page shows."""

    detail: LotDetail
    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def lot_board(actor: Actor, lot_id: int, on: date) -> LotBoard:
    """Return one lot; 404 for strangers."""
    detail = get_lot(actor, lot_id, on=on)
    return LotBoard(
        detail=detail,
        facts=[*_lot_facts(detail.lot), *_outranking(detail, on)],
        tables={
            "positions": _claims_table(detail),
            "events": _events_table(detail.lot, detail.events),
        },
        charts={"on_hand": _on_hand_chart(detail)},
    )


def _lot_facts(lot: LotView) -> list[Fact]:
    return [
        Fact(_("On hand"), formats.quantity(lot.on_hand, lot.unit), note=lot.site, tone="lead"),
        Fact(
            _("Claimed"),
            formats.quantity(lot.claimed, lot.unit),
            note=_("of it held: %(held)s") % {"held": formats.quantity(lot.held, lot.unit)},
        ),
        Fact(_("Free"), formats.quantity(lot.free, lot.unit), note=_("may be pledged or used")),
        money_fact(_("Value"), lot.value, lot.currency, note=_lot_formula(lot)),
        Fact(_("Rate"), formats.percent(lot.rate), note=_("pledge rate after the item’s factors")),
        Fact(
            _("Sell-out"),
            _("%(days)s days") % {"days": f"{lot.sell_out_days:,}"}
            if lot.sell_out_days is not None
            else _("unknown"),
            note=_("at the pace of the last 90 days"),
        ),
    ]


def _outranking(detail: LotDetail, on: date) -> list[Fact]:
    """Say until when a supplier's security in goods just delivered may outrank the lender's."""
    days = [
        law_of(position.facility.jurisdiction).purchase_money_days
        for position in detail.positions
        if position.facility_id in detail.open_facilities and position.remaining > 0
    ]
    last = detail.lot.received_on + timedelta(days=max(days, default=0))
    if not days or not detail.lot.received_on <= on <= last:
        return []
    return [
        Fact(
            _("May still be outranked"),
            formats.day(last),
            note=_("by a supplier that registers its security until then"),
            tone="warn",
        )
    ]


def _claims_table(detail: LotDetail) -> Table:
    def lineage(position: Position) -> str:
        seen = position.facility_id in detail.open_facilities
        return reverse("portal:lineage", args=[position.pk]) if seen else ""

    return Table(
        key="positions",
        title=_("Claims on it"),
        columns=[
            columns.right(_("Right"), "right"),
            columns.words(_("Position"), label_of, href=lineage),
            columns.quantity(_("Quantity"), "quantity", "unit"),
            columns.quantity(_("Remaining"), "remaining", "unit"),
            columns.text(_("Lender"), lambda p: name_of(p.tenant)),
            columns.instant(_("Since"), "opened_at"),
            columns.instant(_("Used up"), "closed_at"),
        ],
        rows=detail.positions,
        empty=_("Nothing that you may see claims this lot."),
    )


def _events_table(lot: LotView, events: Sequence[StockEvent]) -> Table:
    return Table(
        key="events",
        title=_("What happened to it"),
        columns=[
            columns.instant(_("When"), "act.occurred_at"),
            columns.text(_("Event"), lambda e: str(e.get_kind_display())),
            Column(
                _("Quantity"),
                lambda e: e.quantity,
                show=lambda q: ("+" if q > 0 else "") + formats.number(q),
                unit=formats.unit_label(lot.unit),
                numeric=True,
            ),
            columns.text(_("Reported by"), lambda e: name_of(e.act.source)),
            columns.text(_("Reference"), "act.reference"),
        ],
        rows=events,
        empty=_("Nothing was reported of this lot."),
    )


def _on_hand_chart(detail: LotDetail) -> dict[str, Any]:
    standing, points = ZERO, []
    for event in detail.events:
        standing += event.quantity
        points.append([event.act.occurred_at.isoformat(), float(standing)])
    return {
        "unit": formats.unit_label(detail.lot.unit),
        "name": _("On hand"),
        "points": points,
        "step": True,
    }

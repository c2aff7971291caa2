"""When stock sells out: by item, with the uncertainty and the data it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from parties.actors import Actor
from pledges.rules.turnover import LONGEST
from pledges.services.sell_out import HORIZON_DAYS, LEAD_DAYS, Forecast
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact
from portal.names import localised
from portal.queries.allocation import list_forecasts
from portal.tables import Column, Table

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class SellOutBoard:
    """What the forecast's page shows."""

    facts: list[Fact]
    swap_url: str
    tables: dict[str, Table]
    charts: dict[str, Any]


def sell_out_board(actor: Actor, facility: Facility, *, on: date) -> SellOutBoard:
    """Return when the free and the pledged stock of each item will be sold out."""
    found = list_forecasts(actor, facility, on=on)
    near = [one for one in found if one.nears]
    needs = {f"need_{one.stock.item_id}": f"{one.wanted:f}" for one in near}
    url = reverse("portal:allocation")
    return SellOutBoard(
        facts=_facts(found, near),
        swap_url=f"{url}?{urlencode({**needs, 'horizon': HORIZON_DAYS})}" if near else "",
        tables={"items": _table(found)},
        charts={"days": _chart(found)},
    )


def _name(one: Forecast) -> str:
    return localised(one.stock.name, one.stock.name_zh)


def _facts(found: Sequence[Forecast], near: Sequence[Forecast]) -> list[Fact]:
    first = found[0] if found and found[0].free_out.likely is not None else None
    sales = sum(one.turnover.sales for one in found)
    return [
        Fact(
            _("Near their sell-out"),
            ngettext("%(count)s item", "%(count)s items", len(near)) % {"count": len(near)},
            note=_("pledged, and the free stock likely gone within %(days)s days")
            % {"days": LEAD_DAYS},
            tone="warn" if near else "good",
        ),
        Fact(
            _("First sell-out"),
            _("%(days)s days") % {"days": _days(first.free_out.likely)} if first else _("unknown"),
            note=_name(first) if first else _("nothing was sold in half a year"),
        ),
        Fact(
            _("Data"),
            ngettext("%(count)s shipment", "%(count)s shipments", sales) % {"count": f"{sales:,}"},
            note=_("of the last half year; recent ones weigh more, seasons are not known"),
        ),
    ]


def _table(found: Sequence[Forecast]) -> Table:
    return Table(
        key="items",
        title=_("Days to sell-out by item"),
        columns=[
            columns.words(_("Item"), _name),
            columns.quantity(_("Free"), "stock.free", "stock.unit"),
            columns.quantity(_("Pledged"), "stock.pledged", "stock.unit"),
            columns.quantity(_("Sells a day"), "turnover.a_day", "stock.unit"),
            _days_column(_("Free gone: early"), "free_out", "early"),
            _days_column(_("likely"), "free_out", "likely"),
            _days_column(_("late"), "free_out", "late"),
            _days_column(_("All gone: likely"), "all_out", "likely"),
            columns.count(_("Shipments"), "turnover.sales"),
            columns.quantity(_("Shipped"), "turnover.quantity", "stock.unit"),
            columns.count(_("Days of history"), "turnover.history_days"),
        ],
        rows=found,
        empty=_("No stock, no forecast."),
        first_step=_("A forecast appears when goods are in store."),
    )


def _days_column(label: str, what: str, when: str) -> Column:
    return Column(label, lambda one: getattr(getattr(one, what), when), show=_days, numeric=True)


def _days(days: Decimal | None) -> str:
    if days is None:
        return formats.EMPTY
    if days >= LONGEST:
        return str(_("years"))
    return formats.number(days, 1)


def _chart(found: Sequence[Forecast]) -> dict[str, Any]:
    known = [one for one in found if one.free_out.likely is not None]

    def upto(one: Forecast, when: str) -> Decimal:
        return min(getattr(one.free_out, when) or ZERO, Decimal(365))

    return bars(
        names=[_name(one) for one in known],
        series=[
            (
                _("Days that nine in ten cases last"),
                "right-pledge",
                [upto(one, "early") for one in known],
            ),
            (
                _("more, likely"),
                "band-watch",
                [upto(one, "likely") - upto(one, "early") for one in known],
            ),
            (
                _("more, in one case of ten"),
                "line-strong",
                [upto(one, "late") - upto(one, "likely") for one in known],
            ),
        ],
        unit=_("days"),
    )

"""The floating mortgage of a facility: floor against value, what it names, what flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.forms import Form
from django.utils.translation import gettext as _

from lending.models import Facility
from outbox.models import Alert
from parties.actors import Actor
from pledges.models import FloatingMortgage, MortgagedItem, MortgagedSite
from pledges.services.mortgage.outflow import outflow_since
from portal import columns, formats
from portal.alert_words import alert_in_words
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.names import name_of
from portal.queries.mortgages import (
    StandingDay,
    get_controlled,
    get_mortgage,
    list_flows,
    list_mortgage_alerts,
    list_named_items,
    list_named_sites,
    list_standing,
)
from portal.tables import Column, Table

WEEKS = 12


@dataclass(frozen=True, slots=True)
class MortgageBoard:
    """What the mortgage's page shows; nothing but its facility where there is no mortgage."""

    facility: Facility
    mortgage: FloatingMortgage | None
    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]
    forms: Sequence[Form] = ()


def mortgage_board(
    actor: Actor, facility: Facility, as_of: date, forms: Sequence[Form] = ()
) -> MortgageBoard:
    """Return the page of the facility's mortgage at the prices of a day."""
    mortgage = get_mortgage(actor, facility)
    if mortgage is None:
        return MortgageBoard(facility, None, [], {}, {})
    currency = facility.currency
    days = [as_of - timedelta(weeks=week) for week in range(WEEKS - 1, -1, -1)]
    standing = list_standing(mortgage, days)
    tables = [
        _standing_table(standing, mortgage, currency),
        _items_table(list_named_items(mortgage)),
        _sites_table(list_named_sites(mortgage)),
        _flows_table(mortgage, currency),
        _alerts_table(list_mortgage_alerts(actor, mortgage)),
    ]
    return MortgageBoard(
        facility=facility,
        mortgage=mortgage,
        facts=_facts(mortgage, as_of, currency),
        tables={table.key: table for table in tables},
        charts={"floor": _chart(standing, mortgage, currency)},
        forms=forms,
    )


def _facts(mortgage: FloatingMortgage, as_of: date, currency: str) -> list[Fact]:
    controlled = get_controlled(mortgage, as_of)
    above = controlled - mortgage.floor_value
    since = as_of - timedelta(days=mortgage.outflow_window_days)
    outflow = outflow_since(facility_id=mortgage.facility_id, after=since, until=as_of)
    state_day = mortgage.discharged_on or mortgage.crystallised_on or mortgage.active_on
    return [
        money_fact(_("May leave above the floor"), max(above, Decimal(0)), currency,
                   note=_("without an act of the lender, while cover holds"),
                   tone="lead" if above > 0 else "bad"),
        money_fact(_("Controlled goods"), controlled, currency, note=_("at the market")),
        money_fact(_("Floor"), mortgage.floor_value, currency,
                   note=_("stays while anything is owed")),
        money_fact(_("Left in the window"), outflow, currency,
                   note=_("%(days)s days; alert from %(share)s of the controlled value")
                   % {"days": mortgage.outflow_window_days,
                      "share": formats.percent(mortgage.outflow_alert_share)}),
        Fact(_("State"), mortgage.get_state_display(), note=formats.day(state_day)),
    ]  # fmt: skip


def _chart(
    standing: Sequence[StandingDay], mortgage: FloatingMortgage, currency: str
) -> dict[str, Any]:
    floor = mortgage.floor_value
    return bars(
        names=[formats.day(one.on) for one in standing],
        series=[
            (_("Up to the floor"), "right-floating_mortgage",
             [min(one.controlled, floor) for one in standing]),
            (_("Above the floor"), "right-pledge",
             [max(one.controlled - floor, Decimal(0)) for one in standing]),
            (_("Missing to the floor"), "band-close_out",
             [max(floor - one.controlled, Decimal(0)) for one in standing]),
        ],
        unit=currency,
    )  # fmt: skip


def _standing_table(
    standing: Sequence[StandingDay], mortgage: FloatingMortgage, currency: str
) -> Table:
    floor = mortgage.floor_value
    return Table(
        key="standing",
        title=_("Floor against controlled value"),
        columns=[
            columns.day(_("Day"), "on"),
            columns.amount(_("Controlled"), "controlled", currency),
            columns.amount(_("Floor"), lambda _one: floor, currency),
            columns.change(_("Above the floor"), lambda one: one.controlled - floor, currency),
        ],
        rows=list(reversed(standing)),
        empty=_("Nothing was controlled yet."),
    )


def _items_table(rows: Sequence[MortgagedItem]) -> Table:
    return Table(
        key="items",
        title=_("Items chosen by the material manager"),
        columns=[columns.text(_("Item"), lambda row: name_of(row.item)), *_named_columns()],
        rows=rows,
        empty=_("No item is chosen: nothing comes under the mortgage."),
    )


def _sites_table(rows: Sequence[MortgagedSite]) -> Table:
    return Table(
        key="sites",
        title=_("Named sites"),
        columns=[
            columns.text(_("Site"), lambda row: name_of(row.site)),
            columns.text(_("Custodian"), lambda row: name_of(row.site.operator)),
            *_named_columns(),
        ],
        rows=rows,
        empty=_("No site is named: nothing comes under the mortgage."),
    )


def _named_columns() -> list[Column]:
    return [
        columns.day(_("From"), "from_on"),
        columns.day(_("Until"), "until_on"),
        columns.person(_("Chosen by"), "selected_by"),
        columns.words(_("Why"), "reason"),
        columns.words(_("Why no longer"), "withdrawal_reason"),
    ]


def _flows_table(mortgage: FloatingMortgage, currency: str) -> Table:
    return Table(
        key="flows",
        title=_("Inflow and outflow by day"),
        columns=[
            columns.day(_("Day"), "on"),
            columns.amount(_("Came in"), "came", currency),
            columns.amount(_("Left"), "left", currency),
        ],
        rows=list_flows(mortgage),
        empty=_("Nothing came in or left yet."),
    )


def _alerts_table(alerts: Sequence[Alert]) -> Table:
    return Table(
        key="alerts",
        title=_("Alerts"),
        columns=[
            columns.instant(_("When"), "raised_at"),
            columns.words(
                _("What happened"), lambda alert: alert_in_words(alert.topic, alert.payload)
            ),
        ],
        rows=alerts,
        empty=_("No alert was raised."),
    )

"""Prices: what a commodity costs, what it lends, why it moved, and where my bands would flip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from parties.actors import Actor
from pledges.states import Band
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.queries.prices import (
    History,
    Quoted,
    get_history,
    get_latest_rate,
    get_pool,
    get_quote,
    list_quotes,
)
from portal.rules.flip import Pool, flip_prices
from portal.tables import Column, Table
from risk.models import PledgeRate

ZERO = Decimal(0)
SPANS = {"1y": 365, "5y": 1826, "all": None}
DEFAULT_SPAN = "1y"
TABLE_DAYS = 60


@dataclass(frozen=True, slots=True)
class PricesBoard:
    """What the list of prices shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def prices_board(actor: Actor, facility: Facility | None, on: date) -> PricesBoard:
    """Return all priced commodities, those in the facility's pool first."""
    quotes = sorted(list_quotes(actor, facility, on=on), key=lambda one: (-one.market, one.name))
    currency = facility.currency if facility else ""
    at_stake = [one for one in quotes if one.market]
    return PricesBoard(
        facts=_list_facts(quotes, at_stake, currency),
        tables={"prices": _quotes_table(quotes, currency)},
        charts={"stake": _stake_chart(at_stake, currency)},
    )


def _list_facts(quotes: Sequence[Quoted], at_stake: Sequence[Quoted], currency: str) -> list[Fact]:
    moved = [one for one in at_stake or quotes if one.price_change is not None]
    worst = min(moved, key=lambda one: one.price_change or ZERO, default=None)
    stale = [one for one in quotes if not one.fresh]
    return [
        money_fact(
            _("Moves with prices"),
            sum((one.market for one in at_stake), ZERO),
            currency,
            note=ngettext("%(count)s commodity", "%(count)s commodities", len(at_stake))
            % {"count": len(at_stake)},
            tone="lead",
        ),
        Fact(
            _("Fell most in 30 days")
            if worst and (worst.price_change or 0) < 0
            else _("Rose least in 30 days"),
            formats.signed_percent(worst.price_change) if worst else formats.EMPTY,
            note=worst.name if worst else "",
        ),
        Fact(
            _("Without a fresh price"),
            f"{len(stale):,}",
            note=", ".join(one.name for one in stale) or _("everything is priced"),
            tone="bad" if any(one.market for one in stale) else "",
        ),
        Fact(_("Priced commodities"), f"{len(quotes):,}", note=_("each with its pledge rate")),
    ]


def _quotes_table(quotes: Sequence[Quoted], currency: str) -> Table:
    return Table(
        key="prices",
        title=_("Prices and pledge rates"),
        columns=[
            columns.text(
                _("Commodity"), "name", href=lambda q: reverse("portal:price", args=[q.code])
            ),
            Column(
                _("Price"),
                lambda q: q.price,
                show_row=lambda q: (
                    f"{formats.price(q.price)} {q.currency}/{formats.unit_label(q.unit)}"
                ),
                numeric=True,
            ),
            columns.day(_("Of"), "price_on"),
            Column(
                _("In 30 days"), lambda q: q.price_change, show=formats.signed_percent, numeric=True
            ),
            columns.share(_("Pledge rate"), "rate"),
            Column(
                _("In 30 days"), lambda q: q.rate_change, show=formats.basis_points, numeric=True
            ),
            columns.amount(_("In the pool"), "market", currency),
            columns.amount(_("Lending value"), "lending", currency),
            columns.text(_("Note"), "reason"),
        ],
        rows=quotes,
        empty=_("No price has been recorded."),
        first_step=_("Prices come from files or feeds; see the README."),
    )


def _stake_chart(quotes: Sequence[Quoted], currency: str) -> dict[str, Any]:
    return bars(
        names=[one.name for one in quotes],
        series=[
            (_("Lending value"), "right-pledge", [one.lending for one in quotes]),
            (_("Not lent"), "line-strong", [one.market - one.lending for one in quotes]),
        ],
        unit=currency,
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """A price at which the facility's band changes."""

    band: str
    price: Decimal
    fall: Decimal


@dataclass(frozen=True, slots=True)
class PriceBoard:
    """What one commodity's page shows."""

    quoted: Quoted
    span: str
    spans: list[str]
    facts: list[Fact]
    why: list[str]
    flips: list[Flip]
    has_pool: bool
    tables: dict[str, Table]


def price_board(
    actor: Actor, facility: Facility | None, code: str, on: date, span: str | None
) -> PriceBoard:
    """Return one commodity's page; 404 for an unknown code."""
    quoted = get_quote(actor, facility, code=code, on=on)
    history = get_history(code, on=on, days=TABLE_DAYS * 2)
    pool = get_pool(actor, facility, commodity_id=quoted.id, on=on) if facility else None
    flips = list_flips(pool, quoted.price)
    return PriceBoard(
        quoted=quoted,
        span=span if span in SPANS else DEFAULT_SPAN,
        spans=list(SPANS),
        facts=_facts(facility, quoted, history, flips),
        why=_why(quoted, history, get_latest_rate(code, on=on)),
        flips=flips,
        has_pool=pool is not None,
        tables={"flips": _flips_table(quoted, flips), "history": _history_table(quoted, history)},
    )


def list_flips(pool: Pool | None, price: Decimal) -> list[Flip]:
    """Return the prices at which the band changes, from the calmest on."""
    if pool is None or price <= 0 or pool.exposure == 0:
        return []
    return [
        Flip(str(band), flip, flip / price - 1)
        for band, flip in flip_prices(pool).items()
        if flip.is_finite()
    ]


def _facts(
    facility: Facility | None, quoted: Quoted, history: History, flips: Sequence[Flip]
) -> list[Fact]:
    unit = f"{quoted.currency}/{formats.unit_label(quoted.unit)}"
    reachable = [flip for flip in flips if flip.fall < 0]
    facts = [
        Fact(
            _("Price"),
            formats.price(quoted.price),
            unit=unit,
            note=_("of %(day)s, %(change)s in 30 days")
            % {
                "day": formats.day(quoted.price_on),
                "change": formats.signed_percent(quoted.price_change),
            },
            exact=f"{quoted.price:f} {unit}",
            tone="lead",
        ),
        Fact(
            _("Pledge rate"),
            formats.percent(quoted.rate, 2),
            note=quoted.reason
            or _("%(change)s in 30 days") % {"change": formats.basis_points(quoted.rate_change)},
            tone="bad" if quoted.reason else "",
        ),
    ]
    if facility is None:
        return facts
    return [
        *facts,
        money_fact(_("In the pool"), quoted.market, facility.currency, note=_("at market value")),
        money_fact(
            _("Lending value"), quoted.lending, facility.currency, note=_("after the pledge rate")
        ),
        _next_flip_fact(unit, reachable),
    ]


def _next_flip_fact(unit: str, reachable: Sequence[Flip]) -> Fact:
    if not reachable:
        return Fact(_("Band flips at"), _("no price"), note=_("of this commodity alone"))
    flip = reachable[0]
    return Fact(
        _("Band flips at"),
        formats.price(flip.price),
        unit=unit,
        note=_("%(fall)s from here: %(band)s")
        % {"fall": formats.signed_percent(flip.fall), "band": Band(flip.band).label},
        tone="warn" if flip.fall > Decimal("-0.10") else "",
    )


def _why(quoted: Quoted, history: History, rate: PledgeRate | None) -> list[str]:
    """Say in sentences what moved the price and the rate."""
    words = []
    if len(history.prices) > 10:
        then, now = history.prices[-11], history.prices[-1]
        if then.unit_price:
            change = now.unit_price / then.unit_price - 1
            words.append(
                _("The price moved %(change)s over the last ten prices, from %(then)s to %(now)s.")
                % {
                    "change": formats.signed_percent(change),
                    "then": formats.price(then.unit_price),
                    "now": formats.price(now.unit_price),
                }
            )
    if rate is not None:
        words.append(_rate_words(rate))
    if quoted.reason:
        words.append(_("Nothing is lent on it now: %(reason)s.") % {"reason": quoted.reason})
    return words


def _rate_words(rate: PledgeRate) -> str:
    """Say how the published rate follows from the model's (risk.md 2.1 step 7)."""
    numbers = {
        "model": formats.percent(rate.model_rate, 2),
        "rate": formats.percent(rate.rate, 2),
        "day": formats.day(rate.effective_on),
    }
    gap = rate.model_rate - rate.rate
    if gap > Decimal("0.0001") and rate.rate >= rate.commodity.cap:
        text = _("On %(day)s the model said %(model)s; published is the cap, %(rate)s.")
    elif gap > Decimal("0.0001"):
        text = _(
            "On %(day)s the model said %(model)s; published is %(rate)s, because a rate rises by "
            "a quarter point a day at most."
        )
    elif gap < Decimal("-0.0001"):
        text = _(
            "On %(day)s the model said %(model)s; published stays %(rate)s, because a fall of less "
            "than half a point is left out."
        )
    else:
        text = _("On %(day)s the model said %(model)s and that was published.")
    return text % numbers


def _flips_table(quoted: Quoted, flips: Sequence[Flip]) -> Table:
    unit = f"{quoted.currency}/{formats.unit_label(quoted.unit)}"
    return Table(
        key="flips",
        title=_("Prices at which the band changes, if only this price moves"),
        columns=[
            columns.band(_("Below it the facility is"), "band"),
            Column(_("Price"), lambda f: f.price, show=formats.price, unit=unit, numeric=True),
            Column(_("From here"), lambda f: f.fall, show=formats.signed_percent, numeric=True),
        ],
        rows=flips,
        empty=_("No price of this commodity alone changes the band."),
        first_step=_("What the rest of the pool lends covers the debt by itself."),
    )


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One day of prices with the rate in force."""

    on: date
    price: Decimal
    change: Decimal | None
    rate: Decimal | None
    model_rate: Decimal | None


def _history_rows(history: History) -> list[HistoryRow]:
    rates = {point.effective_on: point for point in history.rates}
    rows, before = [], None
    for point in history.prices:
        rate = rates.get(point.observed_on)
        rows.append(
            HistoryRow(
                on=point.observed_on,
                price=point.unit_price,
                change=point.unit_price / before - 1 if before else None,
                rate=rate.rate if rate else None,
                model_rate=rate.model_rate if rate else None,
            )
        )
        before = point.unit_price
    return rows[::-1][:TABLE_DAYS]


def _history_table(quoted: Quoted, history: History) -> Table:
    unit = f"{quoted.currency}/{formats.unit_label(quoted.unit)}"
    return Table(
        key="history",
        title=_("The last %(count)s prices") % {"count": TABLE_DAYS},
        columns=[
            columns.day(_("Day"), "on"),
            Column(_("Price"), lambda r: r.price, show=formats.price, unit=unit, numeric=True),
            Column(_("Change"), lambda r: r.change, show=formats.signed_percent, numeric=True),
            Column(
                _("Published rate"),
                lambda r: r.rate,
                show=lambda rate: formats.percent(rate, 2),
                numeric=True,
            ),
            Column(
                _("Model’s rate"),
                lambda r: r.model_rate,
                show=lambda rate: formats.percent(rate, 2),
                numeric=True,
            ),
        ],
        rows=_history_rows(history),
        empty=_("No price has been recorded."),
    )


def history_data(
    actor: Actor, facility: Facility | None, code: str, on: date, span: str | None
) -> dict[str, Any]:
    """Return prices, rates and the flip prices for the chart."""
    quoted = get_quote(actor, facility, code=code, on=on)
    history = get_history(code, on=on, days=SPANS.get(span or DEFAULT_SPAN, SPANS[DEFAULT_SPAN]))
    pool = get_pool(actor, facility, commodity_id=quoted.id, on=on) if facility else None
    return {
        "unit": f"{quoted.currency}/{formats.unit_label(quoted.unit)}",
        "prices": [[p.observed_on.isoformat(), float(p.unit_price)] for p in history.prices],
        "rates": [[r.effective_on.isoformat(), float(r.rate)] for r in history.rates],
        "flips": [
            {
                "band": flip.band,
                "word": str(Band(flip.band).label),
                "price": float(flip.price),
                "text": formats.price(flip.price),
            }
            for flip in list_flips(pool, quoted.price)
        ],
        "texts": {"price": _("Price"), "rate": _("Pledge rate")},
    }


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The facility at a changed price of one commodity."""

    change: int
    price: str
    band: str
    lending: str
    cover: str
    missing: str
    opens_call: bool
    tables: dict[str, Table]


def what_if_board(
    actor: Actor, facility: Facility | None, code: str, on: date, change: str | None
) -> WhatIf | None:
    """Return the facility's cover with the price moved by `change` per cent; writes nothing."""
    quoted = get_quote(actor, facility, code=code, on=on)
    pool = get_pool(actor, facility, commodity_id=quoted.id, on=on) if facility else None
    if pool is None or facility is None:
        return None
    percent = _percent_asked(change)
    price = quoted.price * (1 + Decimal(percent) / 100)
    _market, lending = pool.values(price)
    band = pool.band(price)
    return WhatIf(
        change=percent,
        price=f"{formats.price(price)} {quoted.currency}/{formats.unit_label(quoted.unit)}",
        band=str(band),
        lending=f"{formats.large_money(lending)} {facility.currency}",
        cover=formats.ratio(lending, pool.exposure),
        missing=f"{formats.large_money(max(ZERO, pool.exposure - lending))} {facility.currency}",
        opens_call=band in {Band.CALLED, Band.CLOSE_OUT},
        tables={},
    )


def _percent_asked(text: str | None) -> int:
    try:
        return min(max(int(text or 0), -95), 50)
    except ValueError:
        return 0

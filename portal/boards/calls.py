"""Margin calls: cash or goods needed, until when, why, and what cured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from pledges.models import MarginCall
from pledges.rules.cover import goods_needed
from pledges.states import MarginCallState
from portal import columns, formats
from portal.boards.facility import calls_table
from portal.boards.facts import Fact, money_fact
from portal.queries.calls import get_call, get_cure, list_calls
from portal.queries.cover import get_standing
from portal.queries.events import Event, call_events, conversion_event, cure_in_words
from portal.queries.prices import Quoted, commodity_names, list_quotes
from portal.tables import Column, Table
from portal.words import cause_in_words, moves_in_words

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CallsBoard:
    """What the list of margin calls shows."""

    facility: Facility
    facts: list[Fact]
    tables: dict[str, Table]


def calls_board(actor: Actor, facility: Facility) -> CallsBoard:
    """Return the facility's calls."""
    calls = list_calls(actor, facility)
    open_calls = [call for call in calls if call.state != MarginCallState.CURED]
    standing = get_standing(actor, facility)
    cured = [call for call in calls if call.cured_at]
    return CallsBoard(
        facility=facility,
        facts=[
            money_fact(
                _("Cash needed now"),
                standing.cover.shortfall if open_calls else ZERO,
                facility.currency,
                note=_("exposure − lending value") if open_calls else _("no call is open"),
                tone="bad" if open_calls else "good",
            ),
            Fact(_("Open"), f"{len(open_calls):,}", note=_open_note(open_calls)),
            Fact(_("Opened so far"), f"{len(calls):,}", note=_("since the facility began")),
            Fact(_("Cured"), f"{len(cured):,}", note=_cures(cured)),
        ],
        tables={"calls": calls_table(facility, calls)},
    )


def _open_note(calls: Sequence[MarginCall]) -> str:
    return _("until %(when)s") % {"when": formats.instant(calls[0].due_at)} if calls else ""


def _cures(calls: Sequence[MarginCall]) -> str:
    return str(_(", ")).join(sorted({cure_in_words(call.cure) for call in calls}))


@dataclass(frozen=True, slots=True)
class Offer:
    """Goods of one commodity that would cure the call."""

    quoted: Quoted
    market: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class CallBoard:
    """What one margin call's page shows."""

    call: MarginCall
    title: str
    facts: list[Fact]
    cause: list[tuple[str, str]]
    history: list[Event]
    tables: dict[str, Table]
    from_days: int


def call_board(actor: Actor, call_id: int, as_of: date | None) -> CallBoard:
    """Return one margin call; 404 for strangers."""
    call = get_call(actor, call_id)
    on = call.cured_at.date() if call.cured_at else (as_of or call.opened_on)
    needed = _needed_now(actor, call)
    cure = get_cure(actor, call)
    history = call_events(call) + ([conversion_event(cure)] if cure else [])
    offers = _offers(needed or call.cash_needed, list_quotes(actor, call.facility, on=on))
    return CallBoard(
        call=call,
        title=_("Margin call of %(day)s") % {"day": formats.day(call.opened_on)},
        facts=_facts(call, needed, offers, as_of),
        cause=_cause(call),
        history=sorted(history, key=lambda event: (event.at, event.rank)),
        tables={"offers": _offers_table(call, offers)},
        from_days=90,
    )


def _needed_now(actor: Actor, call: MarginCall) -> Decimal:
    if call.state == MarginCallState.CURED:
        return ZERO
    return get_standing(actor, call.facility).cover.shortfall


def _offers(shortfall: Decimal, quotes: Sequence[Quoted]) -> list[Offer]:
    """Return how much of each commodity cures a shortfall: (E − ΣLV) ÷ r at market value."""
    offers = []
    for quoted in quotes:
        if quoted.fresh and quoted.rate and quoted.price > 0 and (quoted.market or shortfall):
            market = goods_needed(shortfall=shortfall, rate=quoted.rate)
            offers.append(Offer(quoted, market, market / quoted.price))
    return offers


def _facts(
    call: MarginCall, needed: Decimal, offers: Sequence[Offer], as_of: date | None
) -> list[Fact]:
    currency, cured = call.facility.currency, call.state == MarginCallState.CURED
    best = max(offers, key=lambda offer: offer.quoted.rate or ZERO, default=None)
    clock = formats.days_between(as_of, call.due_at.date()) if as_of and not cured else ""
    return [
        money_fact(
            _("Cash needed"),
            ZERO if cured else needed,
            currency,
            note=_("%(amount)s when it opened") % {"amount": formats.money(call.cash_needed)},
            tone="good" if cured else "bad",
        ),
        money_fact(
            _("Or goods worth"),
            (best.market if best else None) if not cured else ZERO,
            currency,
            note=_("%(name)s at %(rate)s; cash ÷ pledge rate")
            % {"name": best.quoted.name, "rate": formats.percent(best.quoted.rate)}
            if best
            else "",
        ),
        Fact(
            _("Until"),
            formats.day(call.due_at.date()),
            note=" · ".join(part for part in (formats.hour(call.due_at), clock) if part),
        ),
        Fact(
            _("State"),
            str(call.get_state_display()),
            note=_("by %(cure)s on %(when)s")
            % {"cure": cure_in_words(call.cure), "when": formats.instant(call.cured_at)}
            if cured
            else "",
        ),
        Fact(
            _("Cover when opened"),
            formats.ratio(call.lending_value, call.exposure),
            exact=f"{formats.money(call.lending_value)} ÷ {formats.money(call.exposure)}",
            note=_("lending value ÷ exposure"),
        ),
    ]


def _cause(call: MarginCall) -> list[tuple[str, str]]:
    """Return the cause's parts as label and text; prices before and after where they are told."""
    rows = [(_("What moved"), cause_in_words(str(call.cause.get("kind", ""))))]
    if moves := moves_in_words(call.cause, commodity_names()):
        rows.append((_("By how much"), moves))
    currency = call.facility.currency
    rows.append((_("Exposure"), f"{formats.money(call.exposure)} {currency}"))
    rows.append((_("Market value"), f"{formats.money(call.market_value)} {currency}"))
    rows.append((_("Lending value"), f"{formats.money(call.lending_value)} {currency}"))
    return rows


def _offers_table(call: MarginCall, offers: Sequence[Offer]) -> Table:
    currency = call.facility.currency
    return Table(
        key="offers",
        title=_("Goods that would cure it, by commodity"),
        columns=[
            columns.text(_("Commodity"), "quoted.name"),
            columns.share(_("Pledge rate"), "quoted.rate"),
            columns.amount(_("Worth at market"), "market", currency),
            columns.quantity(_("Quantity"), "quantity", "quoted.unit"),
            Column(_("Price"), lambda o: o.quoted.price, show=formats.price, numeric=True),
            columns.day(_("Price of"), "quoted.price_on"),
        ],
        rows=offers,
        empty=_("No commodity has a fresh price and a rate."),
    )

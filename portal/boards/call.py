"""One margin call: needed now, cured so far and by what, its clock, its history, more time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from parties.actors import Actor
from parties.roles import Role
from pledges.models import MarginCall, MarginCallEntry, MarginCallExtension
from pledges.rules.clock import hours_of
from pledges.rules.cover import Cover, goods_needed
from pledges.states import Band, MarginCallState
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact, money_fact
from portal.call_words import entry_event, entry_in_words, state_in_words
from portal.event import Event
from portal.queries.calls import get_cover_now, get_cure, get_request, list_entries
from portal.queries.events import conversion_event
from portal.queries.prices import Quoted, get_pools, list_quotes, names_of_held
from portal.rules.flip import flip_prices
from portal.tables import Column, Table
from portal.words import cause_in_words, moves_in_words

ZERO = Decimal(0)
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Offer:
    """Goods of one commodity that would cure the call, and the price at which it cures itself."""

    quoted: Quoted
    market: Decimal
    quantity: Decimal
    cures_at: Decimal | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one cause took off the need, or what is left of it."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CallBoard:
    """What one margin call's page shows; `acts` names the forms that the reader may send."""

    call: MarginCall
    title: str
    facts: list[Fact]
    cause: list[tuple[str, str]]
    history: list[Event]
    tables: dict[str, Table]
    charts: dict[str, Any]
    request: MarginCallExtension | None
    acts: list[str]
    forms: Sequence[forms.Form] = ()


def call_board(actor: Actor, call: MarginCall, as_of: date | None, now: datetime) -> CallBoard:
    """Return what is shown of a call that the actor may see. A constant number of queries."""
    is_cured = call.state == MarginCallState.CURED
    on = call.cured_at.date() if call.cured_at else (as_of or call.opened_on)
    cover = None if is_cured else get_cover_now(actor, call, on=on)
    needed = cover.shortfall if cover else ZERO
    entries = list_entries(actor, call)
    cure = get_cure(actor, call)
    history = [entry_event(entry) for entry in entries]
    history += [conversion_event(cure)] if cure else []
    held = names_of_held(actor, call.facility, at=call.opened_at)
    offers = [one for one in _offers(actor, call, needed, on=on) if one.quoted.code in held]
    parts = _parts(call, entries, needed)
    waiting = get_request(actor, call)
    return CallBoard(
        call=call,
        title=_("Margin call of %(day)s") % {"day": formats.day(call.opened_on)},
        facts=_facts(call, cover, needed, offers, now),
        cause=_cause(call, held),
        history=sorted(history, key=lambda event: (event.at, event.rank)),
        tables={
            "parts": _parts_table(call, parts),
            "offers": _offers_table(call, offers),
            "entries": _entries_table(call, entries),
        },
        charts={"parts": _parts_chart(call, parts)},
        request=waiting,
        acts=_acts(actor, call, waiting),
    )


def _acts(actor: Actor, call: MarginCall, waiting: MarginCallExtension | None) -> list[str]:
    """Name what the reader may do about the call's time."""
    is_lender = actor.organisation_id == call.tenant_id and actor.person_id is not None
    if not is_lender or call.state == MarginCallState.CURED:
        return []
    if waiting is None:
        return ["extend"] if actor.has_role(Role.RISK_OFFICER) else []
    may_decide = actor.has_role(Role.RISK_OFFICER, Role.APPROVER)
    return ["grant", "refuse"] if may_decide and waiting.maker_id != actor.person_id else []


def _offers(actor: Actor, call: MarginCall, needed: Decimal, *, on: date) -> list[Offer]:
    """Return how much of each commodity cures a shortfall: (E − ΣLV) ÷ r at market value."""
    shortfall = needed or call.cash_needed
    pools = get_pools(actor, call.facility, on=on) if needed else {}
    offers = []
    for quoted in list_quotes(actor, call.facility, on=on):
        if quoted.fresh and quoted.rate and quoted.price > 0:
            market = goods_needed(shortfall=shortfall, rate=quoted.rate)
            flips = flip_prices(pools[quoted.id]) if quoted.id in pools else {}
            covered = flips.get(Band.WATCH)
            cures_at = covered if covered is not None and covered.is_finite() else None
            offers.append(Offer(quoted, market, market / quoted.price, cures_at))
    return offers


def _parts(call: MarginCall, entries: Sequence[MarginCallEntry], needed: Decimal) -> list[Part]:
    """Return what took the need of the opening away, and what is left of it.

    The price's part includes what it did since the last line; the parts and the rest make the
    need of the opening.
    """
    cash = sum((entry.by_cash for entry in entries), ZERO)
    goods = sum((entry.by_goods for entry in entries), ZERO)
    charges = sum((entry.by_charges for entry in entries), ZERO)
    written = sum((entry.by_write_off for entry in entries), ZERO)
    price = call.cash_needed - needed - cash - goods - charges - written
    parts = [
        Part(_("Cash"), cash),
        Part(_("Goods, at lending value"), goods),
        Part(_("Price and pledge rate"), price),
        Part(_("Interest and fees"), charges),
        Part(_("Needed now"), needed),
    ]
    return [*parts, Part(_("Written off"), written)] if written else parts


def _parts_chart(call: MarginCall, parts: Sequence[Part]) -> dict[str, Any]:
    colours = (
        *("right-proceeds", "right-pledge", "right-order_claim", "right-repaid", "band-called"),
        "right-released",
    )
    return bars(
        names=[formats.day(call.opened_on)],
        series=[
            (part.name, colour, [max(part.amount, ZERO)])
            for part, colour in zip(parts, colours, strict=False)
        ],
        unit=call.facility.currency,
    )


def _parts_table(call: MarginCall, parts: Sequence[Part]) -> Table:
    currency = call.facility.currency
    return Table(
        key="parts",
        title=_("Cured so far, and by what"),
        columns=[
            columns.text(_("What"), "name"),
            columns.amount(_("Amount"), "amount", currency),
        ],
        rows=parts,
        empty="",
        foot=[_("Needed when it opened"), formats.money(call.cash_needed)],
    )


def _facts(
    call: MarginCall, cover: Cover | None, needed: Decimal, offers: Sequence[Offer], now: datetime
) -> list[Fact]:
    currency, cured = call.facility.currency, call.state == MarginCallState.CURED
    best = max(offers, key=lambda offer: offer.quoted.rate or ZERO, default=None)
    return [
        money_fact(
            _("Cash needed"),
            needed,
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
        _clock_fact(call, now),
        Fact(
            _("State"),
            state_in_words(call),
            note=formats.instant(call.cured_at) if cured else "",
            tone="bad" if call.state == MarginCallState.ESCALATED else "",
        ),
        Fact(
            _("Cover when opened"),
            formats.ratio(call.lending_value, call.exposure),
            exact=f"{formats.money(call.lending_value)} ÷ {formats.money(call.exposure)}",
            note=_("%(ratio)s now") % {"ratio": formats.ratio(cover.lending_value, cover.exposure)}
            if cover
            else _("lending value ÷ exposure"),
        ),
    ]


def _clock_fact(call: MarginCall, now: datetime) -> Fact:
    """Return the deadline with the business hours that are left until it."""
    note, tone = formats.hour(call.due_at), ""
    if call.state != MarginCallState.CURED:
        left = hours_of(call.tenant.country).between(now, call.due_at)
        hours = int(left.total_seconds()) // HOUR
        has_run_out = call.is_out_of_time(now)
        words = _("ran out") if has_run_out else _("%(hours)s business hours left")
        note, tone = f"{note} · {words % {'hours': hours}}", "bad" if has_run_out else ""
    return Fact(_("Until"), formats.day(call.due_at.date()), note=note, tone=tone)


def _cause(call: MarginCall, names: dict[str, str]) -> list[tuple[str, str]]:
    """Return the cause's parts as label and text; prices before and after where they are told."""
    rows = [(_("What moved"), cause_in_words(str(call.cause.get("kind", ""))))]
    if moves := moves_in_words(call.cause, names):
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
        title=_("Goods that would cure it, by commodity held"),
        columns=[
            columns.text(_("Commodity"), "quoted.name"),
            columns.share(_("Pledge rate"), "quoted.rate"),
            columns.amount(_("Worth at market"), "market", currency),
            columns.quantity(_("Quantity"), "quantity", "quoted.unit"),
            Column(_("Price"), lambda o: o.quoted.price, show=formats.price, numeric=True),
            Column(_("Cures itself at"), lambda o: o.cures_at, show=formats.price, numeric=True),
            columns.day(_("Price of"), "quoted.price_on"),
        ],
        rows=offers,
        empty=_("No commodity held has a fresh price and a rate."),
    )


def _entries_table(call: MarginCall, entries: Sequence[MarginCallEntry]) -> Table:
    currency = call.facility.currency
    return Table(
        key="entries",
        title=_("Every line of its history"),
        columns=[
            columns.instant(_("When"), "at"),
            columns.words(_("What"), entry_in_words),
            columns.change(_("Cash"), "by_cash", currency),
            columns.change(_("Goods"), "by_goods", currency),
            columns.change(_("Price"), "by_price", currency),
            columns.change(_("Interest and fees"), "by_charges", currency),
            columns.amount(_("Needed afterwards"), "need", currency),
            columns.text(_("Who"), "actor_label"),
        ],
        rows=entries,
        empty=_("Nothing has happened yet."),
    )

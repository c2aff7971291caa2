"""Quarantine: prices that were not believed at once, what speaks for them, and who decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from parties.actors import Actor
from parties.models import Person
from parties.roles import Role
from portal import columns, formats
from portal.boards.facts import Fact
from portal.queries.feeds import list_held
from portal.tables import Table
from risk.models import HeldPrice, HoldReason
from risk.states import HoldState, OverrideState

_DECIDERS = (Role.APPROVER, Role.RISK_OFFICER)
_ASKERS = (Role.PREPARER, Role.RISK_OFFICER)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One held price as the page shows it; `waits` says for whom."""

    id: int
    name: str
    href: str
    text: str
    source: str
    freezes: bool
    held_at: datetime
    waits: str
    state_label: str
    note: str
    decided_by: str
    settled_at: datetime | None
    may_ask: bool
    may_refuse: bool
    may_confirm: bool


@dataclass(frozen=True, slots=True)
class HeldBoard:
    """What the page shows."""

    facts: list[Fact]
    waiting: list[HeldLine]
    form: Form
    tables: dict[str, Table]


def held_board(actor: Actor, form: Form) -> HeldBoard:
    """Return the house's quarantine."""
    holds = list_held(actor)
    standing = [one for one in holds if one.settled_at is None]
    settled = [_line(one, actor) for one in holds if one.settled_at is not None]
    return HeldBoard(
        facts=_facts(standing, settled),
        waiting=[_line(one, actor) for one in standing],
        form=form,
        tables={"settled": _table(settled)},
    )


def _facts(standing: Sequence[HeldPrice], settled: Sequence[HeldLine]) -> list[Fact]:
    freezing = sorted({one.commodity.name for one in standing if one.freezes})
    oldest = min((one.held_at for one in standing), default=None)
    return [
        Fact(
            _("In quarantine"),
            f"{len(standing):,}",
            note=_("prices that nobody has decided on"),
            tone="warn" if standing else "good",
        ),
        Fact(
            _("Lending stopped"),
            f"{len(freezing):,}",
            note=", ".join(freezing) or _("no goods are frozen"),
            tone="bad" if freezing else "",
        ),
        Fact(_("Oldest"), formats.day(oldest.date() if oldest else None), note=_("still waiting")),
        Fact(_("Settled"), f"{len(settled):,}", note=_("confirmed, refused or overtaken")),
    ]


def _line(hold: HeldPrice, actor: Actor) -> HeldLine:
    mine = hold.tenant_id == actor.organisation_id
    asked = hold.override is not None and hold.override.state == OverrideState.REQUESTED
    held, doubted = hold.state == HoldState.HELD, hold.state == HoldState.DOUBTED
    asker = hold.override.maker_id if asked and hold.override else hold.maker_id
    may_decide = mine and actor.has_role(*_DECIDERS) and asker != actor.person_id
    return HeldLine(
        id=hold.pk,
        name=hold.commodity.name,
        href=reverse("portal:price", args=[hold.commodity.code]),
        text=_in_words(hold),
        source=hold.run.feed.name,
        freezes=hold.freezes,
        held_at=hold.held_at,
        waits=_waits(hold, asked=asked),
        state_label=str(HoldState(hold.state).label),
        note=hold.note,
        decided_by=" · ".join(filter(None, _people(hold))),
        settled_at=hold.settled_at,
        may_ask=mine and held and not asked and actor.has_role(*_ASKERS),
        may_refuse=doubted and may_decide,
        may_confirm=held and asked and may_decide,
    )


def _in_words(hold: HeldPrice) -> str:
    before = formats.price(hold.previous)
    move = ""
    if hold.move is not None:
        move = f" ({formats.signed_percent(Decimal(str(round(math.expm1(hold.move), 4))))})"
    return _("%(day)s: %(before)s → %(price)s %(currency)s%(move)s: %(reason)s") % {
        "day": formats.day(hold.observed_on),
        "before": before,
        "price": formats.price(hold.price),
        "currency": hold.currency,
        "move": move,
        "reason": HoldReason(hold.reason).label,
    }


def _waits(hold: HeldPrice, *, asked: bool) -> str:
    """Say what a standing price waits for."""
    if hold.state == HoldState.DOUBTED:
        who = {"who": _name(hold.maker), "note": hold.note}
        return _("%(who)s asks that it be refused: %(note)s") % who
    if asked and hold.override:
        who = {"who": _name(hold.override.maker), "note": hold.override.reason}
        return _("%(who)s asks that it be confirmed: %(note)s") % who
    if hold.confirm_after:
        return _("confirmed by itself at %s unless the source takes it back") % formats.instant(
            hold.confirm_after
        )
    return _("two people decide")


def _people(hold: HeldPrice) -> list[str]:
    if hold.state == HoldState.REFUSED:
        return [_name(hold.maker), _name(hold.checker)]
    return [_name(hold.override.maker), _name(hold.override.checker)] if hold.override else []


def _name(person: Person | None) -> str:
    return "" if person is None else person.get_full_name() or person.username


def _table(lines: Sequence[HeldLine]) -> Table:
    return Table(
        key="settled",
        title=_("Settled"),
        columns=[
            columns.instant(_("Settled"), "settled_at"),
            columns.text(_("Commodity"), "name", href=lambda line: line.href),
            columns.words(_("Price"), "text", sub=lambda line: line.source),
            columns.state(_("State"), "state_label"),
            columns.words(_("Why"), "note"),
            columns.text(_("Decided by"), "decided_by"),
        ],
        rows=lines,
        empty=_("No price has been settled yet."),
    )

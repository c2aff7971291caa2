"""What two people decide on: changes of terms and prices set by hand, waiting and decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lending.models import FacilityChange
from lending.states import ChangeState
from parties.actors import Actor
from parties.roles import Role
from portal import columns, formats
from portal.boards.facts import Fact
from portal.boards.rate_models import switch_words
from portal.names import person_name
from portal.queries.four_eyes import list_overrides, list_term_changes
from portal.queries.rate_models import list_switches
from portal.tables import Table
from risk.models import PriceOverride, RateModelSwitch
from risk.states import OverrideState

TERMS: dict[str, Any] = {
    "limit": gettext_lazy("Limit"),
    "products": gettext_lazy("Products"),
    "annual_rate": gettext_lazy("Interest"),
    "penalty_rate": gettext_lazy("Penalty interest"),
    "waterfall": gettext_lazy("Waterfall"),
    "waiver_tolerance": gettext_lazy("Waiver tolerance"),
    "order_advance_rate": gettext_lazy("Advance on orders"),
    "receivable_advance_rate": gettext_lazy("Advance on receivables"),
    "watch_line": gettext_lazy("Watch line"),
    "call_line": gettext_lazy("Call line"),
    "release_factor": gettext_lazy("Release factor"),
    "cure_business_days": gettext_lazy("Days to cure"),
    "minimum_controlled_value": gettext_lazy("Minimum controlled value"),
    "matures_on": gettext_lazy("Matures on"),
}
_MONEY = ("limit", "waiver_tolerance", "minimum_controlled_value")
_DECIDERS = (Role.APPROVER, Role.RISK_OFFICER)
_ASKERS = (Role.PREPARER, Role.RISK_OFFICER)


@dataclass(frozen=True, slots=True)
class Line:
    """One change as the page shows it."""

    what: str
    id: int
    subject: str
    href: str
    text: str
    reason: str
    state: str
    state_label: str
    asked_at: datetime
    asked_by: str
    decided_at: datetime | None
    decided_by: str
    note: str
    may_decide: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class FourEyesBoard:
    """What the page shows; the forms are None for readers who may not ask."""

    facts: list[Fact]
    waiting: list[Line]
    term_form: Form | None
    price_form: Form | None
    decision_form: Form
    tables: dict[str, Table]


def four_eyes_board(
    actor: Actor, *, term_form: Form | None, price_form: Form | None, decision_form: Form
) -> FourEyesBoard:
    """Return what waits for a second person, what was decided, and the forms to ask with."""
    lines = [_of_terms(one, actor) for one in list_term_changes(actor)]
    lines += [_of_price(one, actor) for one in list_overrides(actor)]
    lines += [_of_model(one, actor) for one in list_switches(actor)]
    lines.sort(key=lambda line: line.asked_at, reverse=True)
    waiting = [line for line in lines if line.state == ChangeState.REQUESTED]
    decided = [line for line in lines if line.state != ChangeState.REQUESTED]
    return FourEyesBoard(
        facts=_facts(waiting, decided),
        waiting=waiting,
        term_form=term_form,
        price_form=price_form,
        decision_form=decision_form,
        tables={"changes": _table(decided)},
    )


def _facts(waiting: Sequence[Line], decided: Sequence[Line]) -> list[Fact]:
    oldest = min((line.asked_at for line in waiting), default=None)
    applied = sum(line.state == ChangeState.APPLIED for line in decided)
    return [
        Fact(
            _("Waiting"),
            f"{len(waiting):,}",
            note=_("for another person") if waiting else _("nothing waits"),
            tone="warn" if waiting else "good",
        ),
        Fact(_("Oldest"), formats.day(oldest.date() if oldest else None), note=_("still waiting")),
        Fact(_("In force"), f"{applied:,}", note=_("of %s decided") % f"{len(decided):,}"),
    ]


def _of_terms(change: FacilityChange, actor: Actor) -> Line:
    pairs = [
        f"{TERMS[name]}: {_term(name, change.before.get(name), change)} → "
        f"{_term(name, value, change)}"
        for name, value in change.after.items()
    ]
    return _line(
        change,
        actor,
        what="terms",
        subject=change.facility.code,
        href=reverse("portal:facility", kwargs={"facility_id": change.facility_id}),
        text="; ".join(pairs),
        state_label=ChangeState(change.state).label,
    )


def _of_price(override: PriceOverride, actor: Actor) -> Line:
    currency = override.commodity.currency
    before = formats.price(override.price_before)
    step = f"{before} → {formats.price(override.price)} {currency}"
    text = _("%(day)s: %(step)s, worth %(stake)s %(currency)s on what is held") % {
        "day": formats.day(override.observed_on),
        "step": step,
        "stake": formats.money(override.stake),
        "currency": currency,
    }
    return _line(
        override,
        actor,
        what="price",
        subject=override.commodity.name,
        href=reverse("portal:price", kwargs={"code": override.commodity.code}),
        text=text,
        state_label=OverrideState(override.state).label,
    )


def _of_model(switch: RateModelSwitch, actor: Actor) -> Line:
    return _line(
        switch,
        actor,
        what="model",
        subject=switch.commodity.name,
        href=reverse("portal:rate_models", kwargs={"code": switch.commodity.code}),
        text=switch_words(switch),
        state_label=OverrideState(switch.state).label,
    )


def _line(one: FacilityChange | PriceOverride | RateModelSwitch, actor: Actor, **told: Any) -> Line:
    open_here = one.state == ChangeState.REQUESTED and one.tenant_id == actor.organisation_id
    return Line(
        id=one.pk,
        reason=one.reason,
        state=one.state,
        asked_at=one.requested_at,
        asked_by=person_name(one.maker),
        decided_at=one.decided_at,
        decided_by=person_name(one.checker),
        note=one.note,
        may_decide=open_here and one.maker_id != actor.person_id and actor.has_role(*_DECIDERS),
        may_withdraw=open_here and actor.has_role(*_ASKERS),
        **told,
    )


def _term(name: str, value: Any, change: FacilityChange) -> str:
    """Return a term's value as people read it: amounts with currency, shares in per cent."""
    if value is None:
        return str(_("by the rates of the goods"))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if name in _MONEY:
        return f"{formats.money(number)} {change.facility.currency}"
    return str(value) if name == "cure_business_days" else formats.percent(number, 2)


def _table(lines: Sequence[Line]) -> Table:
    return Table(
        key="changes",
        title=_("Decided"),
        columns=[
            columns.instant(_("Decided"), "decided_at"),
            columns.text(_("What"), "subject", href=lambda line: line.href),
            columns.words(_("Change"), "text", sub=lambda line: line.reason),
            columns.state(_("State"), "state_label"),
            columns.text(_("Asked by"), "asked_by"),
            columns.text(_("Decided by"), "decided_by", sub=lambda line: line.note),
        ],
        rows=lines,
        empty=_("Nothing was decided yet."),
    )

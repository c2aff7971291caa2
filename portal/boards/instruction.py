"""One instruction: its four stamps, its clocks, its goods and what it does to cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from parties.actors import Actor
from parties.roles import Role
from pledges.instruction_states import (
    PENDING,
    STEPS,
    InstructionKind,
    InstructionState,
    LineDirection,
)
from pledges.models import Instruction, InstructionLine, InstructionStep
from pledges.services.preview import Preview
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.boards.instructions import preview_in_words
from portal.instruction_words import (
    clock_tone,
    duration,
    goods_in_words,
    next_step,
    objection_in_words,
    time_left,
    title_of,
)
from portal.names import name_of
from portal.queries.instructions import preview_instructions
from portal.tables import Column, Table

_S = InstructionState


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the stepper draws it: done, now or still to come."""

    label: str
    css: str
    icon: str
    who: str
    when: str
    note: str
    on_what: str


@dataclass(frozen=True, slots=True)
class InstructionBoard:
    """What one instruction's page shows."""

    instruction: Instruction
    title: str
    goods: str
    facts: list[Fact]
    steps: list[Step]
    why: list[str]
    tables: dict[str, Table]
    acts: list[str]
    forms: Sequence[forms.Form] = ()


def instruction_board(
    actor: Actor, found: Instruction, *, on: date, now: datetime
) -> InstructionBoard:
    """Return one instruction, read for this actor, as the reader may see it."""
    pending = found.state in PENDING
    preview = preview_instructions(actor, [found], on=on).get(found.pk) if pending else None
    stamps = list(found.steps.all())
    return InstructionBoard(
        instruction=found,
        title=title_of(found),
        goods=goods_in_words(found),
        facts=_facts(found, preview, now),
        steps=_steps(found, stamps, now),
        why=_why(found, stamps),
        tables={"goods": _goods_table(found), "stamps": _stamps_table(stamps)},
        acts=possible_acts(actor, found),
    )


def possible_acts(actor: Actor, one: Instruction) -> list[str]:
    """Return what the reader may do now, by name; the services judge it again."""
    acts = []
    own = actor.organisation_id
    decides = own == one.tenant_id and actor.has_role(Role.APPROVER, Role.RISK_OFFICER)
    keeps = own == one.custodian_id and actor.has_role(Role.PARTNER, Role.OPERATIONS)
    if one.state == _S.REQUESTED and decides and actor.person_id != one.maker_id:
        acts += ["approve", "refuse"]
    if keeps:
        acts += {
            _S.INSTRUCTED: ["acknowledge", "decline"],
            _S.ACKNOWLEDGED: ["execute", "decline"],
            _S.EXECUTED: ["evidence"],
        }.get(_S(one.state), [])
    asks = own in (one.maker_organisation_id, one.tenant_id) and actor.has_role(
        Role.PREPARER, Role.OPERATIONS, Role.APPROVER, Role.RISK_OFFICER
    )
    if one.state in PENDING and asks:
        acts.append("withdraw")
    return acts


def _facts(one: Instruction, preview: Preview | None, now: datetime) -> list[Fact]:
    currency = one.facility.currency
    value = preview.amount if preview else one.market_value
    note = _("at today’s prices") if preview else _("when it was asked for")
    facts = [
        money_fact(_("Market value"), value, currency, note=note, tone="lead"),
        Fact(_("State"), str(one.get_state_display()), note=next_step(one)),
        Fact(
            _("This step"),
            time_left(one.step_due_at, now),
            note=formats.instant(one.step_due_at),
            tone=clock_tone(one.step_due_at, now),
        ),
        _whole(one, now),
    ]
    if preview is not None:
        words = preview_in_words(preview)
        facts.insert(
            1,
            Fact(
                _("Cover if done now"),
                formats.ratio(preview.after.lending_value, preview.after.exposure),
                band=str(preview.after.band),
                note=words,
                exact=f"{formats.money(preview.after.lending_value)} ÷ "
                f"{formats.money(preview.after.exposure)}",
            ),
        )
    return facts


def _whole(one: Instruction, now: datetime) -> Fact:
    label = _("Four hours")
    if one.executed_at is not None:
        taken = (one.executed_at - one.requested_at).total_seconds()
        kept = one.executed_at <= one.due_at
        return Fact(
            label,
            duration(taken),
            note=_("promise kept") if kept else _("promise broken"),
            tone="good" if kept else "bad",
        )
    if one.state not in PENDING:
        return Fact(label, formats.EMPTY, note=_("nothing was moved"))
    return Fact(
        label,
        time_left(one.due_at, now),
        note=formats.instant(one.due_at),
        tone=clock_tone(one.due_at, now),
    )


def _steps(one: Instruction, stamps: list[InstructionStep], now: datetime) -> list[Step]:
    by_step = {stamp.step: stamp for stamp in stamps}
    way = [_S.REQUESTED, *STEPS]
    if one.state not in way:  # stopped: the way ends where it was stopped
        way = [state for state in way if state in by_step] + [_S(one.state)]
    steps = []
    for place, state in enumerate(way):
        stamp = by_step.get(state)
        is_now = stamp is None and place > 0 and by_step.get(way[place - 1]) is not None
        steps.append(_step(one, state, stamp, is_now=is_now, now=now))
    return steps


def _step(
    one: Instruction,
    state: InstructionState,
    stamp: InstructionStep | None,
    *,
    is_now: bool,
    now: datetime,
) -> Step:
    label = str(state.label)
    if stamp is None:
        left = time_left(one.step_due_at, now) if is_now else ""
        who = next_step(one) if is_now else ""
        return Step(label, "now" if is_now else "", "clock", who, left, "", "")
    stopped = state not in (_S.REQUESTED, *STEPS)
    house = name_of(stamp.organisation) if stamp.organisation else ""
    waited = _("after %(time)s") % {"time": duration(stamp.waited_seconds)}
    return Step(
        label=label,
        css="stopped" if stopped else "done",
        icon="close" if stopped else "check",
        who=f"{stamp.actor_label}, {house}" if house else stamp.actor_label,
        when=formats.instant(stamp.at),
        note=waited if state != _S.REQUESTED else "",
        on_what=stamp.reference if len(stamp.reference) < 30 else "",
    )


def _why(one: Instruction, stamps: list[InstructionStep]) -> list[str]:
    """Return in sentences what it is for, why no rule sent it, and why it was stopped."""
    said = [_("What for: %(reason)s") % {"reason": one.reason}]
    objections = stamps[0].detail.get("objections", []) if stamps else []
    if objections:
        words = str(_("; ")).join(objection_in_words(code) for code in objections)
        said.append(_("Not approved by rule: %(why)s.") % {"why": words})
    if one.rule is not None:
        said.append(_("Approved by rule, version %(version)s.") % {"version": one.rule.version})
    if one.refusal:
        said.append(str(one.refusal.get("message", "")))
    return said


def _goods_table(one: Instruction) -> Table:
    def side(line: InstructionLine) -> str:
        if line.direction == LineDirection.GIVE:
            return _("Given back")
        return _("Brought in") if one.kind != InstructionKind.PLEDGE else _("Pledged")

    return Table(
        key="goods",
        title=_("Goods"),
        columns=[
            columns.text(_("Side"), side),
            columns.words(_("Item"), lambda line: name_of(line.lot.item)),
            columns.text(_("Lot"), "lot.number"),
            columns.text(_("Place"), lambda line: name_of(line.lot.site)),
            columns.quantity(_("Quantity"), "quantity", "lot.item.unit"),
        ],
        rows=list(one.lines.all()),
        empty=_("It names no goods."),
    )


def _stamps_table(stamps: list[InstructionStep]) -> Table:
    def short(value: str) -> str:
        return f"{value[:12]}…" if value else formats.EMPTY

    def house(stamp: InstructionStep) -> Any:
        return name_of(stamp.organisation) if stamp.organisation else ""

    return Table(
        key="stamps",
        title=_("Stamps"),
        columns=[
            columns.state(_("Step"), lambda stamp: str(stamp.get_step_display())),
            columns.words(_("Who"), "actor_label", sub=house),
            columns.moment(_("When"), "at"),
            Column(_("Waited"), lambda s: s.waited_seconds, show=duration, numeric=True),
            columns.instant(_("Was due"), "was_due_at", file_only=True),
            columns.words(_("On what"), "reference"),
            Column(_("SHA-256"), lambda stamp: stamp.sha256, show=short, exact=lambda s: s.sha256),
            columns.words(_("Reason"), "reason"),
        ],
        rows=stamps,
        empty=_("Nothing is stamped."),
    )

"""The work queue of instructions: what waits for whom, until when, and how all of them go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from parties.actors import Actor
from pledges.instruction_queries import WHOLE, StepStatistics
from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from pledges.rules.approval import Rating
from pledges.services.preview import Preview
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facts import Fact
from portal.instruction_words import (
    clock_tone,
    duration,
    goods_in_words,
    next_step,
    time_left,
    title_of,
)
from portal.names import localised, name_of
from portal.queries.instructions import (
    list_instructions,
    list_statistics,
    list_waiting,
    preview_instructions,
)
from portal.tables import Column, Table
from portal.words import cover_change

STEP_LABELS = {**{str(one.value): one for one in InstructionState}, WHOLE: None}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One instruction that waits for the reader: all that the decision needs, in one row."""

    instruction: Instruction
    title: str
    goods: str
    asked_by: str
    amount: str
    cover: str
    step: str
    left: str
    tone: str
    whole_left: str
    decides: bool


@dataclass(frozen=True, slots=True)
class QueueBoard:
    """What the page of instructions shows."""

    facts: list[Fact]
    waiting: list[Waiting]
    tables: dict[str, Table]
    may_ask: bool


def queue_board(actor: Actor, *, on: date, now: datetime, may_ask: bool) -> QueueBoard:
    """Return the reader's queue and the instructions the reader may see."""
    mine = list_waiting(actor)
    previews = preview_instructions(actor, mine, on=on)
    shown = list_instructions(actor)
    return QueueBoard(
        facts=_facts(mine, shown, list_statistics(actor, now=now), now),
        waiting=[_waiting(one, previews.get(one.pk), now) for one in mine],
        tables={"instructions": _table(shown, now)},
        may_ask=may_ask,
    )


def preview_in_words(preview: Preview) -> str:
    """Return "cover 1.52 → 1.31" as it is and as it would be."""
    before, after = preview.before, preview.after
    return cover_change(
        before=(before.exposure, before.lending_value), after=(after.exposure, after.lending_value)
    )


def _waiting(one: Instruction, preview: Preview | None, now: datetime) -> Waiting:
    asker = one.maker.get_full_name() or one.maker.username
    return Waiting(
        instruction=one,
        title=title_of(one),
        goods=goods_in_words(one),
        asked_by=f"{asker}, {name_of(one.maker_organisation)}",
        amount=f"{formats.money(preview.amount)} {one.facility.currency}" if preview else "",
        cover=preview_in_words(preview) if preview else "",
        step=next_step(one),
        left=time_left(one.step_due_at, now),
        tone=clock_tone(one.step_due_at, now),
        whole_left=time_left(one.due_at, now) if one.executed_at is None else "",
        decides=one.state == InstructionState.REQUESTED,
    )


def _facts(
    mine: Sequence[Instruction],
    shown: Sequence[Instruction],
    statistics: Sequence[StepStatistics],
    now: datetime,
) -> list[Fact]:
    on_the_way = [one for one in shown if one.step_due_at is not None]
    late = [one for one in on_the_way if one.step_due_at and one.step_due_at < now]
    first = mine[0] if mine else None
    rating = _together(statistics)
    return [
        Fact(
            _("Waits for you"),
            f"{len(mine):,}",
            note=next_step(first) if first else _("nothing waits for you"),
            tone="lead",
        ),
        Fact(
            _("Shortest clock"),
            time_left(first.step_due_at, now) if first else formats.EMPTY,
            note=first.number if first else "",
            tone=clock_tone(first.step_due_at, now) if first else "",
        ),
        Fact(_("On the way"), f"{len(on_the_way):,}", note=_("waiting for anybody")),
        Fact(
            _("Late"),
            f"{len(late):,}",
            note=_("both sides were alerted") if late else _("every step is in time"),
            tone="bad" if late else "good",
        ),
        Fact(
            _("Done in four hours"),
            formats.percent(rating.share),
            note=_("of %(count)s in 90 days") % {"count": f"{rating.counted:,}"},
            href=reverse("portal:instruction_statistics"),
        ),
    ]


def _together(statistics: Sequence[StepStatistics]) -> Rating:
    ratings = {row.custodian_id: row.rating for row in statistics}
    return Rating(
        sum(one.punctual for one in ratings.values()), sum(one.counted for one in ratings.values())
    )


def _table(rows: Sequence[Instruction], now: datetime) -> Table:
    def clock(one: Instruction) -> str:
        return time_left(one.step_due_at, now) if one.step_due_at else formats.EMPTY

    return Table(
        key="instructions",
        title=_("Instructions"),
        columns=[
            columns.text(
                _("Instruction"),
                "number",
                href=lambda one: reverse("portal:instruction", args=[one.pk]),
            ),
            columns.text(_("Kind"), lambda one: str(one.get_kind_display())),
            columns.words(_("Goods"), goods_in_words),
            columns.text(_("Custodian"), lambda one: name_of(one.custodian)),
            columns.state(_("State"), lambda one: str(one.get_state_display())),
            columns.text(_("Clock"), clock),
            Column(
                _("Market value"),
                lambda one: one.market_value,
                show_row=lambda one: f"{formats.money(one.market_value)} {one.facility.currency}",
                numeric=True,
            ),
            columns.moment(_("Requested"), "requested_at"),
        ],
        rows=rows,
        empty=_("No goods were asked to be moved."),
        first_step=_("Ask for a pledge, a release or a swap from the inventory."),
    )


@dataclass(frozen=True, slots=True)
class StatisticsBoard:
    """What the page of waiting times shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def statistics_board(actor: Actor, *, now: datetime) -> StatisticsBoard:
    """Return p50 and p95 of the waits by custodian and step, and who keeps the four hours."""
    rows = list_statistics(actor, now=now)
    rating = _together(rows)
    whole = [row for row in rows if row.step == WHOLE]
    slowest = max(whole, key=lambda row: row.p95, default=None)
    return StatisticsBoard(
        facts=[
            Fact(
                _("Done in four hours"),
                formats.percent(rating.share),
                note=_("%(punctual)s of %(count)s in 90 days")
                % {"punctual": f"{rating.punctual:,}", "count": f"{rating.counted:,}"},
                tone="lead",
            ),
            Fact(
                _("Half of them within"),
                duration(max((row.p50 for row in whole), default=None)),
                note=_("from the request to the moved goods"),
            ),
            Fact(
                _("19 of 20 within"),
                duration(slowest.p95 if slowest else None),
                note=_name(slowest) if slowest else "",
            ),
        ],
        tables={"steps": _steps_table(rows), "ratings": _ratings_table(rows)},
        charts={"waits": _waits_chart(rows)},
    )


def _name(row: StepStatistics) -> str:
    return localised(row.custodian, row.custodian_zh)


def _step_label(row: StepStatistics) -> str:
    state = STEP_LABELS[row.step]
    return str(state.label) if state else _("Request to moved goods")


def _steps_table(rows: Sequence[StepStatistics]) -> Table:
    return Table(
        key="steps",
        title=_("Waiting time by step"),
        columns=[
            columns.text(_("Step"), _step_label),
            columns.count(_("Stamps"), "count"),
            Column(_("Half within"), lambda row: row.p50, show=duration, numeric=True),
            Column(_("19 of 20 within"), lambda row: row.p95, show=duration, numeric=True),
            columns.share(
                _("In time"), lambda row: Decimal(row.in_time) / row.count if row.count else None
            ),
        ],
        rows=rows,
        empty=_("Nothing was stamped in the last 90 days."),
        first_step=_("Each step of an instruction is stamped with its wait."),
        group=_name,
    )


def _ratings_table(rows: Sequence[StepStatistics]) -> Table:
    by_custodian = {row.custodian_id: row for row in rows}
    return Table(
        key="ratings",
        title=_("Partner rating"),
        columns=[
            columns.text(_("Custodian"), _name),
            columns.count(_("In four hours"), "rating.punctual"),
            columns.count(_("Counted"), "rating.counted"),
            columns.meter(_("Share"), "rating.share"),
        ],
        rows=list(by_custodian.values()),
        empty=_("No custodian has a record yet."),
    )


def _waits_chart(rows: Sequence[StepStatistics]) -> dict[str, Any]:
    """Return p50 and what p95 adds to it, in minutes, one bar a step."""
    minute = Decimal(60)
    names = [f"{_step_label(row)}, {_name(row)}" for row in rows]
    return bars(
        names=names,
        series=[
            (_("Half within"), "right-receivable", [row.p50 / minute for row in rows]),
            (
                _("19 of 20: longer by"),
                "right-floating_mortgage",
                [(row.p95 - row.p50) / minute for row in rows],
            ),
        ],
        unit=_("min"),
    )

"""Home: what needs me now, what may be drawn, what blocks more, what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.boards.standing_facts import blocked_fact, cover_fact, headroom_fact
from portal.event import Event
from portal.queries.cover import get_standing
from portal.queries.events import list_events
from portal.queries.tasks import Task, list_tasks
from portal.tables import Table

LATEST_EVENTS = 8


@dataclass(frozen=True, slots=True)
class HomeBoard:
    """What Home shows."""

    facility: Facility
    facts: list[Fact]
    tasks: list[Task]
    events: list[Event]
    tables: dict[str, Table]


def home_board(actor: Actor, facility: Facility, as_of: date) -> HomeBoard:
    """Return Home for one facility."""
    standing = get_standing(actor, facility)
    tasks = list_tasks(actor, facility, as_of=as_of)
    events = list_events(actor, facility, last=LATEST_EVENTS)
    return HomeBoard(
        facility=facility,
        facts=[
            _needs_fact(tasks),
            headroom_fact(facility, standing),
            blocked_fact(facility, standing),
            cover_fact(facility, standing),
        ],
        tasks=tasks,
        events=events,
        tables={"tasks": tasks_table(facility, tasks, as_of), "events": events_table(events)},
    )


def _needs_fact(tasks: list[Task]) -> Fact:
    urgent = [task for task in tasks if task.tone]
    note = tasks[0].text if tasks else _("No call, payment or entry waits")
    return Fact(
        _("Needs somebody now"),
        ngettext("%(count)s thing", "%(count)s things", len(tasks)) % {"count": len(tasks)}
        if tasks
        else _("Nothing"),
        note=note,
        tone=urgent[0].tone if urgent else ("" if tasks else "good"),
    )


def tasks_table(facility: Facility, tasks: list[Task], as_of: date) -> Table:
    """Return the things that wait, with their clocks."""
    return Table(
        key="tasks",
        title=_("Needs somebody now"),
        columns=[
            columns.words(_("What waits"), "text", href=lambda task: task.href),
            columns.text(_("For whom"), "who"),
            columns.amount(_("Amount"), "amount", facility.currency),
            columns.when(_("Since"), "since"),
            columns.when(_("Until"), "due", sub=lambda task: _clock(task.due, as_of)),
        ],
        rows=tasks,
        empty=_("Nothing waits for anybody."),
        first_step=_("Margin calls, payments to check and bank entries to match appear here."),
    )


def _clock(due: Any, as_of: date) -> str:
    if due is None:
        return ""
    last = due.date() if isinstance(due, datetime) else due
    return formats.days_between(as_of, last)


def events_table(events: list[Event]) -> Table:
    """Events as a table, for CSV and readers without the list."""
    return Table(
        key="events",
        title=_("Latest events"),
        columns=[
            columns.instant(_("When"), "at"),
            columns.words(_("What happened"), "text", href=lambda event: event.href),
            columns.text(_("Cover"), "cover"),
            columns.text(_("Evidence"), "evidence"),
            columns.text(_("By"), "who"),
        ],
        rows=events,
        empty=_("Nothing has happened yet."),
        first_step=_("The first paid order opens the journal."),
    )

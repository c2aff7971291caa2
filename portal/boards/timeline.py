"""The story in words: what happened, month by month, with the cover around it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lending.models import Facility
from parties.actors import Actor
from pledges.states import ConversionKind
from portal import formats
from portal.boards.facts import Fact
from portal.boards.home import events_table
from portal.event import Event
from portal.queries.events import list_events
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the story."""

    name: str
    summary: str
    days: list[tuple[str, list[Event]]]


@dataclass(frozen=True, slots=True)
class TimelineBoard:
    """What the timeline shows."""

    facility: Facility
    facts: list[Fact]
    months: list[Month]
    tables: dict[str, Table]


def timeline_board(actor: Actor, facility: Facility) -> TimelineBoard:
    """Return the whole story, oldest first."""
    events = list_events(actor, facility)[::-1]
    return TimelineBoard(
        facility=facility,
        facts=_facts(events),
        months=_months(events),
        tables={"events": events_table(events)},
    )


def _facts(events: list[Event]) -> list[Fact]:
    kinds = Counter(event.kind for event in events)
    conversions = sum(kinds[kind] for kind in ConversionKind.values)
    told = kinds["call"]
    latest = events[-1] if events else None
    return [
        Fact(
            _("Latest"),
            formats.day(latest.at.date()) if latest else formats.EMPTY,
            note=latest.text if latest else "",
            tone="lead",
        ),
        Fact(
            _("Conversions"), f"{conversions:,}", note=_("acts that turned one right into another")
        ),
        Fact(_("Payments out"), f"{kinds['draw']:,}", note=_("to suppliers and the borrower")),
        Fact(_("Repayments"), f"{kinds['repay']:,}", note=_("by cash, proceeds and refinancing")),
        Fact(
            _("Margin call events"),
            f"{told:,}",
            note=_("opened, reminded, cured, extended and ended"),
            tone="warn" if told else "",
        ),
    ]


def _months(events: list[Event]) -> list[Month]:
    months = []
    for first, group in groupby(events, key=lambda event: event.at.date().replace(day=1)):
        members = list(group)
        days = [
            (formats.day(day), list(inside))
            for day, inside in groupby(members, key=lambda event: event.at.date())
        ]
        months.append(Month(name=formats.month(first), summary=_summary(members), days=days))
    return months


def _summary(events: list[Event]) -> str:
    told = ngettext("%(count)s event", "%(count)s events", len(events)) % {"count": len(events)}
    covers = [event for event in events if event.lending_value is not None]
    if not covers:
        return told
    last = covers[-1]
    assert last.lending_value is not None
    assert last.exposure is not None
    return _("%(events)s, cover %(cover)s at the end") % {
        "events": told,
        "cover": formats.ratio(last.lending_value, last.exposure),
    }

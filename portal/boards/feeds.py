"""Feed health: which feeds spoke, when, how late, and what is wrong with what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.queries.feeds import FeedRead, is_under_way, list_feeds, read_feed
from portal.tables import Column, Table
from risk.feed_health import FeedHealth
from risk.feeds.registry import AdapterName, key_variable
from risk.models import Feed, FeedRun
from risk.states import RunState


@dataclass(frozen=True, slots=True)
class FeedsBoard:
    """What the page of all feeds shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    forms: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedBoard:
    """What one feed's page shows."""

    feed: Feed
    run: FeedRun | None
    running: bool
    facts: list[Fact]
    tables: dict[str, Table]
    forms: list[Any] = field(default_factory=list)


def feeds_board(actor: Actor, *, now: datetime) -> FeedsBoard:
    """Return the health of the house's feeds."""
    rows = list_feeds(actor, now=now)
    return FeedsBoard(facts=_list_facts(rows), tables={"feeds": _feeds_table(rows)})


def feed_board(feed: Feed, *, now: datetime) -> FeedBoard:
    """Return one feed's page."""
    read = read_feed(feed, now=now)
    run = read.runs[0] if read.runs else None
    return FeedBoard(
        feed=feed,
        run=run,
        running=is_under_way(run),
        facts=_facts(read),
        tables={"runs": runs_table(read.runs), "series": _series_table(read)},
    )


def _list_facts(rows: Sequence[FeedHealth]) -> list[Fact]:
    late = [one.feed.name for one in rows if one.is_late]
    failing = [one.feed.name for one in rows if one.fails]
    repeating = [one.feed.name for one in rows if one.repeats]
    held = sum(one.held for one in rows)
    return [
        Fact(
            _("Late"),
            f"{len(late):,}",
            note=", ".join(late) or _("of %s feeds") % f"{len(rows):,}",
            tone="bad" if late else "good",
        ),
        Fact(
            _("Failing"),
            f"{len(failing):,}",
            note=", ".join(failing) or _("every last run was good"),
            tone="bad" if failing else "",
        ),
        Fact(
            _("In quarantine"),
            f"{held:,}",
            note=_("prices that nobody has decided on"),
            tone="warn" if held else "",
            href=reverse("portal:held_prices"),
        ),
        Fact(
            _("Repeating"),
            f"{len(repeating):,}",
            note=", ".join(repeating) or _("no feed repeats its prints"),
            tone="warn" if repeating else "",
        ),
    ]


def _feeds_table(rows: Sequence[FeedHealth]) -> Table:
    return Table(
        key="feeds",
        title=_("Feeds"),
        columns=[
            columns.text(
                _("Feed"),
                lambda one: one.feed.name,
                href=lambda one: reverse("portal:feed", args=[one.feed.code]),
                sub=lambda one: str(AdapterName(one.feed.adapter).label),
            ),
            columns.state(_("State"), state_of),
            columns.instant(_("Last success"), lambda one: one.good.ended_at if one.good else None),
            columns.text(_("Against expected"), lateness),
            columns.day(_("Prices up to"), "latest_on"),
            columns.count(_("Days missing"), lambda one: len(one.missing)),
            Column(_("Repeated prints"), _repeated, show=formats.percent, numeric=True),
            columns.count(_("In quarantine"), "held"),
            columns.words(_("Last error"), lambda one: one.last.error if one.fails else ""),
        ],
        rows=rows,
        empty=_("No feed is set up."),
        first_step=_("A risk officer sets one up below; files and commands work without."),
    )


def _repeated(one: FeedHealth) -> Decimal:
    return Decimal(str(round(one.repeated, 4)))


def state_of(one: FeedHealth) -> str:
    """Return a feed's state in a word, the gravest first."""
    if not one.feed.active:
        return _("Paused")
    if one.is_late:
        return _("Late")
    if one.fails:
        return _("Failing")
    return _("Repeating") if one.repeats else _("Good")


def lateness(one: FeedHealth) -> str:
    """Say how the last success stands to the expected time."""
    if one.late_by is None or not one.feed.active:
        return formats.EMPTY
    span = duration(one.late_by)
    return (_("awaited for %s") if one.awaited else _("%s after")) % span


def duration(span: timedelta) -> str:
    """Return a span of time in its two largest units."""
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    return _("%d min") % minutes


def _facts(read: FeedRead) -> list[Fact]:
    one = read.health
    return [
        Fact(
            _("State"),
            state_of(one),
            note=lateness(one),
            tone="bad" if one.is_late or one.fails else "good",
        ),
        Fact(
            _("Prices up to"),
            formats.day(one.latest_on),
            note=_("%s days missing in sixty") % len(one.missing),
        ),
        Fact(
            _("Next look"),
            formats.instant(one.feed.next_run_at) if one.feed.active else formats.EMPTY,
            note=_("%s failures in a row") % one.feed.failures,
        ),
        Fact(
            _("Key"),
            key_variable(one.feed.adapter, one.feed.code)
            if one.feed.adapter != AdapterName.DROP_FOLDER
            else formats.EMPTY,
            note=_("a variable of the environment, never kept here"),
        ),
    ]


def runs_table(runs: Sequence[FeedRun]) -> Table:
    """Return what every look at a feed brought."""
    return Table(
        key="runs",
        title=_("Runs"),
        columns=[
            columns.instant(_("Asked for"), "requested_at", sub=lambda run: run.asked_by),
            columns.state(_("State"), lambda run: str(RunState(run.state).label)),
            columns.count(_("Accepted"), "accepted"),
            columns.count(_("Duplicate"), "duplicate"),
            columns.count(_("Superseded"), "superseded"),
            columns.count(_("Quarantined"), "quarantined"),
            columns.count(_("Refused"), "refused"),
            columns.words(_("What was wrong"), what_was_wrong),
        ],
        rows=runs,
        empty=_("This feed has not been looked at yet."),
    )


def what_was_wrong(run: FeedRun) -> str:
    """Say why a run failed, or the first refusals of one that did not."""
    told = [run.error] if run.error else []
    told += [
        f"{one['series']} {one['on']}: {one['message'] or one['code']}" for one in run.problems[:3]
    ]
    return "; ".join(told)


def _series_table(read: FeedRead) -> Table:
    return Table(
        key="series",
        title=_("Series"),
        columns=[
            columns.text(_("Series"), "series"),
            columns.text(
                _("Commodity"),
                lambda one: one.commodity.name,
                href=lambda one: reverse("portal:price", args=[one.commodity.code]),
            ),
            columns.text(_("Priced in"), lambda one: f"{one.currency} / {one.unit}"),
            columns.state(
                _("Use"),
                lambda one: _("confirms only") if one.confirms_only else _("gives the price"),
            ),
        ],
        rows=read.series,
        empty=_("This feed carries no series."),
    )

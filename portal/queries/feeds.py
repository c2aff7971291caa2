"""Feeds and held prices of the reader's house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404

from parties.actors import Actor
from risk.feed_health import FeedHealth, feed_health
from risk.models import Feed, FeedRun, FeedSeries, HeldPrice
from risk.states import RunState

MOST_SHOWN = 200
RUNS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class FeedRead:
    """One feed with what its page shows."""

    health: FeedHealth
    series: list[FeedSeries]
    runs: list[FeedRun]


def list_feeds(actor: Actor, *, now: datetime) -> list[FeedHealth]:
    """Return the health of the house's feeds (six queries)."""
    return feed_health(list(Feed.objects.visible_to(actor)), now=now)


def get_feed(actor: Actor, code: str) -> Feed:
    """Return one feed; 404 for another house's (one query)."""
    feed = Feed.objects.visible_to(actor).filter(code=code).first()
    if feed is None:
        raise Http404
    return feed


def read_feed(feed: Feed, *, now: datetime) -> FeedRead:
    """Return a feed that the reader may see, with its series and latest runs (seven queries)."""
    [health] = feed_health([feed], now=now)
    series = list(feed.series.select_related("commodity"))
    return FeedRead(health, series, list(feed.runs.all()[:RUNS_SHOWN]))


def latest_run(feed: Feed) -> FeedRun | None:
    """Return the run that waits or is under way, else the latest one (one query)."""
    return feed.runs.order_by("-requested_at", "-id").first()


def is_under_way(run: FeedRun | None) -> bool:
    """Tell whether a run is still to end."""
    return run is not None and run.state in (RunState.REQUESTED, RunState.RUNNING)


def list_held(actor: Actor) -> list[HeldPrice]:
    """Return the latest held prices of the house's feeds, newest first (one query)."""
    rows = HeldPrice.objects.visible_to(actor)
    related = ("commodity", "maker", "checker", "override__maker", "override__checker", "run__feed")
    return list(rows.select_related(*related)[:MOST_SHOWN])


def get_held(actor: Actor, hold_id: int) -> HeldPrice:
    """Return one held price; 404 for another house's."""
    rows = HeldPrice.objects.visible_to(actor).select_related("override")
    hold = rows.filter(pk=hold_id).first()
    if hold is None:
        raise Http404
    return hold

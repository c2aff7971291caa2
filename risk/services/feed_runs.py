"""Running feeds: asked for by the clock or a person, one run of a feed at a time, tried again.

A run is a row with a lease. The network is waited for outside any transaction; each parcel is
recorded in one. A worker that dies leaves a run whose lease passes: the next one buries it.
Failures push the feed's next look back, doubling with jitter; after six in a row it waits for the
next business day.
"""

import logging
import random
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction

from common.calendars import BusinessCalendar
from common.locks import lock_one
from outbox.services.alerts import NewAlert, raise_alerts
from parties.actors import Actor
from risk import hooks
from risk.feeds.interface import Adapter, FeedAsk, FeedError, Parcel, SeriesAsk
from risk.feeds.registry import ADAPTERS, key_of
from risk.models import Feed, FeedBody, FeedRun
from risk.queries import source_days
from risk.services.feed_recording import Outcome, record_reading, source_of
from risk.states import RunState

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # above the time limit of the task that runs it
BACK = timedelta(days=10)  # corrections are looked for so far back
FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0  # seconds between tries
LONGEST_PLEA = 6 * 3600.0  # the longest Retry-After that is obeyed
TRIES = 6
TELL_AFTER = 3  # failures in a row


def request_due(*, now: datetime) -> list[int]:
    """Ask for a run of every feed whose time has come; return the feeds with a run that waits."""
    with transaction.atomic():
        busy = FeedRun.objects.filter(state=RunState.REQUESTED)
        due = Feed.objects.filter(active=True, next_run_at__lte=now)
        fresh = due.exclude(pk__in=busy.values("feed_id"))
        FeedRun.objects.bulk_create(
            [FeedRun(feed=feed, asked_by="clock", requested_at=now) for feed in fresh],
            ignore_conflicts=True,
        )
    return list(busy.values_list("feed_id", flat=True))


def run_feed(*, feed_id: int, actor: Actor, now: datetime) -> FeedRun | None:
    """Carry out the run that waits for a feed; None if none waits or another one is under way."""
    run = _claim(feed_id, now)
    if run is None:
        return None
    began = time.monotonic()
    total, failure = Outcome(), None
    try:
        failure = _look(run, total, actor, now)
    except FeedError as error:
        failure = error
    except Exception as error:
        logger.exception("feed %s failed", run.feed.code)
        failure = FeedError("broken", type(error).__name__)
    ended = now + timedelta(seconds=time.monotonic() - began)
    return _end(run, total, failure, ended)


def next_look(feed: Feed, now: datetime) -> datetime:
    """Return when a feed is looked at next after a good run: its next expected time, or sooner."""
    if feed.poll_minutes:
        return now + timedelta(minutes=feed.poll_minutes)
    calendar = BusinessCalendar(feed.calendar) if feed.calendar else None
    day = now.date()
    while True:
        moment = datetime.combine(day, feed.expected_at, UTC)
        works = calendar.is_business_day(day) if calendar else day.weekday() < 5
        if works and moment > now:
            return moment
        day += timedelta(days=1)


def back_off(failures: int, *, retry_after: float | None = None) -> timedelta:
    """Return how long to leave a feed alone after so many failures in a row: doubling, jittered."""
    wait = min(FIRST_WAIT * 2.0 ** (failures - 1), LONGEST_WAIT) * random.uniform(0.75, 1.25)
    return timedelta(seconds=max(wait, min(retry_after or 0.0, LONGEST_PLEA)))


# --- one run ------------------------------------------------------------------------------------


def _claim(feed_id: int, now: datetime) -> FeedRun | None:
    """Start the run that waits, after burying one whose worker is gone."""
    with transaction.atomic():
        feed = lock_one(Feed.objects.all(), feed_id)
        running = FeedRun.objects.filter(feed=feed, state=RunState.RUNNING).first()
        if running is not None:
            if running.lease_until and running.lease_until > now:
                return None
            running.fail(code="abandoned", message="the worker is gone", now=now)
            running.save()
        run = FeedRun.objects.filter(feed=feed, state=RunState.REQUESTED).first()
        if run is None:
            return None
        run.start(now=now, lease_until=now + LEASE)
        run.save()
        run.feed = feed
    return run


def _look(run: FeedRun, total: Outcome, actor: Actor, now: datetime) -> FeedError | None:
    """Fetch and record parcel by parcel; return the first failure that left others to go on."""
    feed = run.feed
    adapter, ask = ADAPTERS[feed.adapter].adapter, _ask(feed, now)
    failure: FeedError | None = None
    for parcels in adapter.fetch(ask):
        _keep(run, parcels, now)
        problem = _record_parcels(run, adapter, ask, parcels, total, actor, now)
        adapter.put_away(ask, parcels, problem.message if problem else "")
        failure = failure or problem
    return failure


def _record_parcels(
    run: FeedRun,
    adapter: Adapter,
    ask: FeedAsk,
    parcels: Sequence[Parcel],
    total: Outcome,
    actor: Actor,
    now: datetime,
) -> FeedError | None:
    """Record one group of parcels; return why it was refused as a whole, if it was."""
    try:
        reading = adapter.read(ask, parcels)
    except FeedError as error:
        return error
    with hooks.moving_market(now=now):
        _still_mine(run)
        outcome = record_reading(run=run, reading=reading, actor=actor, now=now)
    total.add(outcome)
    if outcome.incomplete:
        return FeedError("incomplete_batch", outcome.problems[0]["message"])
    return None


def _still_mine(run: FeedRun) -> None:
    """Refuse to record for a run that another worker has buried meanwhile."""
    state = lock_one(FeedRun.objects.all(), run.pk).state
    if state != RunState.RUNNING:
        raise FeedError("overtaken", "another run took this one's place")


def _ask(feed: Feed, now: datetime) -> FeedAsk:
    series = list(feed.series.all())
    known = source_days(source_of(feed), [one.commodity_id for one in series])
    return FeedAsk(
        code=feed.code,
        kind=feed.kind,
        settings=feed.settings,
        series=[
            SeriesAsk(series=one.series, currency=one.currency, unit=one.unit) for one in series
        ],
        since=_since(feed, known, everything=len(known) < len(series)),
        now=now,
        key=key_of(feed.adapter, feed.code),
    )


def _since(feed: Feed, known: dict[int, date], *, everything: bool) -> date | None:
    """Return from when on prices are asked for: some days back, or all where a series is new."""
    if known and not everything:
        return min(known.values()) - BACK
    told = feed.settings.get("since")
    return date.fromisoformat(told) if told else None


def _keep(run: FeedRun, parcels: Sequence[Parcel], now: datetime) -> None:
    """Store what came, once for each content, and show how far the run is."""
    FeedBody.objects.bulk_create(
        [
            FeedBody(
                digest=parcel.digest,
                size=len(parcel.body),
                packed=zlib.compress(parcel.body),
                stored_at=now,
            )
            for parcel in {parcel.digest: parcel for parcel in parcels}.values()
        ],
        ignore_conflicts=True,
    )
    run.parcels += [_named(parcel) for parcel in parcels]
    FeedRun.objects.filter(pk=run.pk).update(step="recording", parcels=run.parcels)


def _named(parcel: Parcel) -> dict[str, Any]:
    return {"name": parcel.name, "digest": parcel.digest, "size": len(parcel.body)}


def _end(run: FeedRun, total: Outcome, failure: FeedError | None, ended: datetime) -> FeedRun:
    """Write down what the run brought, and when the feed is looked at next."""
    with transaction.atomic():
        feed = lock_one(Feed.objects.all(), run.feed_id)
        locked = lock_one(FeedRun.objects.all(), run.pk)
        if locked.state != RunState.RUNNING:
            return locked
        for name in (*locked.counts, "latest_on", "problems"):
            setattr(locked, name, getattr(total, name))
        locked.parcels = run.parcels
        if failure is None:
            locked.finish(now=ended)
            feed.failures, feed.next_run_at = 0, next_look(feed, ended)
        else:
            locked.fail(code=failure.code, message=failure.message, now=ended)
            feed.failures += 1
            feed.next_run_at = _again(feed, failure, ended)
            _tell(feed, failure, ended)
        locked.save()
        feed.save(update_fields=["failures", "next_run_at"])
    return locked


def _again(feed: Feed, failure: FeedError, now: datetime) -> datetime:
    if not failure.again or feed.failures >= TRIES:
        return next_look(feed, now)
    return now + back_off(feed.failures, retry_after=failure.retry_after)


def _tell(feed: Feed, failure: FeedError, now: datetime) -> None:
    """Alert the desk once in a row of failures: at once if trying again is of no use."""
    if failure.again and feed.failures != TELL_AFTER:
        return
    alert = NewAlert(
        organisation_id=feed.tenant_id,
        topic="risk.feed_fails",
        aggregate="feed",
        aggregate_id=feed.code,
        key=f"feed_fails:{feed.pk}:{now.date()}:{failure.code}",
        payload={
            "feed": feed.name,
            "failures": feed.failures,
            "code": failure.code,
            "error": failure.message[:200],
        },
    )
    raise_alerts([alert], now=now)

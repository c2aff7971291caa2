"""How feeds do: last success against the expected time, gaps, repeats, quarantine, errors."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from common.calendars import BusinessCalendar
from risk.hygiene import REPEATS_SHARE, missing_days, repeated_share
from risk.models import Feed, FeedRun, FeedSeries, HeldPrice
from risk.states import RunState

ROWS = 61
GAP_SPAN = 60  # calendar days that are looked at for gaps
GRACE = timedelta(hours=2)  # after the expected time, before a feed is late

_LATEST = """
SELECT c.id, p.observed_on, p.price::float8
FROM unnest(%s::bigint[]) AS c(id)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (observed_on) observed_on, price FROM risk_price
    WHERE commodity_id = c.id ORDER BY observed_on DESC, revision DESC LIMIT %s
) p
ORDER BY c.id, p.observed_on
"""


@dataclass(slots=True)
class FeedHealth:
    """One feed as of an instant.

    expected_at: the last time at which its day's prices should have been there. late_by: how long
    after that the last success came, or how long it has been awaited; none before it is due.
    """

    feed: Feed
    expected_at: datetime
    good: FeedRun | None = None
    last: FeedRun | None = None
    latest_on: date | None = None
    missing: list[date] = field(default_factory=list)
    repeated: float = 0.0
    held: int = 0
    late_by: timedelta | None = None

    @property
    def awaited(self) -> bool:
        """Whether the expected time has passed without a good run since."""
        ended = self.good.ended_at if self.good else None
        return ended is None or ended < self.expected_at

    @property
    def is_late(self) -> bool:
        """Whether it has been awaited for longer than the grace."""
        awaited = self.late_by is not None and self.late_by > GRACE
        return self.feed.active and self.awaited and awaited

    @property
    def repeats(self) -> bool:
        """Whether more than 30 % of the last 60 prints equal the one before."""
        return self.repeated > REPEATS_SHARE

    @property
    def fails(self) -> bool:
        """Whether its last run failed."""
        return self.last is not None and self.last.state == RunState.FAILED


def feed_health(feeds: Sequence[Feed], *, now: datetime) -> list[FeedHealth]:
    """Return the health of feeds, in their order (five queries)."""
    ids = [feed.pk for feed in feeds]
    good = _latest_runs(ids, [RunState.DONE])
    last = _latest_runs(ids, [RunState.DONE, RunState.FAILED])
    series: dict[int, list[int]] = defaultdict(list)
    for one in FeedSeries.objects.filter(feed_id__in=ids, confirms_only=False):
        series[one.feed_id].append(one.commodity_id)
    prints = _prints(sorted({pk for commodities in series.values() for pk in commodities}))
    held = Counter(
        HeldPrice.objects.standing()
        .filter(run__feed__in=ids)
        .values_list("run__feed_id", flat=True)
    )
    return [
        _health(feed, good.get(feed.pk), last.get(feed.pk), series[feed.pk], prints, held, now)
        for feed in feeds
    ]


def works_on(feed: Feed) -> Callable[[date], bool]:
    """Return whether a day is a business day of the feed's market."""
    if feed.calendar:
        return BusinessCalendar(feed.calendar).is_business_day
    return lambda day: day.weekday() < 5


def last_expected(feed: Feed, now: datetime) -> datetime:
    """Return the last instant at which a business day's prices should have been there."""
    works, day = works_on(feed), now.date()
    while not works(day) or datetime.combine(day, feed.expected_at, UTC) > now:
        day -= timedelta(days=1)
    return datetime.combine(day, feed.expected_at, UTC)


def _health(
    feed: Feed,
    good: FeedRun | None,
    last: FeedRun | None,
    commodities: Sequence[int],
    prints: dict[int, list[tuple[date, float]]],
    held: Counter[int],
    now: datetime,
) -> FeedHealth:
    found = FeedHealth(feed, last_expected(feed, now), good, last, held=held[feed.pk])
    ended = good.ended_at if good else None
    found.late_by = (now if found.awaited or ended is None else ended) - found.expected_at
    rows = [prints[pk] for pk in commodities if pk in prints]
    found.latest_on = min((one[-1][0] for one in rows), default=None)
    found.repeated = max(
        (repeated_share([price for _on, price in one]) for one in rows), default=0.0
    )
    until = found.expected_at.date() - timedelta(days=1)
    works = works_on(feed)
    missing = {
        day
        for one in rows
        for day in missing_days([on for on, _p in one], until=until, works=works, span=GAP_SPAN)
    }
    found.missing = sorted(missing)
    return found


def _latest_runs(feed_ids: Sequence[int], states: Sequence[RunState]) -> dict[int, FeedRun]:
    runs = FeedRun.objects.filter(feed_id__in=feed_ids, state__in=states)
    latest = runs.order_by("feed_id", "-ended_at", "-id").distinct("feed_id")
    return {run.feed_id: run for run in latest}


def _prints(commodity_ids: Sequence[int]) -> dict[int, list[tuple[date, float]]]:
    """Return the last prices of commodities, oldest first."""
    found: dict[int, list[tuple[date, float]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [list(commodity_ids), ROWS])
        for commodity_id, day, price in cursor.fetchall():
            found[commodity_id].append((day, price))
    return found

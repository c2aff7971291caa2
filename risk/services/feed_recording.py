"""What a feed said becomes prices, holds or refusals: one transaction a parcel, all or nothing."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from risk.feed_health import works_on
from risk.feeds.interface import Reading, SeriesObservation
from risk.histories import PriceHistory, price_histories
from risk.hygiene import Judged, Verdict, agrees, judge
from risk.models import Commodity, Feed, FeedRun, FeedSeries, HeldPrice, HoldReason, SecondPrint
from risk.queries import current_prices, latest_price_days, source_days
from risk.services.feed_sifting import Sifted, sift
from risk.services.held_prices import confirm_hold, overtake_holds
from risk.services.recording import NewPrice, batch_of, lock_priced, record, sort_out
from risk.states import HoldState

# How long a far rise waits, and how far back a second source's print is looked for.
CONFIRMING = timedelta(hours=1)
KEPT_PROBLEMS = 20


@dataclass(slots=True)
class Outcome:
    """What became of a parcel's observations."""

    accepted: int = 0
    duplicate: int = 0
    superseded: int = 0
    quarantined: int = 0
    refused: int = 0
    incomplete: bool = False
    latest_on: date | None = None
    problems: list[dict[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add another parcel's outcome to this one."""
        for name in ("accepted", "duplicate", "superseded", "quarantined", "refused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.incomplete = self.incomplete or other.incomplete
        days = [day for day in (self.latest_on, other.latest_on) if day]
        self.latest_on = max(days, default=None)
        self.problems = (self.problems + other.problems)[:KEPT_PROBLEMS]

    def refuse(self, problem: dict[str, str]) -> None:
        """Count one refusal and keep its reason if it is among the first."""
        self.refused += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class _Told:
    """One commodity's candidates by day: what the feed said and the price it makes."""

    commodity: Commodity
    seen: dict[date, SeriesObservation]
    prices: dict[date, NewPrice]


def source_of(feed: Feed) -> str:
    """Return the name under which a feed's prices are recorded."""
    return f"feed {feed.code}"


def record_reading(*, run: FeedRun, reading: Reading, actor: Actor, now: datetime) -> Outcome:
    """Sift, judge and record what a parcel says, in one transaction.

    Prices that are believed are recorded (corrections supersede), doubtful ones are held, what is
    no price is refused and counted. The same parcel again changes nothing. Statements are constant
    in the number of observations, but for one sitting of the judge a commodity.
    """
    feed = run.feed
    outcome = Outcome(
        latest_on=max((one.observed_on for one in reading.observations), default=None)
    )
    with transaction.atomic():
        mapped = {one.series: one for one in feed.series.select_related("commodity")}
        locked = lock_priced([one.commodity.code for one in mapped.values()])
        known = source_days(source_of(feed), [one.pk for one in locked.values()])
        sifted = sift(feed, reading, mapped=mapped, known=known, now=now)
        outcome.incomplete = sifted.incomplete
        for problem in [*reading.problems, *sifted.problems]:
            outcome.refuse(problem.as_dict())
        _note_second(feed, sifted, mapped, actor, now)
        told = _candidates(sifted, mapped, outcome)
        if told:
            _judge_all(run, told, outcome, actor, now)
    return outcome


# --- second sources -----------------------------------------------------------------------------


def _note_second(
    feed: Feed, sifted: Sifted, mapped: Mapping[str, FeedSeries], actor: Actor, now: datetime
) -> None:
    """Keep what a second source says, and confirm the holds that it agrees with."""
    seen = [one for one in sifted.good if mapped[one.series].confirms_only]
    if not seen:
        return
    prints = [
        SecondPrint(
            source=feed.code,
            commodity_id=mapped[one.series].commodity_id,
            observed_on=one.observed_on,
            price=one.price,
            seen_at=now,
        )
        for one in seen
    ]
    SecondPrint.objects.bulk_create(prints, ignore_conflicts=True)
    said = {(one.commodity_id, one.observed_on): float(one.price) for one in prints}
    waiting = HeldPrice.objects.filter(
        state=HoldState.HELD,
        reason=HoldReason.ROSE_FAR,
        commodity_id__in={commodity_id for commodity_id, _day in said},
    )
    for hold in waiting.select_related("run__feed", "commodity").order_by("pk"):
        other = said.get((hold.commodity_id, hold.observed_on))
        if other is not None and agrees(float(hold.price), other, scale=hold.scale or 0.0):
            confirm_hold(hold=hold, note=f"second source {feed.code}", actor=actor, now=now)


def _vouchers(
    commodity_ids: Sequence[int], days: Sequence[date]
) -> dict[tuple[int, date], list[float]]:
    """Return what second sources said of these commodities since the first of the days."""
    found: dict[tuple[int, date], list[float]] = defaultdict(list)
    rows = SecondPrint.objects.filter(commodity_id__in=commodity_ids, observed_on__gte=min(days))
    for commodity_id, day, price in rows.values_list("commodity_id", "observed_on", "price"):
        found[commodity_id, day].append(float(price))
    return found


# --- first sources ------------------------------------------------------------------------------


def _candidates(sifted: Sifted, mapped: Mapping[str, FeedSeries], outcome: Outcome) -> list[_Told]:
    """Return what is to be judged by commodity, without what is recorded already."""
    by_commodity: dict[int, _Told] = {}
    for one, price in sifted.prices:
        series = mapped[one.series]
        told = by_commodity.setdefault(series.commodity_id, _Told(series.commodity, {}, {}))
        told.seen[one.observed_on], told.prices[one.observed_on] = one, price
    if not by_commodity:
        return []
    days = [day for told in by_commodity.values() for day in told.prices]
    recorded = current_prices(
        commodity_ids=sorted(by_commodity), from_on=min(days), until_on=max(days)
    )
    for pk, told in by_commodity.items():
        for day, price in list(told.prices.items()):
            old = recorded.get((pk, day))
            if old is not None and old.price == price.price:
                outcome.duplicate += 1
                del told.prices[day]
    return [told for told in by_commodity.values() if told.prices]


def _judge_all(
    run: FeedRun, told: Sequence[_Told], outcome: Outcome, actor: Actor, now: datetime
) -> None:
    """Judge every commodity and do what the verdicts say."""
    ids = [one.commodity.pk for one in told]
    histories = price_histories(ids, until_on=now.date())
    days = [day for one in told for day in one.prices]
    vouchers = _vouchers(ids, days)
    holds = _holds_of(ids, min(days))
    works = works_on(run.feed)
    believed: list[NewPrice] = []
    fell: list[tuple[_Told, Judged]] = []
    doubted: list[tuple[_Told, Judged]] = []
    for one in told:
        for verdict in _judge_one(one, histories, vouchers, works):
            hold = holds.get((one.commodity.pk, verdict.on, one.prices[verdict.on].price))
            if verdict.verdict is Verdict.REFUSED:
                outcome.refuse(_problem(one, verdict))
            elif verdict.verdict is Verdict.HELD or (hold and hold.state == HoldState.REFUSED):
                doubted.append((one, verdict))
            else:
                believed.append(one.prices[verdict.on])
                fell += [(one, verdict)] if verdict.reason == "fell_far" else []
    _record(run, believed, outcome, actor, now)
    _tell_fell(run.feed, fell, now)
    _hold(run, doubted, holds, outcome, actor, now)


def _judge_one(
    told: _Told,
    histories: Mapping[int, PriceHistory],
    vouchers: Mapping[tuple[int, date], list[float]],
    works: Callable[[date], bool],
) -> list[Judged]:
    history = histories.get(told.commodity.pk, PriceHistory())

    def vouched(day: date, price: float) -> bool:
        return any(agrees(price, other) for other in vouchers.get((told.commodity.pk, day), ()))

    return judge(
        dict(zip(history.days, history.values, strict=True)),
        {day: float(price.price) for day, price in told.prices.items()},
        works=works,
        vouched=vouched,
    )


def _problem(told: _Told, verdict: Judged) -> dict[str, str]:
    return {
        "series": told.seen[verdict.on].series,
        "on": verdict.on.isoformat(),
        "code": verdict.reason,
        "message": str(told.prices[verdict.on].price),
    }


def _record(
    run: FeedRun, prices: list[NewPrice], outcome: Outcome, actor: Actor, now: datetime
) -> None:
    """Write what is believed, and let lie what was held of those days."""
    if not prices:
        return
    last_on = max(price.observed_on for price in prices)
    sorted_out = sort_out(prices)
    # What the prices supersede is part of the batch's name: a source may come back to a price.
    before = ",".join(str(price.supersedes_id) for price in sorted_out.corrections)
    batch, _new = batch_of(prices, source_of(run.feed), last_on, before, actor, now, run)
    record(batch=batch, prices=sorted_out.changed, actor=actor, now=now)
    outcome.accepted += len(sorted_out.new)
    outcome.superseded += len(sorted_out.corrections)
    overtake_holds(prices=prices, actor=actor, now=now)


# --- quarantine ---------------------------------------------------------------------------------


def _holds_of(
    commodity_ids: Sequence[int], since: date
) -> dict[tuple[int, date, Decimal], HeldPrice]:
    """Return the holds since a day by commodity, day and price; the latest of each."""
    rows = HeldPrice.objects.filter(commodity_id__in=commodity_ids, observed_on__gte=since)
    rows = rows.select_related("commodity", "run__feed").order_by("pk")
    return {(one.commodity_id, one.observed_on, one.price): one for one in rows}


def _hold(
    run: FeedRun,
    doubted: Sequence[tuple[_Told, Judged]],
    holds: Mapping[tuple[int, date, Decimal], HeldPrice],
    outcome: Outcome,
    actor: Actor,
    now: datetime,
) -> None:
    """Put prices into quarantine, once each, and tell the desk."""
    latest = latest_price_days([told.commodity.pk for told, _verdict in doubted])
    fresh = []
    for told, verdict in doubted:
        known = holds.get((told.commodity.pk, verdict.on, told.prices[verdict.on].price))
        if known is None or known.state == HoldState.OVERTAKEN:
            fresh.append(_held(run, told, verdict, latest, now))
        elif known.state == HoldState.HELD and _second_source(run, known, verdict):
            confirm_hold(hold=known, note=f"second source {run.feed.code}", actor=actor, now=now)
            outcome.accepted += 1
        elif _is_ripe(known, now):
            confirm_hold(hold=known, note="one hour later still so", actor=actor, now=now)
            outcome.accepted += 1
        else:
            outcome.duplicate += 1
    overtake_holds(prices=[told.prices[v.on] for told, v in doubted], actor=actor, now=now)
    HeldPrice.objects.bulk_create(fresh)
    outcome.quarantined += len(fresh)
    _tell_held(fresh, now)


def _second_source(run: FeedRun, hold: HeldPrice, verdict: Judged) -> bool:
    """Tell whether another feed says of a far rise what this hold says."""
    return hold.reason == verdict.reason == HoldReason.ROSE_FAR and hold.run.feed_id != run.feed_id


def _is_ripe(hold: HeldPrice, now: datetime) -> bool:
    """Tell whether time confirms a hold now."""
    waited = hold.confirm_after is not None and hold.confirm_after <= now
    return waited and hold.state == HoldState.HELD


def _held(
    run: FeedRun, told: _Told, verdict: Judged, latest: Mapping[int, date], now: datetime
) -> HeldPrice:
    seen, price = told.seen[verdict.on], told.prices[verdict.on]
    below = verdict.previous is not None and verdict.price < verdict.previous
    newest = verdict.on >= latest.get(told.commodity.pk, date.min)
    grave = verdict.reason in (HoldReason.NON_POSITIVE, HoldReason.FACTOR)
    return HeldPrice(
        tenant_id=run.feed.tenant_id,
        run=run,
        series=seen.series,
        commodity=told.commodity,
        observed_on=verdict.on,
        price=price.price,
        currency=price.currency,
        unit=price.unit,
        previous=None if verdict.previous is None else Decimal(repr(verdict.previous)),
        move=None if verdict.move != verdict.move else verdict.move,  # NaN: no move
        scale=None if verdict.scale != verdict.scale else verdict.scale,
        reason=verdict.reason,
        freezes=grave and below and newest,
        held_at=now,
        confirm_after=now + CONFIRMING if verdict.reason == HoldReason.ROSE_FAR else None,
    )


def _tell_held(holds: Sequence[HeldPrice], now: datetime) -> None:
    alerts = [
        NewAlert(
            organisation_id=hold.tenant_id,
            topic="risk.price_held",
            aggregate="held_price",
            aggregate_id=hold.pk,
            key=f"held:{hold.pk}",
            severity=Severity.URGENT if hold.freezes else Severity.WARNING,
            payload=_figures(hold.commodity, hold.observed_on, hold.price, hold.previous)
            | {"reason": hold.reason},
        )
        for hold in holds
    ]
    raise_alerts(alerts, now=now)


def _tell_fell(feed: Feed, fell: Sequence[tuple[_Told, Judged]], now: datetime) -> None:
    """Tell the desk of far falls that were believed at once: a human look may override them."""
    alerts = [
        NewAlert(
            organisation_id=feed.tenant_id,
            topic="risk.price_fell_far",
            aggregate="commodity",
            aggregate_id=told.commodity.code,
            key=f"fell:{told.commodity.pk}:{verdict.on}:{told.prices[verdict.on].price.normalize():f}",
            payload=_figures(
                told.commodity,
                verdict.on,
                told.prices[verdict.on].price,
                Decimal(repr(verdict.previous)),
            ),
        )
        for told, verdict in fell
        if (now.date() - verdict.on).days <= 7  # a history's falls are no news
    ]
    raise_alerts(alerts, now=now)


def _figures(
    commodity: Commodity, on: date, price: Decimal, previous: Decimal | None
) -> dict[str, Any]:
    return {
        "commodity": commodity.name,
        "on": on,
        "price": f"{price.normalize():f}",
        "previous": "" if previous is None else f"{previous.normalize():f}",
        "currency": commodity.currency,
    }

"""Publishing pledge rates: the model on stored prices, governed, capped, kept for ever."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from typing import Any

from django.db import connection

from common.locks import lock_in_order
from outbox.services import audit
from outbox.services.events import NewEvent, emit_many
from parties.actors import Actor
from risk import hooks
from risk.histories import PriceHistory, PublishedRate, published_rates, rates_before
from risk.models import Commodity, CommodityKind
from risk.recipes import exact, governed, recipe_of
from risk.services.alerts import StalePrice, alert_stale
from risk.services.model_inputs import (
    Inputs,
    RateDay,
    effective_cap,
    load_inputs,
    opinions,
)
from risk.weekdays import weekdays_between


@dataclass(slots=True)
class Publication:
    """What a publication did: new rows by commodity code, and why others have none.

    skipped: code to "no_price" (none, or older than the commodity allows), "stale_price" or
    "too_few_prices" (the model needs 250 returns over the horizon).
    """

    published: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _NewRate:
    """A row to write."""

    commodity_id: int
    effective_on: date
    revision: int
    rate: Decimal
    model_rate: Decimal
    model: str
    parameters: dict[str, Any]
    price_id: int


def publish_rates(
    *,
    as_of: date,
    actor: Actor,
    now: datetime,
    commodities: Collection[Commodity] | None = None,
) -> Publication:
    """Publish the rates that hold from `as_of` on, from the prices observed up to then.

    The price's age lengthens the horizon; a commodity whose price is stale gets no new rate, as
    it lends nothing anyway, and raises an alert. Publishing a day again writes only what changed,
    as a new revision. Callbacks of `hooks.on_rates_published` run in the same transaction, for
    the commodities with a new rate and for those that time has made stale. Run it every day.
    """
    return _publish(None, as_of, commodities, actor, now)


def publish_rates_range(
    *,
    from_on: date,
    until_on: date,
    actor: Actor,
    now: datetime,
    commodities: Collection[Commodity] | None = None,
) -> Publication:
    """Publish the rates of every day that has a price, each from the prices up to that day.

    The same rows as `publish_rates` on each of those days, with the model walked once.
    """
    return _publish(from_on, until_on, commodities, actor, now)


def _publish(
    from_on: date | None,
    until_on: date,
    commodities: Collection[Commodity] | None,
    actor: Actor,
    now: datetime,
) -> Publication:
    """Compute, compare with what is published, write and tell: a range, or its last day alone."""
    outcome = Publication()
    first_on = from_on or until_on
    with hooks.moving_market(now=now):
        chosen = {commodity.pk: commodity for commodity in _lock_rated(commodities)}
        inputs = load_inputs(list(chosen.values()), first_on=first_on, until_on=until_on)
        known = published_rates(list(chosen), from_on=first_on, until_on=until_on)
        before = rates_before(list(chosen), first_on)
        changed: list[_NewRate] = []
        stale: list[StalePrice] = []
        for pk, commodity in chosen.items():
            history = inputs.of(pk)
            days = _days(history, from_on, until_on)
            if reason := _why_none(commodity, days):
                outcome.skipped[commodity.code] = reason
                if from_on is None and days:
                    stale.append(StalePrice(commodity, history.days[-1], reason))
                continue
            rates = _rates(commodity, inputs, days, before.get(pk), known.get(pk, {}))
            changed += _account(outcome, commodity, list(rates))
        if changed:
            _write(changed, actor, now)
            _tell_world(outcome, until_on, actor, now)
        alert_stale(stale, as_of=until_on, now=now)
        moved = {rate.commodity_id for rate in changed} | {old.commodity.pk for old in stale}
        if moved:
            hooks.rates_published(commodity_ids=sorted(moved), as_of=until_on, actor=actor, now=now)
    return outcome


def _lock_rated(commodities: Collection[Commodity] | None) -> list[Commodity]:
    """Lock the active commodities that have rates: two publications of a day are put in line."""
    rated = Commodity.objects.filter(active=True, kind=CommodityKind.COMMODITY)
    if commodities is not None:
        rated = rated.filter(pk__in=[commodity.pk for commodity in commodities])
    return lock_in_order(rated)


def _days(history: PriceHistory, from_on: date | None, until_on: date) -> list[RateDay]:
    """Return the days to publish: those with a price in the range, or its last day alone."""
    if not history.days:
        return []
    if from_on is None:
        age = weekdays_between(history.days[-1], until_on)
        return [RateDay(until_on, len(history.days) - 1, age)]
    rows = range(history.first_row(from_on), len(history.days))
    return [RateDay(history.days[row], row) for row in rows]


def _why_none(commodity: Commodity, days: Sequence[RateDay]) -> str:
    """Return why a commodity can have no rate; nothing if it can."""
    if not days or days[-1].age > commodity.stop_after_days:
        return "no_price"
    return "stale_price" if days[-1].age > commodity.stale_after_days else ""


def _account(
    outcome: Publication, commodity: Commodity, rates: Sequence[_NewRate | None]
) -> list[_NewRate]:
    """Count a commodity's rates into the outcome; return those to write."""
    changed = [rate for rate in rates if rate is not None]
    if rates:
        outcome.published[commodity.code] = len(changed)
        outcome.unchanged[commodity.code] = len(rates) - len(changed)
    else:
        outcome.skipped[commodity.code] = "too_few_prices"
    return changed


def _rates(
    commodity: Commodity,
    inputs: Inputs,
    days: Sequence[RateDay],
    previous: tuple[date, Decimal] | None,
    known: dict[date, PublishedRate],
) -> Iterator[_NewRate | None]:
    """Yield the governed rate of each day that has one; None where the same is published."""
    history, model = inputs.of(commodity.pk), recipe_of(commodity, age=0).model
    for opinion in opinions(commodity, days, inputs):
        model_rate, day = opinion.modelled.rate, opinion.day
        if isnan(model_rate):
            continue
        cap = effective_cap(commodity, opinion)
        kept = opinion.kept | {"cap": str(cap)}
        if previous:
            kept |= {"previous_rate": str(previous[1]), "previous_on": previous[0].isoformat()}
        rate = governed(model_rate, day.effective_on, previous, cap)
        if rate:
            previous = (day.effective_on, rate)
        new = _NewRate(
            commodity_id=commodity.pk,
            effective_on=day.effective_on,
            revision=1,
            rate=rate,
            model_rate=exact(model_rate),
            model=model,
            parameters=kept,
            price_id=history.price_ids[day.row],
        )
        yield _unless_known(new, known.get(day.effective_on))


def _unless_known(new: _NewRate, known: PublishedRate | None) -> _NewRate | None:
    """Return the rate as the next revision of its day, or None if it says what is known."""
    if known is None:
        return new
    is_same = (new.rate, new.model_rate, new.model, new.price_id) == (
        known.rate,
        known.model_rate,
        known.model,
        known.price_id,
    )
    return None if is_same else replace(new, revision=known.revision + 1)


def _write(rates: Sequence[_NewRate], actor: Actor, now: datetime) -> None:
    """Insert rates in one statement, whatever their number."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO risk_pledgerate (commodity_id, effective_on, revision, rate, model_rate,
                                         model, parameters, price_id, recorded_at, actor_label)
            SELECT *, %s, %s FROM unnest(%s::bigint[], %s::date[], %s::smallint[],
                %s::numeric[], %s::numeric[], %s::varchar[], %s::jsonb[], %s::bigint[])
            """,
            [
                now,
                actor.label,
                [rate.commodity_id for rate in rates],
                [rate.effective_on for rate in rates],
                [rate.revision for rate in rates],
                [rate.rate for rate in rates],
                [rate.model_rate for rate in rates],
                [rate.model for rate in rates],
                [json.dumps(rate.parameters) for rate in rates],
                [rate.price_id for rate in rates],
            ],
        )


def _tell_world(outcome: Publication, as_of: date, actor: Actor, now: datetime) -> None:
    """Write the publication into the journal and the outbox."""
    payload = {
        "as_of": as_of.isoformat(),
        "published": outcome.published,
        "skipped": outcome.skipped,
    }
    audit.record(
        action="risk.publish_rates",
        actor=actor,
        object_type="pledge_rates",
        object_id=as_of,
        at=now,
        business_date=as_of,
        detail=payload,
    )
    emit_many([NewEvent("risk.rates_published", "pledge_rates", as_of, payload)], now=now)

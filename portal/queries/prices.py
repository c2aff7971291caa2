"""Prices and rates beside what a facility has at stake in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import Http404

from lending.models import Facility
from parties.actors import Actor
from pledges.models import Position, PositionTerm
from portal.names import name_of
from portal.queries.sql import fetch
from portal.rules.flip import Pool
from portal.words import reason_in_words
from risk.models import Commodity, CommodityKind, PledgeRate
from risk.queries import PricePoint, RatePoint, price_history, rate_history

ZERO = Decimal(0)

_POOL = """
SELECT l.basis_id, q.unit_price, q.rate, q.glided_rate,
       q.fresh AND q.currency = f.currency AS counts,
       sum(l.market_weight) AS market_weight, sum(l.lending_weight) AS lending_weight
FROM pledges_poolline l
JOIN lending_facility f ON f.id = l.facility_id
LEFT JOIN risk_quotes(%(on)s) q ON q.commodity_id = l.basis_id
WHERE l.facility_id = %(facility)s
GROUP BY l.basis_id, q.unit_price, q.rate, q.glided_rate, q.fresh, q.currency, f.currency
"""

_QUOTES = """
SELECT c.id, c.code, c.name, c.name_zh, c.asset_class, q.unit, q.currency, q.unit_price,
       q.price_on, q.rate, q.rate_on, q.fresh, q.reason,
       before.unit_price AS price_before, before.rate AS rate_before
FROM risk_commodity c
JOIN risk_quotes(%(on)s) q ON q.commodity_id = c.id
LEFT JOIN risk_quotes(%(before)s) before ON before.commodity_id = c.id
WHERE c.kind = 'commodity' AND c.active AND q.price_on IS NOT NULL
  AND (%(code)s::text IS NULL OR c.code = %(code)s)
ORDER BY c.name
"""


@dataclass(frozen=True, slots=True)
class PoolLineValue:
    """What one price basis contributes to a facility's pool."""

    market: Decimal
    lending: Decimal
    market_weight: Decimal
    lending_weight: Decimal
    glided: Decimal
    glided_weight: Decimal
    counts: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """A commodity's price and rate on a day, their change over a month, and what is at stake."""

    id: int
    code: str
    name: str
    unit: str
    currency: str
    price: Decimal
    price_on: date
    rate: Decimal | None
    rate_on: date | None
    fresh: bool
    reason: str
    price_change: Decimal | None
    rate_change: Decimal | None
    market: Decimal
    lending: Decimal


def pool_values(actor: Actor, facility: Facility | None, *, on: date) -> dict[int, PoolLineValue]:
    """Return what each price basis contributes to the facility's pool (one query)."""
    if facility is None or not actor.is_known:
        return {}
    rows = fetch(_POOL, {"facility": facility.pk, "on": on})
    return {row["basis_id"]: _pool_value(row) for row in rows}


def _pool_value(row: dict[str, Any]) -> PoolLineValue:
    price = row["unit_price"] if row["counts"] else ZERO
    rate, glided = row["rate"] or ZERO, row["glided_rate"] or ZERO
    return PoolLineValue(
        market=row["market_weight"] * price,
        lending=row["lending_weight"] * price * rate,
        market_weight=row["market_weight"],
        lending_weight=row["lending_weight"] * rate,
        glided=row["lending_weight"] * price * glided,
        glided_weight=row["lending_weight"] * glided,
        counts=bool(row["counts"]),
    )


def list_quotes(
    actor: Actor,
    facility: Facility | None,
    *,
    on: date,
    code: str | None = None,
    days: int = 30,
) -> list[Quoted]:
    """Return the priced commodities on a day with their change over `days` (two queries)."""
    rows = fetch(_QUOTES, {"on": on, "before": on - timedelta(days=days), "code": code})
    at_stake = pool_values(actor, facility, on=on)
    return [_quoted(row, at_stake.get(row["id"])) for row in rows]


def _quoted(row: dict[str, Any], stake: PoolLineValue | None) -> Quoted:
    before = row["price_before"]
    rated = row["rate_on"] is not None
    return Quoted(
        id=row["id"],
        code=row["code"],
        name=name_of(Commodity(name=row["name"], name_zh=row["name_zh"])),
        unit=row["unit"],
        currency=row["currency"],
        price=row["unit_price"],
        price_on=row["price_on"],
        rate=row["rate"] if rated else None,
        rate_on=row["rate_on"],
        fresh=row["fresh"],
        reason=reason_in_words(row["reason"] or ""),
        price_change=row["unit_price"] / before - 1 if before else None,
        rate_change=row["rate"] - row["rate_before"] if rated and row["rate_before"] else None,
        market=stake.market if stake else ZERO,
        lending=stake.lending if stake else ZERO,
    )


def names_of_held(
    actor: Actor, facility: Facility, *, at: datetime | None = None
) -> dict[str, str]:
    """Return the names, by code, of the commodities that the facility ever held, or held `at`.

    One query; nothing for strangers.
    """
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    held = Position.objects.filter(facility__in=visible)
    if at is not None:
        open_then = Q(closed_at__isnull=True) | Q(closed_at__gte=at)
        held = held.filter(open_then, opened_on__lte=at.date())
    terms = PositionTerm.objects.filter(position__in=held)
    rows = Commodity.objects.filter(pk__in=terms.values("basis"))
    return {one.code: name_of(one) for one in rows}


def get_quote(actor: Actor, facility: Facility | None, *, code: str, on: date) -> Quoted:
    """Return one commodity's quote; 404 for an unknown code or one without any price."""
    found = list_quotes(actor, facility, on=on, code=code)
    if not found:
        raise Http404
    return found[0]


def get_pool(actor: Actor, facility: Facility, *, commodity_id: int, on: date) -> Pool | None:
    """Return the facility's pool as a function of one price; None if it holds nothing in it."""
    return get_pools(actor, facility, on=on).get(commodity_id)


def get_pools(actor: Actor, facility: Facility, *, on: date) -> dict[int, Pool]:
    """Return the facility's pool as a function of each price that it depends on (one query)."""
    values = pool_values(actor, facility, on=on)
    return {
        commodity_id: _pool(facility, line, [v for key, v in values.items() if key != commodity_id])
        for commodity_id, line in values.items()
        if line.counts and line.market_weight
    }


def _pool(facility: Facility, line: PoolLineValue, rest: Sequence[PoolLineValue]) -> Pool:
    return Pool(
        exposure=facility.exposure,
        market_rest=sum((value.market for value in rest), ZERO),
        market_weight=line.market_weight,
        lending_rest=sum((value.lending for value in rest), ZERO),
        lending_weight=line.lending_weight,
        glided_rest=sum((value.glided for value in rest), ZERO),
        glided_weight=line.glided_weight,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
    )


@dataclass(frozen=True, slots=True)
class History:
    """A commodity's prices and published rates in a span of days, oldest first."""

    prices: list[PricePoint]
    rates: list[RatePoint]


def get_history(code: str, *, on: date, days: int | None) -> History:
    """Return prices and rates up to a day (two queries); `days` None means from the beginning."""
    start = on - timedelta(days=days) if days else None
    return History(
        prices=price_history(code, from_on=start, until_on=on),
        rates=rate_history(code, from_on=start, until_on=on),
    )


def get_latest_rate(code: str, *, on: date) -> PledgeRate | None:
    """Return the published rate in force with the model's own (one query)."""
    return (
        PledgeRate.objects.filter(
            commodity__code=code, commodity__kind=CommodityKind.COMMODITY, effective_on__lte=on
        )
        .select_related("commodity")
        .order_by("-effective_on", "-revision")
        .first()
    )

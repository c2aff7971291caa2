"""Reading prices, rates and quotes.

Market data has no owner: whoever may sign in may read it, so these queries take no actor.
"""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from risk.models import Commodity, CommodityKind


@dataclass(frozen=True, slots=True)
class Quote:
    """What one commodity is worth and lends on a day; a row of the function `risk_quotes`.

    unit_price: per one unit, in currency, as observed (it can be negative), 0 where there is none.
    fresh: the price may be relied on: young enough and above zero.
    rate: the published pledge rate, 0 wherever `reason` says that nothing may be lent: "no_price"
    (none, or older than stop_after_days), "stale_price" (older than stale_after_days),
    "non_positive_price", "no_rate" (none published, or the commodity is not active).
    glided_rate: the rate that the lines of outstanding loans go by (risk/glide.py), never below
    `rate`.
    """

    commodity_id: int
    currency: str
    unit: str
    unit_price: Decimal
    price_on: date | None
    rate: Decimal
    rate_on: date | None
    fresh: bool
    reason: str
    glided_rate: Decimal


@dataclass(frozen=True, slots=True)
class CurrentPrice:
    """A day's price that nothing supersedes."""

    id: int
    price: Decimal
    revision: int


@dataclass(frozen=True, slots=True)
class PricePoint:
    """One day of a chart."""

    observed_on: date
    price: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class RatePoint:
    """One day of a chart: what was lent and what the model said."""

    effective_on: date
    rate: Decimal
    model_rate: Decimal


def latest_prices(as_of: date, *, commodity_ids: Collection[int] | None = None) -> dict[int, Quote]:
    """Return every commodity's quote on a day by id, in one query.

    SQL that needs the same joins the database function `risk_quotes(as_of, ids)` instead.
    """
    ids = None if commodity_ids is None else list(commodity_ids)
    rows = _rows("SELECT * FROM risk_quotes(%s::date, %s::bigint[])", [as_of, ids])
    return {row[0]: Quote(*row) for row in rows}


def get_quote(code: str, as_of: date) -> Quote:
    """Return one commodity's quote on a day.

    Raises:
        Commodity.DoesNotExist: no commodity has the code.

    """
    commodity = Commodity.objects.get(code=code)
    return latest_prices(as_of, commodity_ids=[commodity.pk])[commodity.pk]


def list_stale(as_of: date) -> list[tuple[Commodity, Quote]]:
    """Return the active commodities that lend nothing on a day, each with its quote's reason."""
    quotes = latest_prices(as_of)
    active = Commodity.objects.filter(active=True, kind=CommodityKind.COMMODITY)
    return [(found, quotes[found.pk]) for found in active if quotes[found.pk].reason]


def price_history(
    code: str, *, from_on: date | None = None, until_on: date | None = None
) -> list[PricePoint]:
    """Return a commodity's prices, oldest first, one a day: the revision that counts."""
    rows = _rows(
        """
        SELECT DISTINCT ON (p.observed_on) p.observed_on, p.price, p.unit_price
        FROM risk_price p JOIN risk_commodity c ON c.id = p.commodity_id
        WHERE c.code = %s AND p.observed_on BETWEEN %s AND %s
        ORDER BY p.observed_on, p.revision DESC
        """,
        [code, from_on or date.min, until_on or date.max],
    )
    return [PricePoint(*row) for row in rows]


def rate_history(
    code: str, *, from_on: date | None = None, until_on: date | None = None
) -> list[RatePoint]:
    """Return a commodity's published rates, oldest first, one a day: the revision that counts."""
    rows = _rows(
        """
        SELECT DISTINCT ON (r.effective_on) r.effective_on, r.rate, r.model_rate
        FROM risk_pledgerate r JOIN risk_commodity c ON c.id = r.commodity_id
        WHERE c.code = %s AND r.effective_on BETWEEN %s AND %s
        ORDER BY r.effective_on, r.revision DESC
        """,
        [code, from_on or date.min, until_on or date.max],
    )
    return [RatePoint(*row) for row in rows]


def current_prices(
    *, commodity_ids: Sequence[int], from_on: date, until_on: date
) -> dict[tuple[int, date], CurrentPrice]:
    """Return the prices that count by commodity and day, between two days inclusive."""
    rows = _rows(
        """
        SELECT DISTINCT ON (commodity_id, observed_on)
               commodity_id, observed_on, id, price, revision
        FROM risk_price
        WHERE commodity_id = ANY(%s) AND observed_on BETWEEN %s AND %s
        ORDER BY commodity_id DESC, observed_on DESC, revision DESC
        """,
        [list(commodity_ids), from_on, until_on],
    )
    return {(row[0], row[1]): CurrentPrice(*row[2:]) for row in rows}


def latest_price_days(commodity_ids: Sequence[int]) -> dict[int, date]:
    """Return the day of each commodity's latest price; those without one are missing."""
    rows = _rows(
        """
        SELECT c.id, p.observed_on
        FROM unnest(%s::bigint[]) AS c(id)
        CROSS JOIN LATERAL (
            SELECT observed_on FROM risk_price
            WHERE commodity_id = c.id ORDER BY observed_on DESC LIMIT 1
        ) p
        """,
        [list(commodity_ids)],
    )
    return dict(rows)


def source_days(source: str, commodity_ids: Sequence[int]) -> dict[int, date]:
    """Return the newest day that a source has given a price of, by commodity (one query)."""
    rows = _rows(
        """
        SELECT p.commodity_id, max(p.observed_on)
        FROM risk_pricebatch b JOIN risk_price p ON p.batch_id = b.id
        WHERE b.source = %s AND p.commodity_id = ANY(%s)
        GROUP BY p.commodity_id
        """,
        [source, list(commodity_ids)],
    )
    return dict(rows)


def frozen_commodities(commodity_ids: Collection[int] | None = None) -> dict[int, date]:
    """Return the commodities that may be worth less than their last price says, with the day.

    A grave price of the newest day is held and nobody has decided on it: nothing new is lent on
    them and none are released.
    """
    rows = _rows(
        """
        SELECT h.commodity_id, max(h.observed_on)
        FROM risk_heldprice h
        WHERE h.state IN ('held', 'doubted') AND h.freezes
          AND (%(ids)s IS NULL OR h.commodity_id = ANY(%(ids)s::bigint[]))
          AND NOT EXISTS (SELECT FROM risk_price p WHERE p.commodity_id = h.commodity_id
                          AND p.observed_on > h.observed_on)
        GROUP BY h.commodity_id
        """,
        {"ids": None if commodity_ids is None else list(commodity_ids)},
    )
    return dict(rows)


def similar_codes(code: str) -> list[str]:
    """Return the commodity codes that look like this one, the likeliest first, three at most."""
    known = Commodity.objects.filter(kind=CommodityKind.COMMODITY).values_list("code", flat=True)
    return difflib.get_close_matches(code, list(known), n=3, cutoff=0.5)


def _rows(sql: str, parameters: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

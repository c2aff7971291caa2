"""Stored histories as the rate model reads them: whole series at once, in few queries."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection


@dataclass(slots=True)
class PriceHistory:
    """One commodity's prices that count, oldest first, as quoted; by_hand: rows set by people."""

    days: list[date] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    price_ids: list[int] = field(default_factory=list)
    by_hand: set[int] = field(default_factory=set)

    @property
    def prices(self) -> npt.NDArray[np.float64]:
        """The prices as the model takes them."""
        return np.asarray(self.values, np.float64)

    def until(self, day: date) -> "PriceHistory":
        """Return the prices up to a day."""
        rows = bisect_right(self.days, day)
        return PriceHistory(
            self.days[:rows],
            self.values[:rows],
            self.price_ids[:rows],
            {row for row in self.by_hand if row < rows},
        )

    def fingerprint(self, rows: int) -> dict[str, Any]:
        """Return what names the first `rows` prices for ever: the newest record, and a hash."""
        return {
            "rows": rows,
            "newest_price": max(self.price_ids[:rows]),
            "sha256": self.digest(rows),
        }

    def digest(self, rows: int) -> str:
        """Return the SHA-256 of the first `rows` days and prices, as the model takes them."""
        table = np.empty(rows, [("day", "<i4"), ("price", "<f8")])
        table["day"] = [day.toordinal() for day in self.days[:rows]]
        table["price"] = self.values[:rows]
        return hashlib.sha256(table.tobytes()).hexdigest()

    def first_row(self, day: date) -> int:
        """Return the row of the first price on or after a day."""
        return bisect_left(self.days, day)


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """A published rate: the revision of its day that counts."""

    effective_on: date
    rate: Decimal
    model_rate: Decimal
    price_id: int
    revision: int
    model: str


def price_histories(
    commodity_ids: Sequence[int], *, until_on: date, newest: int | None = None
) -> dict[int, PriceHistory]:
    """Return the histories up to a day; commodities without a price are missing.

    newest: as they stood when this was the newest price record of them, for one commodity.
    Floats from here on: the model is statistics. The shortest text of the stored decimal is what
    a file's reader would have seen, so stored and file histories give the same rates.
    """
    rows = _rows(
        """
        SELECT commodity_id, observed_on, price, id,
               EXISTS (SELECT FROM risk_priceoverride o WHERE o.batch_id = current.batch_id)
        FROM (
            SELECT DISTINCT ON (commodity_id, observed_on)
                   commodity_id, observed_on, price::float8 AS price, id, batch_id
            FROM risk_price
            WHERE commodity_id = ANY(%s) AND observed_on <= %s
              AND (%s::bigint IS NULL OR id <= %s::bigint)
            ORDER BY commodity_id DESC, observed_on DESC, revision DESC
        ) current
        ORDER BY commodity_id, observed_on
        """,
        [list(commodity_ids), until_on, newest, newest],
    )
    histories: dict[int, PriceHistory] = {}
    for commodity_id, day, price, price_id, by_hand in rows:
        history = histories.setdefault(commodity_id, PriceHistory())
        if by_hand:
            history.by_hand.add(len(history.days))
        history.days.append(day)
        history.values.append(price)
        history.price_ids.append(price_id)
    return histories


def published_rates(
    commodity_ids: Sequence[int], *, from_on: date, until_on: date
) -> dict[int, dict[date, PublishedRate]]:
    """Return the rates published for the days of a range, by commodity and day."""
    rows = _rows(
        """
        SELECT DISTINCT ON (commodity_id, effective_on)
               commodity_id, effective_on, rate, model_rate, price_id, revision, model
        FROM risk_pledgerate
        WHERE commodity_id = ANY(%s) AND effective_on BETWEEN %s AND %s
        ORDER BY commodity_id DESC, effective_on DESC, revision DESC
        """,
        [list(commodity_ids), from_on, until_on],
    )
    found: dict[int, dict[date, PublishedRate]] = {}
    for commodity_id, *columns in rows:
        rate = PublishedRate(*columns)
        found.setdefault(commodity_id, {})[rate.effective_on] = rate
    return found


def rates_before(commodity_ids: Sequence[int], day: date) -> dict[int, tuple[date, Decimal]]:
    """Return each commodity's last positive published rate before a day, with its day.

    A zero is an interruption and not a rate to rise from; a day whose latest revision is zero
    does not count by an earlier one.
    """
    rows = _rows(
        """
        SELECT c.id, r.effective_on, r.rate
        FROM unnest(%s::bigint[]) AS c(id)
        CROSS JOIN LATERAL (
            SELECT effective_on, rate FROM risk_pledgerate current
            WHERE commodity_id = c.id AND effective_on < %s AND rate > 0
              AND NOT EXISTS (
                  SELECT FROM risk_pledgerate later
                  WHERE later.commodity_id = current.commodity_id
                    AND later.effective_on = current.effective_on
                    AND later.revision > current.revision
              )
            ORDER BY effective_on DESC LIMIT 1
        ) r
        """,
        [list(commodity_ids), day],
    )
    return {commodity_id: (effective_on, rate) for commodity_id, effective_on, rate in rows}


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

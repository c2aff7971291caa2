"""What moved, in figures: the cause that a reading and a margin call keep."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection

_MOVES = """
SELECT c.code, q.unit_price, before.unit_price, q.rate, before.rate
FROM risk_quotes(%(as_of)s, %(ids)s) q
JOIN risk_commodity c ON c.id = q.commodity_id
LEFT JOIN risk_quotes(%(eve)s, %(ids)s) before ON before.commodity_id = q.commodity_id
ORDER BY c.code
"""
MOST_NAMED = 20


def moves(commodity_ids: Sequence[int], as_of: date) -> dict[str, Any]:
    """Return the unit price and rate of each commodity on a date and on the day before it.

    At most twenty commodities are named: a cause is read by people.
    """
    parameters: dict[str, date | list[int]] = {
        "as_of": as_of,
        "eve": as_of - timedelta(days=1),
        "ids": list(commodity_ids)[:MOST_NAMED],
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVES, parameters)
        rows = cursor.fetchall()
    return {
        "moves": {
            code: {
                "price": _text(price),
                "price_before": _text(price_before),
                "rate": _text(rate),
                "rate_before": _text(rate_before),
            }
            for code, price, price_before, rate, rate_before in rows
        }
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)

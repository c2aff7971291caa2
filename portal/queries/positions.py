"""Positions with what they are worth and lend, now or at a past instant."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

from lending.models import Facility
from parties.actors import Actor
from portal.names import joined, localised
from portal.queries.placed import PLACED, VALUED
from portal.queries.sql import fetch
from portal.words import reason_in_words

CENT = Decimal("0.01")
ZERO = Decimal(0)

_POSITIONS = f"""
WITH {PLACED}, {VALUED}
SELECT placed.*, valued.basis_id, b.name AS basis_name, b.name_zh AS basis_name_zh,
       b.kind AS basis_kind, b.code AS basis_code, b.unit AS basis_unit, b.currency,
       valued.unit_price, valued.rate, valued.price_on, valued.reason, valued.counts,
       valued.market_per_unit, valued.lending_per_unit, valued.known_value, valued.known_lending
FROM placed
JOIN valued ON valued.id = placed.id
JOIN risk_commodity b ON b.id = valued.basis_id
WHERE (%(place)s IS NULL OR placed.place = %(place)s)
  AND (%(node)s IS NULL OR placed.node = %(node)s)
  AND (%(lots)s::bigint[] IS NULL OR placed.lot_id = ANY (%(lots)s))
ORDER BY placed.opened_at, placed.id, b.kind, b.code
"""


@dataclass(frozen=True, slots=True)
class TermValue:
    """One price basis inside a position: how much of it, at which price and rate."""

    name: str
    code: str
    is_money: bool
    unit: str
    currency: str
    content: Decimal
    unit_price: Decimal | None
    price_on: date | None
    rate: Decimal | None
    share: Decimal
    counts: bool
    reason: str
    market: Decimal
    lending: Decimal


@dataclass(frozen=True, slots=True)
class PositionValue:
    """A position with its value: `market` and `lending` count, `left_out` does not (and why)."""

    id: uuid.UUID
    right: str
    place: str
    node: str
    node_name: str
    label: str
    item: str
    lot_id: int | None
    lot_number: str
    quality_deduction: Decimal
    unit: str
    quantity: Decimal
    remaining: Decimal
    opened_at: datetime
    market: Decimal
    lending: Decimal
    left_out: Decimal
    terms: tuple[TermValue, ...]

    @property
    def rate(self) -> Decimal | None:
        """Lending value as a share of market value."""
        return self.lending / self.market if self.market else None

    @property
    def reasons(self) -> list[str]:
        """Why something is left out."""
        return [term.reason for term in self.terms if not term.counts]


def list_positions(
    actor: Actor,
    facility: Facility,
    *,
    at: datetime,
    on: date,
    place: str | None = None,
    node: str | None = None,
    lots: list[int] | None = None,
) -> list[PositionValue]:
    """Return the live positions at an instant, valued at the quotes of the day (one query).

    Amounts in the facility's currency: market values to the nearest cent, lending values cut.
    The facility comes from a query that took the same actor.
    """
    if not actor.is_known:
        return []
    rows = fetch(
        _POSITIONS,
        {"facility": facility.pk, "at": at, "on": on, "place": place, "node": node, "lots": lots},
    )
    grouped: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["id"]].append(row)
    return [_position(group) for group in grouped.values()]


def _position(rows: list[dict[str, Any]]) -> PositionValue:
    first = rows[0]
    counted = [row for row in rows if row["counts"]]
    return PositionValue(
        id=first["id"],
        right=first["right"],
        place=first["place"],
        node=first["node"],
        node_name=localised(first["node_name"], first["node_name_zh"]),
        label=_label(first),
        item=localised(first["item_name"] or "", first["item_name_zh"] or ""),
        lot_id=first["lot_id"],
        lot_number=first["lot_number"] or "",
        quality_deduction=first["quality_deduction"] or ZERO,
        unit=first["unit"],
        quantity=first["quantity"],
        remaining=first["remaining"],
        opened_at=first["opened_at"],
        market=_nearest(sum((row["known_value"] for row in counted), ZERO)),
        lending=_cut(sum((row["known_lending"] for row in counted), ZERO)),
        left_out=_nearest(sum((row["known_value"] for row in rows if not row["counts"]), ZERO)),
        terms=tuple(_term(row) for row in rows),
    )


def _label(row: dict[str, Any]) -> str:
    """Return the thing in the reader's language, from the names beside it."""
    node = localised(row["node_name"], row["node_name_zh"])
    if row["lot_id"]:
        item = localised(row["item_name"], row["item_name_zh"])
        return joined(item, row["lot_number"], node)
    number = row["order_number"] or row["invoice_number"]
    return joined(number, node) if number else str(row["label"])


def _term(row: dict[str, Any]) -> TermValue:
    market_weight, lending_weight = row["market_per_unit"], row["lending_per_unit"]
    rate = row["rate"] or ZERO
    return TermValue(
        name=localised(row["basis_name"], row["basis_name_zh"]),
        code=row["basis_code"],
        is_money=row["basis_kind"] == "money",
        unit=row["basis_unit"],
        currency=row["currency"],
        content=row["remaining"] * market_weight,
        unit_price=row["unit_price"],
        price_on=row["price_on"],
        rate=row["rate"],
        share=lending_weight / market_weight * rate if market_weight else ZERO,
        counts=row["counts"],
        reason=reason_in_words(row["reason"] or ""),
        market=_nearest(row["known_value"]) if row["counts"] else ZERO,
        lending=_cut(row["known_lending"]) if row["counts"] else ZERO,
    )


def _nearest(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_DOWN)

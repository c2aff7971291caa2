"""What an allocation reads: the goods that may be decided, their live values, and sales.

A constant number of queries, whatever the number of lots.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db import connection

from common.exact import EXACT
from lending.models import Facility
from logistics.rules.quantities import is_countable
from pledges.rules.allocation_problem import ZERO, Kind, Part
from pledges.rules.turnover import HISTORY_DAYS, Sale, Turnover, turnover_of

ONE = Decimal(1)
FINE = Decimal("0.001")

# Pledges of the facility, and what is free in warehouses of the borrower's goods. What a pending
# instruction has promised stays as it is. Free goods are valued by the terms that pledging them
# would fix (rules/terms.py); weights are cut as there.
_PARTS = """
WITH quotes AS MATERIALIZED (
    SELECT q.commodity_id, q.unit_price, q.rate FROM risk_quotes(%(priced_on)s) q
    WHERE q.fresh AND q.currency = %(currency)s
), fees AS (
    SELECT DISTINCT ON (site_id, unit) site_id, unit, per_unit_per_day
    FROM pledges_custodyfee
    WHERE tenant_id = %(tenant)s AND currency = %(currency)s AND valid_from <= %(on)s
    ORDER BY site_id, unit, valid_from DESC
), promised AS (
    SELECT l.position_id, l.lot_id, sum(l.quantity) AS quantity
    FROM pledges_instructionline l JOIN pledges_instruction i ON i.id = l.instruction_id
    WHERE i.state IN ('requested', 'instructed', 'acknowledged') GROUP BY 1, 2
), pledged AS (
    SELECT p.lot_id, p.id AS position_id, p.remaining - coalesce(r.quantity, 0) AS quantity,
           p.suspended, t.basis_id, t.market_per_unit AS market, t.lending_per_unit AS lending
    FROM pledges_position p
    LEFT JOIN promised r ON r.position_id = p.id
    LEFT JOIN pledges_positionterm t ON t.position_id = p.id
    WHERE p.facility_id = %(facility)s AND p."right" = 'pledge' AND p.remaining > 0
), free AS (
    SELECT l.id AS lot_id, l.item_id, 1 - l.quality_deduction AS kept,
           l.on_hand - l.claimed - coalesce(r.quantity, 0) AS quantity
    FROM logistics_lot l
    JOIN logistics_site s ON s.id = l.site_id AND s.kind = 'warehouse'
    LEFT JOIN promised r ON r.lot_id = l.id AND r.position_id IS NULL
    WHERE l.owner_id = %(owner)s AND l.on_hand > l.claimed
), weighed AS (
    SELECT f.lot_id, f.quantity, c.commodity_id AS basis_id,
           round(c.quantity * f.kept, 12) AS market, i.rate_factor AS lends
    FROM free f JOIN logistics_item i ON i.id = f.item_id
    JOIN logistics_itemcontent c ON c.item_id = i.id
    UNION ALL
    SELECT f.lot_id, f.quantity, m.id, round(i.premium * f.kept, 12), i.premium_rate
    FROM free f JOIN logistics_item i ON i.id = f.item_id AND i.premium > 0
    JOIN risk_commodity m ON m.code = i.currency AND m.kind = 'money'
), parts AS (
    SELECT * FROM pledged
    UNION ALL
    SELECT lot_id, NULL, quantity, false, basis_id, market, trunc(market * lends, 12)
    FROM weighed WHERE market > 0
)
SELECT p.lot_id, p.position_id, p.quantity, lot.item_id, lot.site_id, item.unit, lot.number,
       item.code, item.name, item.name_zh, site.name, site.name_zh, lot.received_on, lot.on_hand,
       coalesce(fee.per_unit_per_day, 0),
       coalesce(sum(p.market * q.unit_price), 0),
       array_agg(p.basis_id ORDER BY p.basis_id) FILTER (WHERE q.commodity_id IS NOT NULL),
       array_agg(CASE WHEN p.suspended THEN 0 ELSE p.lending * q.unit_price * q.rate END
                 ORDER BY p.basis_id) FILTER (WHERE q.commodity_id IS NOT NULL)
FROM parts p
JOIN logistics_lot lot ON lot.id = p.lot_id
JOIN logistics_item item ON item.id = lot.item_id
JOIN logistics_site site ON site.id = lot.site_id
LEFT JOIN fees fee ON fee.site_id = site.id AND fee.unit = item.unit
LEFT JOIN quotes q ON q.commodity_id = p.basis_id
WHERE p.quantity > 0
GROUP BY p.lot_id, p.position_id, p.quantity, lot.id, item.id, site.id, fee.per_unit_per_day
ORDER BY p.lot_id, p.position_id NULLS LAST
"""

# Lending value of what the facility holds besides pledges, by item, site and commodity.
_BESIDES = """
SELECT lot.item_id, lot.site_id, t.basis_id,
       sum(p.remaining * t.lending_per_unit * q.unit_price * q.rate)
FROM pledges_position p
JOIN pledges_positionterm t ON t.position_id = p.id
JOIN risk_quotes(%(priced_on)s) q
     ON q.commodity_id = t.basis_id AND q.fresh AND q.currency = %(currency)s
JOIN logistics_lot lot ON lot.id = p.lot_id
WHERE p.facility_id = %(facility)s AND p.remaining > 0 AND NOT p.suspended
  AND p."right" IN ('floating_mortgage', 'in_transit')
GROUP BY lot.item_id, lot.site_id, t.basis_id
"""

_STOCK = """
SELECT known.item_id, item.code, item.name, item.name_zh, item.unit, known.free,
       coalesce(pledged.quantity, 0), known.first_on, sold.day, sold.quantity
FROM (SELECT l.item_id, min(l.received_on) AS first_on,
             coalesce(sum(l.on_hand - l.claimed) FILTER (WHERE s.kind = 'warehouse'), 0) AS free
      FROM logistics_lot l JOIN logistics_site s ON s.id = l.site_id
      WHERE l.owner_id = %(owner)s GROUP BY l.item_id) known
JOIN logistics_item item ON item.id = known.item_id
LEFT JOIN (
    SELECT l.item_id, sum(p.remaining) AS quantity
    FROM pledges_position p JOIN logistics_lot l ON l.id = p.lot_id
    WHERE p.facility_id = %(facility)s AND p."right" = 'pledge' AND p.remaining > 0
    GROUP BY l.item_id
) pledged ON pledged.item_id = known.item_id
LEFT JOIN (
    SELECT l.item_id, (a.occurred_at AT TIME ZONE 'UTC')::date AS day, -sum(e.quantity) AS quantity
    FROM logistics_lot l
    JOIN logistics_stockevent e ON e.lot_id = l.id AND e.kind = 'shipped'
    JOIN logistics_stockact a ON a.id = e.act_id
    WHERE l.owner_id = %(owner)s AND a.occurred_at >= %(since)s AND a.occurred_at < %(until)s
    GROUP BY l.item_id, a.id
) sold ON sold.item_id = known.item_id
ORDER BY known.item_id, sold.day, sold.quantity
"""


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of an item: free in warehouses, and pledged to the facility."""

    item_id: int
    code: str
    name: str
    name_zh: str
    unit: str
    free: Decimal
    pledged: Decimal


@dataclass(frozen=True, slots=True)
class Goods:
    """One part as people know it."""

    part: Part
    position_id: uuid.UUID | None
    number: str
    item_code: str
    item: str
    item_zh: str
    unit: str
    site: str
    site_zh: str
    received_on: date


def list_goods(
    facility: Facility,
    *,
    priced_on: date,
    on: date,
    turnovers: Mapping[int, Turnover],
    least_share: Decimal,
) -> list[Goods]:
    """Return everything an allocation may decide, at the prices of `priced_on` (one query).

    A lot is split with at least `least_share` of what is on hand on either side.
    """
    rows = _rows(
        _PARTS,
        {
            "facility": facility.pk,
            "owner": facility.borrower_id,
            "tenant": facility.tenant_id,
            "currency": facility.currency,
            "priced_on": priced_on,
            "on": on,
        },
    )
    stock: dict[int, Decimal] = {}
    for row in rows:
        stock[row[3]] = stock.get(row[3], ZERO) + row[2]
    days = {
        item_id: turnovers[item_id].days(quantity, "0.5")
        for item_id, quantity in stock.items()
        if item_id in turnovers
    }
    # What is left of a lot that is pledged in part may be pledged to the last piece.
    parted = {row[0] for row in rows if row[1] is not None}
    return [
        _goods(row, days, ZERO if row[1] is None and row[0] in parted else least_share, on)
        for row in rows
    ]


def _goods(row: Any, days: Mapping[int, Decimal | None], least_share: Decimal, on: date) -> Goods:
    lot_id, position_id, quantity, item_id, site_id, unit = row[:6]
    market, bases, lendings = row[15:]
    by_commodity = dict(zip(bases or (), lendings or (), strict=True))
    step = _step(quantity, unit)
    position = uuid.UUID(str(position_id)) if position_id else None
    return Goods(
        Part(
            key=f"{lot_id:012d}:{position or 'free'}",
            lot_id=lot_id,
            item_id=item_id,
            site_id=site_id,
            quantity=quantity,
            pledged=position is not None,
            market=market,
            lending=sum(by_commodity.values(), ZERO),
            by_commodity=by_commodity,
            days_to_sell=days.get(item_id),
            age_days=max(0, (on - row[12]).days),
            storage=row[14],
            step=step,
            least=_least(row[13], least_share, step),
        ),
        position_id=position,
        number=row[6],
        item_code=row[7],
        item=row[8],
        item_zh=row[9],
        unit=unit,
        site=row[10],
        site_zh=row[11],
        received_on=row[12],
    )


def _step(quantity: Decimal, unit: str) -> Decimal:
    """Return what is counted: pieces, dozens; a thousandth of what is measured."""
    whole = quantity == quantity.to_integral_value() and not is_countable(Decimal("0.5"), unit)
    return ONE if whole else FINE


def _least(on_hand: Decimal, share: Decimal, step: Decimal) -> Decimal:
    steps = EXACT.divide(on_hand * share, step).to_integral_value(rounding=ROUND_CEILING)
    return max(step, steps * step)


def lending_besides(facility: Facility, *, priced_on: date) -> dict[tuple[Kind, int], Decimal]:
    """Return what other property rights lend by item, site and commodity (one query)."""
    found: dict[tuple[Kind, int], Decimal] = {}
    rows = _rows(
        _BESIDES,
        {"facility": facility.pk, "currency": facility.currency, "priced_on": priced_on},
    )
    for *ids, lending in rows:
        for group in zip((Kind.ITEM, Kind.SITE, Kind.COMMODITY), ids, strict=True):
            found[group] = found.get(group, ZERO) + lending
    return found


def list_stock(facility: Facility, *, on: date) -> list[tuple[Stock, Turnover]]:
    """Return each item of the borrower's with what is known of its sales (one query).

    A sale is a shipment from one of the borrower's lots, whoever held a right on it. Days are UTC.
    """
    midnight = datetime.combine(on, time(), UTC)
    parameters = {
        "facility": facility.pk,
        "owner": facility.borrower_id,
        "since": midnight - timedelta(days=HISTORY_DAYS),
        "until": midnight + timedelta(days=1),
    }
    sales: dict[Stock, list[Sale]] = {}
    first: dict[Stock, date] = {}
    for *about, first_on, day, quantity in _rows(_STOCK, parameters):
        stock = Stock(*about)
        first[stock] = min(first_on, on)
        mine = sales.setdefault(stock, [])
        if day is not None:
            mine.append(Sale(day, quantity))
    return [
        (stock, turnover_of(mine, first_on=first[stock], on=on)) for stock, mine in sales.items()
    ]


def _rows(sql: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

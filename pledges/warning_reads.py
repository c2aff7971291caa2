"""What the rules of early warning measure of facilities: one statement a rule, whatever the book.

Each yields facility, subject, its name and the value; `Found` rows are those beyond the threshold
of the facility, or the default. Rooms above add rules of theirs (see `add_measure`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from pledges.rules.warnings import MEASURES, WarningRule
from pledges.states import PROPERTY_RIGHTS

_GOODS = ", ".join(f"'{right}'" for right in sorted(PROPERTY_RIGHTS))

# Goods at market value, one row a position.
_WORTH = f"""
SELECT p.facility_id, p.opened_on, lot.site_id, lot.item_id,
       sum(p.remaining * t.market_per_unit * q.unit_price) AS worth
FROM pledges_position p
JOIN pledges_positionterm t ON t.position_id = p.id
JOIN risk_quotes(%(on)s) q ON q.commodity_id = t.basis_id AND q.unit_price > 0
JOIN logistics_lot lot ON lot.id = p.lot_id
WHERE p.closed_at IS NULL AND p.remaining > 0 AND p."right" IN ({_GOODS})
GROUP BY p.id, lot.id
"""

_SQL: dict[WarningRule, str] = {
    # From the highest rate of four weeks to the one that holds.
    WarningRule.RATE_FELL: """
        SELECT l.facility_id, c.code, c.name, top.rate - now.rate
        FROM (SELECT DISTINCT facility_id, basis_id FROM pledges_poolline
              WHERE market_weight > 0) l
        JOIN risk_commodity c ON c.id = l.basis_id AND c.kind = 'commodity'
        CROSS JOIN LATERAL (
            SELECT r.rate FROM risk_pledgerate r
            WHERE r.commodity_id = l.basis_id AND r.effective_on <= %(on)s
            ORDER BY r.effective_on DESC, r.revision DESC LIMIT 1) now
        CROSS JOIN LATERAL (
            SELECT max(r.rate) AS rate FROM risk_pledgerate r
            WHERE r.commodity_id = l.basis_id
              AND r.effective_on BETWEEN %(on)s::date - 28 AND %(on)s) top
    """,
    # From the best end of day of four weeks to the latest one, as a share of the best.
    WarningRule.COVERAGE_FALLS: """
        SELECT facility_id, facility_id::text, '', 1 - (array_agg(cover ORDER BY day DESC))[1]
                                                       / nullif(max(cover), 0)
        FROM (SELECT facility_id, business_date AS day, lending_value / exposure AS cover
              FROM pledges_coverrecord
              WHERE cause = 'day' AND exposure > 0
                AND business_date BETWEEN %(on)s::date - 28 AND %(on)s) days
        GROUP BY facility_id
    """,
    WarningRule.COMMODITY_SHARE: """
        SELECT facility_id, code, name, worth / sum(worth) OVER (PARTITION BY facility_id)
        FROM (SELECT l.facility_id, c.code, c.name, c.kind,
                     sum(l.market_weight * q.unit_price) AS worth
              FROM pledges_poolline l
              JOIN risk_quotes(%(on)s) q ON q.commodity_id = l.basis_id AND q.unit_price > 0
              JOIN risk_commodity c ON c.id = l.basis_id
              WHERE l.market_weight > 0 GROUP BY l.facility_id, c.id) lines
    """,
    WarningRule.SITE_SHARE: f"""
        SELECT w.facility_id, s.id::text, s.name,
               sum(w.worth) / sum(sum(w.worth)) OVER (PARTITION BY w.facility_id)
        FROM ({_WORTH}) w JOIN logistics_site s ON s.id = w.site_id
        WHERE w.worth > 0 GROUP BY w.facility_id, s.id
    """,
    # Days that the goods of an item have been held, weighted by their value.
    WarningRule.SLOW_GOODS: f"""
        SELECT w.facility_id, i.id::text, i.name,
               sum(w.worth * (%(on)s::date - w.opened_on)) / sum(w.worth)
        FROM ({_WORTH}) w JOIN logistics_item i ON i.id = w.item_id
        WHERE w.worth > 0 GROUP BY w.facility_id, i.id
    """,
    WarningRule.LOAN_DUE: """
        SELECT facility_id, number, number, due_on - %(on)s::date
        FROM lending_loan WHERE state IN ('drawn', 'overdue') AND owed_principal > 0
    """,
    WarningRule.FACILITY_MATURES: """
        SELECT id, id::text, '', matures_on - %(on)s::date FROM lending_facility WHERE exposure > 0
    """,
}

_BEYOND = """
SELECT f.tenant_id, f.id, f.code, found.subject, found.name, found.value, bound.value
FROM ({rule}) found(facility_id, subject, name, value)
JOIN lending_facility f ON f.id = found.facility_id AND f.state NOT IN ('draft', 'closed')
LEFT JOIN pledges_warningthreshold t ON t.facility_id = f.id AND t.rule = %(rule)s
CROSS JOIN LATERAL (SELECT coalesce(t.value, %(default)s) AS value) bound
WHERE coalesce(t.active, true) AND found.value {sign} bound.value
ORDER BY f.id, found.subject
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One subject beyond a threshold; facility_id is None where the warning is the house's."""

    rule: WarningRule
    tenant_id: int
    facility_id: int | None
    facility: str
    subject: str
    name: str
    value: Decimal
    threshold: Decimal


def add_measure(rule: WarningRule, sql: str) -> None:
    """Let a room above measure a rule: facility, subject, name, value; %(on)s is the day."""
    _SQL[rule] = sql


def read_warnings(*, on: date) -> Iterator[Found]:
    """Yield what is beyond its threshold on a day, one statement a rule."""
    for rule, sql in _SQL.items():
        measure = MEASURES[rule]
        sign = "<=" if measure.at_most else ">="
        given: dict[str, Any] = {"on": on, "rule": rule.value, "default": measure.default}
        with connection.cursor() as cursor:
            cursor.execute(_BEYOND.format(rule=sql, sign=sign), given)
            for row in cursor.fetchall():
                tenant_id, facility_id, code, subject, name, value, threshold = row
                yield Found(
                    rule,
                    tenant_id,
                    facility_id,
                    code,
                    subject,
                    name,
                    Decimal(value).quantize(Decimal("0.0001")),
                    Decimal(threshold),
                )

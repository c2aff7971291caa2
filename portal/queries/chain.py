"""The supply-chain map: what stood where at an instant, and what moved in a window before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lending.models import Facility
from parties.actors import Actor
from portal.names import localised
from portal.queries.placed import PLACED, VALUED
from portal.queries.sql import fetch
from portal.words import reason_in_words

_STOCK = f"""
WITH {PLACED}, {VALUED}
SELECT placed.place, placed.node, placed.node_name, placed.node_name_zh,
       count(DISTINCT placed.id) AS positions,
       coalesce(sum(valued.known_value) FILTER (WHERE valued.counts), 0) AS market,
       coalesce(sum(valued.known_lending) FILTER (WHERE valued.counts), 0) AS lending,
       coalesce(sum(valued.known_value) FILTER (WHERE NOT valued.counts), 0) AS left_out,
       max(valued.reason) FILTER (WHERE NOT valued.counts) AS reason
FROM placed JOIN valued ON valued.id = placed.id
GROUP BY placed.place, placed.node, placed.node_name, placed.node_name_zh
ORDER BY placed.place, market DESC, placed.node
"""

_FLOWS = f"""
WITH {PLACED}
SELECT c.id, c.kind, c.occurred_at, placed.place, placed.node,
       placed.node_name, placed.node_name_zh, l.direction, sum(l.market_value) AS value
FROM pledges_conversion c
JOIN pledges_conversionleg l ON l.conversion_id = c.id
JOIN placed ON placed.id = l.position_id
WHERE c.facility_id = %(facility)s AND c.occurred_at > %(since)s AND c.occurred_at <= %(at)s
GROUP BY c.id, c.kind, c.occurred_at, placed.place, placed.node,
         placed.node_name, placed.node_name_zh, l.direction
ORDER BY c.occurred_at, c.id
"""

# Money instructed to a supplier that the bank had not confirmed by then.
_IN_PROGRESS = """
SELECT 'party-' || d.payee_id AS node, o.name, o.name_zh, sum(d.amount) AS value
FROM lending_disbursement d
JOIN lending_loan loan ON loan.id = d.loan_id
JOIN parties_organisation o ON o.id = d.payee_id
WHERE loan.facility_id = %(facility)s AND d.product = 'order'
  AND d.instructed_at <= %(at)s AND (d.paid_on IS NULL OR d.paid_on > %(on)s)
GROUP BY d.payee_id, o.name, o.name_zh
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One block of the map."""

    place: str
    key: str
    name: str
    positions: int
    market: Decimal
    lending: Decimal
    left_out: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Conversions of one kind between two blocks: what left one and what arrived at the other."""

    source: tuple[str, str] | None
    target: tuple[str, str]
    kind: str
    given: Decimal
    made: Decimal
    times: int
    in_progress: bool = False


def list_nodes(actor: Actor, facility: Facility, *, at: datetime, on: date) -> list[Node]:
    """Return the blocks that hold something at the instant (one query)."""
    if not actor.is_known:
        return []
    rows = fetch(_STOCK, {"facility": facility.pk, "at": at, "on": on})
    return [_node(row) for row in rows]


def _node(row: dict[str, Any]) -> Node:
    return Node(
        place=row["place"],
        key=row["node"],
        name=localised(row["node_name"], row["node_name_zh"]),
        positions=row["positions"],
        market=row["market"],
        lending=row["lending"],
        left_out=row["left_out"],
        reason=reason_in_words(row["reason"] or ""),
    )


def list_ribbons(
    actor: Actor, facility: Facility, *, since: datetime, at: datetime, on: date
) -> tuple[list[Ribbon], dict[tuple[str, str], str]]:
    """Return what moved after `since` up to `at`, and the names of the blocks it touched.

    A conversion of several blocks into several others is shared out in proportion to value.
    Two queries.
    """
    if not actor.is_known:
        return [], {}
    parameters = {"facility": facility.pk, "since": since, "at": at, "on": on}
    rows = fetch(_FLOWS, parameters)
    names = {
        (row["place"], row["node"]): localised(row["node_name"], row["node_name_zh"])
        for row in rows
    }
    waiting = fetch(_IN_PROGRESS, parameters)
    names |= {("order_claim", r["node"]): localised(r["name"], r["name_zh"]) for r in waiting}
    return [*_ribbons(rows), *(_waiting(row) for row in waiting)], names


def _ribbons(rows: list[dict[str, Any]]) -> list[Ribbon]:
    acts: dict[Any, dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        sides = acts.setdefault(row["id"], {"consumed": [], "produced": []})
        sides[row["direction"]].append(row)
    merged: dict[tuple[Any, ...], Ribbon] = {}
    for sides in acts.values():
        for ribbon in share_out(sides["consumed"], sides["produced"]):
            key = (ribbon.source, ribbon.target, ribbon.kind)
            merged[key] = _join(merged.get(key), ribbon)
    return list(merged.values())


def share_out(taken: list[dict[str, Any]], made: list[dict[str, Any]]) -> list[Ribbon]:
    """Split one conversion into pairs of blocks.

    What was taken goes wholly to where it left the pool, if it did (release, substitution,
    repayment): anything made beside that came from outside. Otherwise each made block is fed by
    each taken one in proportion to value.
    """
    ends = [row for row in made if row["place"] == "end"]
    if ends:
        left = [_ribbon(s, t, s["value"] / len(ends), s["value"]) for t in ends for s in taken]
        return left + [
            _ribbon(None, t, t["value"], t["value"]) for t in made if t["place"] != "end"
        ]
    if not taken:
        return [_ribbon(None, t, t["value"], t["value"]) for t in made]
    all_made = sum(row["value"] for row in made) or Decimal(1)
    all_taken = sum(row["value"] for row in taken) or Decimal(1)
    return [
        _ribbon(s, t, s["value"] * t["value"] / all_made, t["value"] * s["value"] / all_taken)
        for t in made
        for s in taken
    ]


def _ribbon(
    source: dict[str, Any] | None, target: dict[str, Any], given: Decimal, made: Decimal
) -> Ribbon:
    return Ribbon(
        source=(source["place"], source["node"]) if source else None,
        target=(target["place"], target["node"]),
        kind=target["kind"],
        given=given,
        made=made,
        times=1,
    )


def _join(before: Ribbon | None, ribbon: Ribbon) -> Ribbon:
    if before is None:
        return ribbon
    return Ribbon(
        source=ribbon.source,
        target=ribbon.target,
        kind=ribbon.kind,
        given=before.given + ribbon.given,
        made=before.made + ribbon.made,
        times=before.times + 1,
    )


def _waiting(row: dict[str, Any]) -> Ribbon:
    return Ribbon(
        source=None,
        target=("order_claim", row["node"]),
        kind="prepay",
        given=row["value"],
        made=row["value"],
        times=1,
        in_progress=True,
    )

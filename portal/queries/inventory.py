"""Lots: how much lies where, how much of it is claimed, what it is worth and lends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404

from lending.models import Facility
from logistics.models import Lot, StockEvent
from parties.actors import Actor
from pledges.models import Position
from portal.names import LABELLED, localised
from portal.queries.sql import fetch

ZERO = Decimal(0)
TURNOVER_DAYS = 90

# Value by the item's own formula, so that free goods have one too (logistics.models.Item).
_LOTS = """
SELECT lot.id, lot.number, lot.on_hand, lot.claimed, lot.held, lot.quality_deduction,
       lot.received_on, item.code AS item_code, item.name AS item_name,
       item.name_zh AS item_name_zh, item.unit, item.currency,
       site.id AS site_id, site.name AS site_name, site.name_zh AS site_name_zh,
       site.kind AS site_kind, owner.name AS owner_name, owner.name_zh AS owner_name_zh,
       (coalesce(contents.value, 0) + item.premium) * (1 - lot.quality_deduction) AS unit_value,
       (coalesce(contents.lending, 0) * item.rate_factor + item.premium * item.premium_rate)
           * (1 - lot.quality_deduction) AS unit_lending,
       coalesce(contents.complete, true) AS priced,
       coalesce(outflow.quantity, 0) AS outflow
FROM logistics_lot lot
JOIN logistics_item item ON item.id = lot.item_id
JOIN logistics_site site ON site.id = lot.site_id
JOIN parties_organisation owner ON owner.id = lot.owner_id
LEFT JOIN LATERAL (
    SELECT sum(c.quantity * q.unit_price) AS value,
           sum(c.quantity * q.unit_price * q.rate) AS lending,
           bool_and(coalesce(q.fresh, false) AND q.currency = item.currency) AS complete
    FROM logistics_itemcontent c
    LEFT JOIN risk_quotes(%(on)s) q ON q.commodity_id = c.commodity_id
    WHERE c.item_id = item.id
) contents ON true
LEFT JOIN LATERAL (
    SELECT -sum(e.quantity) AS quantity
    FROM logistics_stockevent e JOIN logistics_stockact a ON a.id = e.act_id
    WHERE e.lot_id = lot.id AND e.quantity < 0
      AND a.occurred_at >= %(turnover)s AND a.occurred_at < %(on)s::date + 1
) outflow ON true
WHERE lot.id = ANY (%(ids)s)
ORDER BY site.kind, site.name, item.name, lot.received_on, lot.id
"""


@dataclass(frozen=True, slots=True)
class LotView:
    """One lot as its readers need it; amounts in the item's currency."""

    id: int
    number: str
    item: str
    unit: str
    currency: str
    site: str
    site_kind: str
    owner: str
    on_hand: Decimal
    claimed: Decimal
    held: Decimal
    quality_deduction: Decimal
    received_on: date
    unit_value: Decimal
    rate: Decimal | None
    priced: bool
    sell_out_days: int | None

    @property
    def free(self) -> Decimal:
        """What nobody has a claim on."""
        return self.on_hand - self.claimed

    @property
    def value(self) -> Decimal:
        """Market value of what is on hand."""
        return self.on_hand * self.unit_value if self.priced else ZERO

    @property
    def claimed_share(self) -> Decimal | None:
        """The share of what is on hand that secures a loan."""
        return self.claimed / self.on_hand if self.on_hand else None


def list_lots(
    actor: Actor,
    facility: Facility | None,
    *,
    on: date,
    kinds: tuple[str, ...],
    site: str | None = None,
) -> list[LotView]:
    """Return the lots at sites of some kinds (or at one, by code) with anything on hand.

    Two queries.
    """
    visible = visible_lots(actor).filter(site__kind__in=kinds, on_hand__gt=0)
    if facility is not None:
        visible = visible.filter(owner_id=facility.borrower_id)
    if site:
        visible = visible.filter(site__code=site)
    return _views(list(visible.values_list("pk", flat=True)), on)


def visible_lots(actor: Actor) -> Any:
    """Return the lots the actor may see: its own, those it keeps, those behind its claims."""
    behind = Position.objects.visible_to(actor).filter(lot__isnull=False).values("lot_id")
    return Lot.objects.visible_to(actor) | Lot.objects.filter(pk__in=behind)


def _views(ids: list[int], on: date) -> list[LotView]:
    turnover = on - timedelta(days=TURNOVER_DAYS)
    rows = fetch(_LOTS, {"ids": ids, "on": on, "turnover": turnover})
    return [_view(row) for row in rows]


def _view(row: dict[str, Any]) -> LotView:
    daily = row["outflow"] / TURNOVER_DAYS
    return LotView(
        id=row["id"],
        number=row["number"],
        item=localised(row["item_name"], row["item_name_zh"]),
        unit=row["unit"],
        currency=row["currency"],
        site=localised(row["site_name"], row["site_name_zh"]),
        site_kind=row["site_kind"],
        owner=localised(row["owner_name"], row["owner_name_zh"]),
        on_hand=row["on_hand"],
        claimed=row["claimed"],
        held=row["held"],
        quality_deduction=row["quality_deduction"],
        received_on=row["received_on"],
        unit_value=row["unit_value"],
        rate=row["unit_lending"] / row["unit_value"] if row["unit_value"] else None,
        priced=row["priced"],
        sell_out_days=int(row["on_hand"] / daily) if daily else None,
    )


@dataclass(frozen=True, slots=True)
class LotDetail:
    """A lot with what happened to it and the claims on it that the actor may see.

    A custodian sees the claims on what it keeps, but not the facilities behind them.
    """

    lot: LotView
    events: list[StockEvent]
    positions: list[Position]
    open_facilities: frozenset[int]


def get_lot(actor: Actor, lot_id: int, *, on: date) -> LotDetail:
    """Return one lot; 404 for strangers (five queries)."""
    if not visible_lots(actor).filter(pk=lot_id).exists():
        raise Http404
    [lot] = _views([lot_id], on)
    events = StockEvent.objects.filter(lot_id=lot_id).select_related("act__source")
    positions = (
        Position.objects.visible_to(actor)
        .filter(lot_id=lot_id)
        .select_related("tenant", "facility", *LABELLED)
    )
    return LotDetail(
        lot=lot,
        events=list(events.order_by("act__occurred_at", "id")),
        positions=list(positions.order_by("opened_at", "id")),
        open_facilities=frozenset(Facility.objects.visible_to(actor).values_list("pk", flat=True)),
    )

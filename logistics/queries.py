"""Reads of goods and places. Each takes the actor; what it may not see does not exist for it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet, Sum, Window

from logistics.models import BillOfMaterials, Item, Lot, Site, StockAct, StockEvent
from logistics.rules.lot_numbers import normal_lot_number

if TYPE_CHECKING:
    from parties.actors import Actor


def list_lots(
    actor: Actor, *, site: Site | None = None, item: Item | None = None, in_stock: bool = False
) -> QuerySet[Lot]:
    """Return lots with their items and sites, the oldest first; only those with goods if asked."""
    lots = Lot.objects.visible_to(actor).select_related("item", "site", "owner")
    if site is not None:
        lots = lots.filter(site=site)
    if item is not None:
        lots = lots.filter(item=item)
    return lots.filter(on_hand__gt=0) if in_stock else lots


def get_lot(actor: Actor, lot_id: int) -> Lot:
    """Return a lot; Lot.DoesNotExist also where the actor may not see it."""
    return list_lots(actor).get(pk=lot_id)


def get_lot_by_number(actor: Actor, *, site: Site, item: Item, number: str) -> Lot:
    """Return the lot a number stands for, in any spelling; Lot.DoesNotExist if there is none."""
    return list_lots(actor, site=site, item=item).get(normal_number=normal_lot_number(number))


class StockLine(NamedTuple):
    """What lies of one item at one site, in the item's unit."""

    site_id: int
    site_name: str
    item_id: int
    item_name: str
    unit: str
    on_hand: Decimal
    claimed: Decimal
    held: Decimal


def list_stock(actor: Actor) -> list[StockLine]:
    """Return the stock per site and item, summed over the lots the actor sees; one query."""
    rows = (
        Lot.objects.visible_to(actor)
        .filter(on_hand__gt=0)
        .order_by("site__name", "item__name", "site_id", "item_id")
        .values_list("site_id", "site__name", "item_id", "item__name", "item__unit")
        .annotate(Sum("on_hand"), Sum("claimed"), Sum("held"))
    )
    return [StockLine(*row) for row in rows]


def list_lot_events(actor: Actor, lot: Lot) -> QuerySet[StockEvent]:
    """Return what happened to a lot, in order of entry, each with the `balance` after it."""
    running = Window(Sum("quantity"), order_by=F("id").asc())
    return (
        StockEvent.objects.visible_to(actor)
        .filter(lot=lot)
        .select_related("act__source")
        .annotate(balance=running)
        .order_by("id")
    )


def list_acts(actor: Actor) -> QuerySet[StockAct]:
    """Return reported happenings, the latest first, with their legs and lots."""
    acts = StockAct.objects.visible_to(actor).select_related("source")
    return acts.prefetch_related("events__lot__item", "events__lot__site").order_by(
        "-occurred_at", "-recorded_at"
    )


def get_act(actor: Actor, act_id: UUID) -> StockAct:
    """Return a happening; StockAct.DoesNotExist also where the actor may not see it."""
    return list_acts(actor).get(pk=act_id)


def list_items(actor: Actor) -> QuerySet[Item]:
    """Return the catalogue with what is in each item, by code."""
    items = Item.objects.visible_to(actor).select_related("owner")
    return items.prefetch_related("contents__commodity").order_by("code")


def get_item(actor: Actor, code: str) -> Item:
    """Return an item by code; Item.DoesNotExist if there is none."""
    return list_items(actor).get(code=code.strip().lower())


def get_bill(actor: Actor, product: Item) -> BillOfMaterials:
    """Return a product's bill with its lines; DoesNotExist also where it may not be seen."""
    bills = BillOfMaterials.objects.visible_to(actor).prefetch_related("lines__material")
    return bills.get(product=product)


def list_sites(actor: Actor) -> QuerySet[Site]:
    """Return the places where goods can lie, by name."""
    return Site.objects.visible_to(actor).select_related("operator").order_by("name")


def get_site(actor: Actor, code: str) -> Site:
    """Return a site by code; Site.DoesNotExist if there is none."""
    return list_sites(actor).get(code=code.strip().lower())

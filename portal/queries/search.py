"""Search over everything the reader may see, a few hits of each kind."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from factoring.models import Receivable
from lending.models import Facility, Loan
from logistics.models import Site
from logistics.states import SiteKind
from orders.models import PurchaseOrder
from parties.actors import Actor
from parties.models import Organisation
from pledges.models import Position
from portal.names import LABELLED, label_of, name_of
from portal.queries.inventory import visible_lots
from risk.models import Commodity, CommodityKind

LIMIT = 6
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found."""

    title: str
    note: str
    href: str


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of one kind."""

    heading: str
    hits: list[Hit]


def search(actor: Actor, text: str) -> list[Hits]:
    """Return hits by kind (eight queries whatever is found); nothing for less than two letters."""
    wanted = text.strip()
    if len(wanted) < SHORTEST or not actor.is_known:
        return []
    groups = [
        Hits(_("Orders"), _orders(actor, wanted)),
        Hits(_("Lots"), _lots(actor, wanted)),
        Hits(_("Receivables"), _receivables(actor, wanted)),
        Hits(_("Loans"), _loans(actor, wanted)),
        Hits(_("Positions"), _positions(actor, wanted)),
        Hits(_("Prices"), _commodities(wanted)),
        Hits(_("Sites"), _sites(wanted)),
        Hits(_("Organisations"), _organisations(actor, wanted)),
    ]
    return [group for group in groups if group.hits]


def _orders(actor: Actor, text: str) -> list[Hit]:
    rows = (
        PurchaseOrder.objects.visible_to(actor)
        .filter(
            Q(number__icontains=text)
            | Q(run__icontains=text)
            | Q(supplier__name__icontains=text)
            | Q(supplier__name_zh__icontains=text)
        )
        .select_related("supplier")
        .distinct()
        .order_by("-placed_on", "number")[:LIMIT]
    )
    return [
        Hit(one.number, name_of(one.supplier), reverse("portal:order", args=[one.pk]))
        for one in rows
    ]


def _lots(actor: Actor, text: str) -> list[Hit]:
    rows = (
        visible_lots(actor)
        .filter(
            Q(number__icontains=text)
            | Q(item__name__icontains=text)
            | Q(item__name_zh__icontains=text)
            | Q(item__code__icontains=text)
        )
        .select_related("item", "site")
        .distinct()
        .order_by("-received_on", "id")[:LIMIT]
    )
    return [
        Hit(
            one.number,
            f"{name_of(one.item)} · {name_of(one.site)}",
            reverse("portal:lot", args=[one.pk]),
        )
        for one in rows
    ]


def _receivables(actor: Actor, text: str) -> list[Hit]:
    rows = (
        Receivable.objects.visible_to(actor)
        .filter(
            Q(invoice_number__icontains=text)
            | Q(buyer_order__icontains=text)
            | Q(debtor__name__icontains=text)
            | Q(debtor__name_zh__icontains=text)
        )
        .select_related("debtor")
        .order_by("-issued_on", "id")[:LIMIT]
    )
    return [
        Hit(one.invoice_number, name_of(one.debtor), reverse("portal:receivable", args=[one.pk]))
        for one in rows
    ]


def _loans(actor: Actor, text: str) -> list[Hit]:
    rows = Loan.objects.visible_to(actor).filter(number__icontains=text)
    return [
        Hit(one.number, str(one.get_product_display()), reverse("portal:loan", args=[one.pk]))
        for one in rows.order_by("-agreed_on", "id")[:LIMIT]
    ]


def _positions(actor: Actor, text: str) -> list[Hit]:
    """Positions by words, or by their id in full."""
    wanted = Q(label__icontains=text)
    with suppress(ValueError):
        wanted |= Q(pk=uuid.UUID(text))
    rows = (
        Position.objects.visible_to(actor)
        .filter(wanted, facility__in=Facility.objects.visible_to(actor))
        .select_related(*LABELLED)
        .order_by("-opened_at", "id")[:LIMIT]
    )
    return [
        Hit(label_of(one), str(one.get_right_display()), reverse("portal:lineage", args=[one.pk]))
        for one in rows
    ]


def _commodities(text: str) -> list[Hit]:
    rows = Commodity.objects.filter(
        Q(name__icontains=text) | Q(name_zh__icontains=text) | Q(code__icontains=text),
        kind=CommodityKind.COMMODITY,
    )
    return [
        Hit(name_of(one), one.code, reverse("portal:price", args=[one.code]))
        for one in rows.order_by("name")[:LIMIT]
    ]


def _sites(text: str) -> list[Hit]:
    rows = Site.objects.filter(
        Q(name__icontains=text) | Q(name_zh__icontains=text) | Q(code__icontains=text)
    )
    return [
        Hit(name_of(one), str(one.get_kind_display()), f"{_lots_page(one)}?site={one.code}")
        for one in rows.order_by("name")[:LIMIT]
    ]


def _lots_page(site: Site) -> str:
    return reverse("portal:materials" if site.kind == SiteKind.FACTORY else "portal:inventory")


def _organisations(actor: Actor, text: str) -> list[Hit]:
    rows = Organisation.objects.visible_to(actor).filter(
        Q(name__icontains=text)
        | Q(name_zh__icontains=text)
        | Q(code__icontains=text)
        | Q(lei__iexact=text)
        | Q(uscc__iexact=text)
        | Q(gln__iexact=text)
    )
    return [
        Hit(
            name_of(one),
            str(one.get_kind_display()),
            reverse("portal:orders") + f"?with={one.code}",
        )
        for one in rows.order_by("name")[:LIMIT]
    ]

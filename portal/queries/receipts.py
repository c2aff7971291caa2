"""Warehouse receipts: those a reader may see, one of them, and what its acts may name."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import Http404

from lending.models import Facility
from logistics.models import Lot, ReceiptEntry, WarehouseReceipt
from logistics.states import ReceiptState, SiteKind
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind
from pledges.models import ClaimedReceipt, Position
from pledges.states import SuspensionReason
from portal.names import LABELLED
from portal.queries.inventory import visible_lots

STORES = (SiteKind.WAREHOUSE, SiteKind.FACTORY)


def _visible_receipts(actor: Actor) -> Q:
    own = WarehouseReceipt.objects.visible_to(actor).values("pk")
    return Q(pk__in=own) | Q(lot__in=visible_lots(actor))


def list_receipts(actor: Actor, facility: Facility | None) -> list[WarehouseReceipt]:
    """Return the receipts that the actor may see, newest first; of one borrower's goods if named.

    `pledged` tells whether a claim rests on it that the actor may see.
    """
    seen = ClaimedReceipt.objects.filter(
        receipt=OuterRef("pk"),
        lifted_at__isnull=True,
        position__in=Position.objects.visible_to(actor),
    )
    receipts = WarehouseReceipt.objects.filter(_visible_receipts(actor))
    if facility is not None:
        receipts = receipts.filter(depositor_id=facility.borrower_id)
    return list(
        receipts.annotate(pledged=Exists(seen))
        .select_related("operator", "holder", "lot__item", "lot__site")
        .order_by("-issued_on", "-pk")
    )


@dataclass(frozen=True, slots=True)
class ReceiptDetail:
    """One receipt, its journal, the receipts before and after it, and who claims it."""

    receipt: WarehouseReceipt
    entries: list[ReceiptEntry]
    came_from: list[ReceiptEntry]
    claims: list[ClaimedReceipt]
    alike: bool
    unpapered: bool

    @property
    def is_pledged(self) -> bool:
        """Whether a claim rests on it that the actor may see."""
        return any(one.lifted_at is None for one in self.claims)


def get_receipt(actor: Actor, receipt_id: int) -> ReceiptDetail:
    """Return one receipt (six queries); 404 for strangers. Claims: those of the actor's own."""
    receipt = (
        WarehouseReceipt.objects.filter(_visible_receipts(actor), pk=receipt_id)
        .select_related("operator", "holder", "depositor", "lot__item", "lot__site", "site")
        .first()
    )
    if receipt is None:
        raise Http404
    seen = Facility.objects.visible_to(actor)
    return ReceiptDetail(
        receipt=receipt,
        entries=list(receipt.entries.select_related("other", "from_holder", "to_holder")),
        came_from=list(receipt.origins.select_related("receipt")),
        claims=list(
            receipt.claims.filter(position__facility__in=seen).select_related(
                "position__facility", "position__tenant"
            )
        ),
        alike=_alike(actor, receipt).exists(),
        unpapered=_unpapered(actor, receipt).exists(),
    )


def list_alike(actor: Actor, receipt: WarehouseReceipt) -> list[WarehouseReceipt]:
    """Return the other receipts that could be joined with one: for the same lot and holder."""
    return list(_alike(actor, receipt).select_related("lot__item").order_by("number"))


def _alike(actor: Actor, receipt: WarehouseReceipt) -> QuerySet[WarehouseReceipt]:
    others = WarehouseReceipt.objects.filter(
        _visible_receipts(actor),
        lot_id=receipt.lot_id,
        holder_id=receipt.holder_id,
        state=ReceiptState.ISSUED,
    )
    return others.exclude(pk=receipt.pk)


def list_houses(actor: Actor) -> list[Organisation]:
    """Return to whom goods or papers can be handed on: everybody but the platform."""
    houses = Organisation.objects.visible_to(actor).exclude(kind=OrganisationKind.PLATFORM)
    return list(houses.order_by("name", "pk"))


def list_pledging(actor: Actor, receipt: WarehouseReceipt) -> list[Facility]:
    """Return the facilities of the reader's house that a receipt's goods may secure."""
    mine = Facility.objects.visible_to(actor).filter(
        tenant_id=actor.organisation_id, borrower_id=receipt.lot.owner_id
    )
    return list(mine.select_related("tenant", "borrower").order_by("code"))


def list_unpapered(actor: Actor, receipt: WarehouseReceipt) -> list[Position]:
    """Return the reader's positions in a receipt's lot whose own receipt became void."""
    void = _unpapered(actor, receipt).select_related(*LABELLED)
    return list(void.distinct().order_by("opened_at", "pk"))


def _unpapered(actor: Actor, receipt: WarehouseReceipt) -> QuerySet[Position]:
    return Position.objects.visible_to(actor).filter(
        tenant_id=actor.organisation_id,
        lot_id=receipt.lot_id,
        suspensions__reason=SuspensionReason.RECEIPT,
        suspensions__lifted_at__isnull=True,
    )


@dataclass(frozen=True, slots=True)
class Outside:
    """A lot and how much of it no receipt stands for."""

    lot: Lot
    free: Decimal

    @property
    def pk(self) -> int:
        """The lot's key."""
        return self.lot.pk


def list_outside(actor: Actor, facility: Facility | None) -> list[Outside]:
    """Return the lots in store for which receipts can be issued, with how much (one query)."""
    issued = Q(receipts__state=ReceiptState.ISSUED)
    lots = visible_lots(actor).filter(site__kind__in=STORES, on_hand__gt=0)
    if facility is not None:
        lots = lots.filter(owner_id=facility.borrower_id)
    lots = lots.annotate(
        outside=F("on_hand") - Coalesce(Sum("receipts__quantity", filter=issued), Decimal(0))
    )
    rows = lots.filter(outside__gt=0).select_related("item", "site", "owner")
    return [Outside(lot, lot.outside) for lot in rows.order_by("site__name", "-received_on", "pk")]

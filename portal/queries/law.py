"""What is on file for a facility, and warehouse receipts with what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q
from django.http import Http404

from lending.models import Facility
from logistics.models import Lot, ReceiptEntry, WarehouseReceipt
from parties.actors import Actor
from pledges.models import (
    ClaimedReceipt,
    ControlEvidence,
    InsurancePolicy,
    PurchaseMoneyNotice,
    Registration,
    RegistrationEntry,
)
from pledges.rules.jurisdictions import law_of
from pledges.services.site_duties import AT_A_SITE
from portal.queries.inventory import visible_lots


@dataclass(frozen=True, slots=True)
class OnFile:
    """Everything the law asks for, of one facility."""

    registrations: list[Registration]
    entries: list[RegistrationEntry]
    policies: list[InsurancePolicy]
    evidence: list[ControlEvidence]
    notices: list[PurchaseMoneyNotice]
    receipts: list[WarehouseReceipt]
    windows: list[Lot]


def get_on_file(actor: Actor, facility: Facility, *, on: date) -> OnFile:
    """Return what is on file (nine queries); nothing of a facility the actor may not see."""
    seen = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    registrations = list(Registration.objects.filter(facility__in=seen).order_by("-filed_on"))
    return OnFile(
        registrations=registrations,
        entries=list(
            RegistrationEntry.objects.filter(registration__in=registrations)
            .select_related("registration")
            .order_by("-id")
        ),
        policies=list(
            InsurancePolicy.objects.filter(facility__in=seen)
            .prefetch_related("sites__site")
            .order_by("-until_on")
        ),
        evidence=list(
            ControlEvidence.objects.filter(facility__in=seen)
            .select_related("site")
            .order_by("-valid_until")
        ),
        notices=list(
            PurchaseMoneyNotice.objects.filter(facility__in=seen)
            .select_related("supplier", "lot__item")
            .order_by("-registered_on")
        ),
        receipts=list_receipts(actor, facility),
        windows=list_open_windows(actor, facility, on=on),
    )


def list_open_windows(actor: Actor, facility: Facility, *, on: date) -> list[Lot]:
    """Return the facility's lots whose supplier may still register a security that outranks."""
    seen = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    first = on - timedelta(days=law_of(facility.jurisdiction).purchase_money_days)
    lots = Lot.objects.filter(
        positions__facility__in=seen,
        positions__remaining__gt=0,
        positions__right__in=AT_A_SITE,
        received_on__gte=first,
        received_on__lte=on,
    )
    return list(lots.select_related("item", "site").distinct().order_by("received_on", "pk"))


def _visible_receipts(actor: Actor) -> Q:
    own = WarehouseReceipt.objects.visible_to(actor).values("pk")
    return Q(pk__in=own) | Q(lot__in=visible_lots(actor))


def list_receipts(actor: Actor, facility: Facility) -> list[WarehouseReceipt]:
    """Return the receipts for the borrower's goods that the actor may see, newest first."""
    receipts = WarehouseReceipt.objects.filter(_visible_receipts(actor))
    return list(
        receipts.filter(depositor_id=facility.borrower_id)
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


def get_receipt(actor: Actor, receipt_id: int) -> ReceiptDetail:
    """Return one receipt (four queries); 404 for strangers. Claims: those of the actor's own."""
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
    )

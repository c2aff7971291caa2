"""What is on file for a facility, and where control of the goods is to be evidenced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max

from lending.models import Facility
from logistics.models import Lot, Site, WarehouseReceipt
from logistics.states import SiteKind
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind
from pledges.models import (
    ControlEvidence,
    InsurancePolicy,
    Position,
    PurchaseMoneyNotice,
    Registration,
    RegistrationEntry,
)
from pledges.rules.jurisdictions import law_of
from pledges.services.site_duties import AT_A_SITE
from portal.names import joined, name_of
from portal.queries.inventory import visible_lots
from portal.queries.receipts import list_receipts

MOST_SHOWN = 200


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


@dataclass(frozen=True, slots=True)
class Duty:
    """Goods of one facility at one place: the control of their keeper is to be evidenced."""

    facility: Facility
    site: Site
    valid_until: date | None

    @property
    def pk(self) -> str:
        """What tells it apart."""
        return f"{self.facility.pk}-{self.site.pk}"

    @property
    def label(self) -> str:
        """The place, for whom the goods are kept, and whose they are."""
        sides = (name_of(self.facility.tenant), name_of(self.facility.borrower))
        return joined(name_of(self.site), " / ".join(sides))


def list_duties(actor: Actor, facility: Facility | None = None) -> list[Duty]:
    """Return where goods lie for a lender, as far as the actor sees them (four queries).

    A keeper sees the places it runs, a lender and a borrower those of their facilities.
    """
    seen = Position.objects.visible_to(actor).live().filter(right__in=AT_A_SITE)
    if facility is not None:
        seen = seen.filter(facility=facility)
    pairs = sorted(set(seen.values_list("facility_id", "lot__site_id")))
    facilities = Facility.objects.select_related("tenant", "borrower").in_bulk(
        {facility_id for facility_id, _site in pairs}
    )
    sites = Site.objects.select_related("operator").in_bulk({site for _facility, site in pairs})
    evidence = ControlEvidence.objects.filter(facility__in=facilities, site__in=sites)
    last = {
        (facility_id, site_id): valid_until
        for facility_id, site_id, valid_until in evidence.values_list("facility_id", "site_id")
        .annotate(Max("valid_until"))
        .order_by()
    }
    return [Duty(facilities[one], sites[at], last.get((one, at))) for one, at in pairs]


def list_evidence(actor: Actor) -> list[ControlEvidence]:
    """Return the latest evidence of control that the actor may see."""
    found = ControlEvidence.objects.visible_to(actor).select_related("site", "tenant")
    return list(found.order_by("-taken_at", "-pk")[:MOST_SHOWN])


def list_places(actor: Actor) -> list[Site]:
    """Return the places where goods can be kept."""
    places = Site.objects.visible_to(actor).exclude(kind=SiteKind.VEHICLE)
    return list(places.order_by("name", "pk"))


def list_suppliers(actor: Actor) -> list[Organisation]:
    """Return the houses that deliver goods."""
    found = Organisation.objects.visible_to(actor).filter(kind=OrganisationKind.SUPPLIER)
    return list(found.order_by("name", "pk"))


def list_lots_of(actor: Actor, facility: Facility) -> list[Lot]:
    """Return the borrower's lots with anything on hand, the latest first."""
    mine = visible_lots(actor).filter(owner_id=facility.borrower_id, on_hand__gt=0)
    return list(mine.select_related("item", "site").order_by("-received_on", "-pk"))

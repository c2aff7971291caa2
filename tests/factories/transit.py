"""Goods under way, losses and reversals, reached through the real verbs."""

from datetime import date, datetime
from decimal import Decimal

from logistics.models import Lot, Shipment, Site
from logistics.services.shipments import Title
from logistics.services.stock import adjust_count
from logistics.states import SiteKind
from parties.actors import Actor
from pledges.models import Conversion, Position
from pledges.services.conversion import Take
from pledges.services.cover import Requirement
from pledges.services.reversal import reverse
from pledges.services.sale import Back, give_back, sell
from pledges.services.transit import (
    Discharge,
    Loading,
    Unloaded,
    arrive,
    record_arrival,
    ship,
)
from pledges.services.warehouse import Arrival
from tests.factories.lending import START
from tests.factories.logistics import make_site, unique
from tests.factories.parties import NOW, SYSTEM, make_carrier
from tests.factories.pledges import EVIDENCE, Vault


def make_vehicle() -> Site:
    """Return a vehicle run by a carrier of its own."""
    return make_site(kind=SiteKind.VEHICLE, operator=make_carrier())


def loading(vault: Vault, vehicle: Site, **title: object) -> Loading:
    """Return a carrier's report of loading goods for the vault's warehouse."""
    values = {
        "bill_number": unique("BL"),
        "carrier": vehicle.operator,
        "vehicle": vehicle,
        "destination": vault.warehouse,
        "holder": vault.desk.facility.tenant,
    } | title
    return Loading(
        title=Title(**values),  # type: ignore[arg-type]
        source=vehicle.operator,
        reference=unique("LOAD"),
        occurred_at=NOW,
    )


def load(
    vault: Vault, *goods: Take, vehicle: Site | None = None, **title: object
) -> tuple[Shipment, list[Position]]:
    """Ship pledged goods in a vehicle (a new one unless given)."""
    with vault.act(cause="ship") as act:
        return ship(
            act=act, goods=goods, loading=loading(vault, vehicle or make_vehicle(), **title)
        )


def discharge(vault: Vault, *, site: Site | None = None) -> Discharge:
    """Return a warehouse's report of unloading goods."""
    place = site or make_site()
    return Discharge(site=place, source=place.operator, reference=unique("WR"), occurred_at=NOW)


def unload(vault: Vault, *goods: Unloaded, site: Site | None = None) -> list[Position]:
    """Unload goods in transit into a warehouse (a new one unless given)."""
    with vault.act(cause="arrive") as act:
        return arrive(act=act, goods=goods, discharge=discharge(vault, site=site))


def unload_short(
    vault: Vault, *goods: Unloaded, on: date = START, now: datetime = NOW
) -> list[Position]:
    """Record an arrival of which something is missing."""
    return record_arrival(
        facility=vault.desk.facility,
        goods=goods,
        discharge=discharge(vault),
        actor=vault.desk.team.operations,
        on=on,
        now=now,
    )


def count(lot: Lot, counted: Decimal | int, *, actor: Actor = SYSTEM, **told: object) -> Lot:
    """Report a custodian's count of a lot."""
    values = {
        "source": lot.site.operator,
        "reference": unique("CNT"),
        "occurred_at": NOW,
        "actor": actor,
        "now": NOW,
    } | told
    return adjust_count(lot=lot, counted=Decimal(counted), **values)  # type: ignore[arg-type]


def last(kind: str) -> Conversion:
    """Return the last conversion of a kind."""
    found = Conversion.objects.filter(kind=kind).order_by("occurred_at").last()
    assert found is not None
    return found


def undo(
    vault: Vault, conversion: Conversion, *, maker: Actor | None = None, **act: object
) -> list[Position]:
    """Reverse a conversion: asked by the preparer, decided by the approver."""
    with vault.act(cause="reverse", **act) as open_act:  # type: ignore[arg-type]
        return reverse(
            act=open_act,
            conversion_id=conversion.pk,
            maker_id=(maker or vault.desk.team.preparer).person_id or 0,
            reason="entered by mistake",
        )


def sold_phones(vault: Vault, quantity: Decimal | int) -> tuple[Position, Lot]:
    """Sell so much of a new pledge of 100 at 750 each; return the receivable and the lot."""
    position = vault.pledge(100)
    with vault.act(cause="sell") as act:
        receivable = sell(
            act=act,
            goods=[Take(position.pk, Decimal(quantity))],
            face=Decimal(quantity) * 750,
            advance_rate=Decimal("0.8"),
            label="invoice 7",
            carrier=make_carrier(),
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=EVIDENCE,
        )
    assert position.lot is not None
    return receivable, position.lot


def give_phones_back(
    vault: Vault, receivable: Position, lot: Lot, quantity: Decimal | int
) -> list[Position]:
    """Take so much of a sold lot back for 750 each."""
    with vault.act(cause="return", requirement=Requirement.NONE) as act:
        return give_back(
            act=act,
            receivable=Take(receivable.pk, Decimal(quantity) * 750),
            goods=[Back(lot, Decimal(quantity))],
            store=store_of(vault),
            evidence=EVIDENCE,
        )


def store_of(vault: Vault, *, lot_number: str = "") -> Arrival:
    """Return the warehouse's report that goods came back."""
    return Arrival(
        site=vault.warehouse,
        lot_number=lot_number,
        source=vault.warehouse.operator,
        reference=unique("WR"),
        occurred_at=NOW,
    )

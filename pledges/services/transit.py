"""`ship` and `arrive`: pledged goods under way, in a carrier's hands under a document of title."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from lending.models import Facility
from logistics.models import Lot, Shipment, Site, StockAct
from logistics.services.acts import reported_act
from logistics.services.shipments import Title, load_shipment, unload_goods
from logistics.services.stock import adjust_count
from parties.actors import Actor
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, NothingToConvert, Take, Taken, convert, take
from pledges.services.cover import CoverAct, covering
from pledges.services.goods import lot_of, secured_makes
from pledges.states import ConversionKind, Right


class NotTheHoldersDocument(Refusal):
    """Goods under way secure a lender who holds their document of title."""

    code = "not_the_holders_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """The carrier's report that goods were loaded, under its reference, or who saw it."""

    title: Title
    source: Organisation
    reference: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Unloaded:
    """How much of a position in transit came in, as which lot, and how much is not there."""

    position_id: UUID
    arrived: Decimal
    missing: Decimal = Decimal(0)
    lot_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge:
    """The report that goods were unloaded at a warehouse, by it or by the carrier."""

    site: Site
    source: Organisation
    reference: str
    occurred_at: datetime


def ship(
    *, act: CoverAct, goods: Sequence[Take], loading: Loading
) -> tuple[Shipment, list[Position]]:
    """Turn pledged goods into goods in transit as they are loaded into the carrier's vehicle.

    The hold goes with them; the lender holds the document of title. Returns the shipment and the
    new positions, a line each. Raises NotTheHoldersDocument, and what `load_shipment` refuses.
    """
    _require_holder(act, loading.title)
    taken = take(act=act, kind=ConversionKind.SHIP, takes=goods)
    shipment = load_shipment(
        title=loading.title,
        goods=[(lot_of(one), one.quantity) for one in taken],
        source=loading.source,
        reference=loading.reference,
        occurred_at=loading.occurred_at,
        actor=act.actor,
        now=act.now,
    )
    lines = list(shipment.lines.select_related("lot__site", "lot__item", "loading"))
    positions = convert(
        act=act,
        kind=ConversionKind.SHIP,
        taken=taken,
        makes=[
            make
            for one, line in zip(taken, lines, strict=True)
            for make in secured_makes([(line.lot, one.quantity)], Right.IN_TRANSIT, one.position)
        ],
        evidence=Evidence("bill_of_lading", shipment.bill_number, _journey(loading.title)),
        moved=[line.loading for line in lines],
    )
    return shipment, positions


def _require_holder(act: CoverAct, title: Title) -> None:
    if title.holder.pk != act.facility.tenant_id:
        raise NotTheHoldersDocument(
            message=_("%(number)s is not held by the lender") % {"number": title.bill_number},
            field="holder",
        )


def _journey(title: Title) -> dict[str, str]:
    return {
        "carrier": title.carrier.name,
        "vehicle": title.vehicle.name,
        "destination": title.destination.name,
    }


def arrive(*, act: CoverAct, goods: Sequence[Unloaded], discharge: Discharge) -> list[Position]:
    """Turn goods in transit into pledged ones as they are unloaded into a warehouse.

    What has not come in stays in transit. Returns the new pledges in the order of `goods`;
    missing goods are no part of this act (see `record_arrival`).
    """
    takes = [Take(one.position_id, one.arrived) for one in goods]
    taken = {one.position.pk: one for one in take(act=act, kind=ConversionKind.ARRIVE, takes=takes)}
    ordered = [taken[one.position_id] for one in goods]
    unloaded = [
        _unload(act, one, report.lot_number, f"{discharge.reference}/{number}", discharge)
        for number, (one, report) in enumerate(zip(ordered, goods, strict=True), start=1)
    ]
    return convert(
        act=act,
        kind=ConversionKind.ARRIVE,
        taken=ordered,
        makes=[
            make
            for one, (lot, _moved) in zip(ordered, unloaded, strict=True)
            for make in secured_makes([(lot, one.quantity)], Right.PLEDGE, one.position)
        ],
        evidence=Evidence("warehouse_receipt", discharge.reference, {"site": discharge.site.name}),
        moved=[moved for _lot, moved in unloaded],
    )


def _unload(
    act: CoverAct, one: Taken, lot_number: str | None, reference: str, discharge: Discharge
) -> tuple[Lot, StockAct]:
    lot = unload_goods(
        lot=lot_of(one),
        to_site=discharge.site,
        quantity=one.quantity,
        lot_number=lot_number,
        source=discharge.source,
        reference=reference,
        occurred_at=discharge.occurred_at,
        actor=act.actor,
        now=act.now,
    )
    return lot, reported_act(source=discharge.source, reference=reference)


@transaction.atomic
def record_arrival(
    *,
    facility: Facility,
    goods: Sequence[Unloaded],
    discharge: Discharge,
    actor: Actor,
    on: date,
    now: datetime,
) -> list[Position]:
    """Take in what a carrier brought and write off what it did not; return the new pledges.

    Two acts on cover in one transaction: the arrival, which changes no value, and the loss, which
    nobody chose: it is recorded, the lender alerted and a margin call opened as it follows, but
    never refused. Missing goods are a count of the vehicle, by who reports the arrival if it is
    the carrier or a lender, else in the carrier's name.
    """
    if any(one.arrived < 0 or one.missing < 0 for one in goods):
        raise NothingToConvert(message=_("name a quantity above zero"), field="quantity")
    came = [one for one in goods if one.arrived]
    positions: list[Position] = []
    if came:
        with covering(facility_id=facility.pk, cause="arrive", actor=actor, on=on, now=now) as act:
            positions = arrive(act=act, goods=came, discharge=discharge)
    for number, one in enumerate(goods, start=1):
        if one.missing:
            _count_short(facility, one, f"{discharge.reference}/-{number}", discharge, actor, now)
    return positions


def _count_short(
    facility: Facility,
    one: Unloaded,
    reference: str,
    discharge: Discharge,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter that goods are not in the vehicle; the loss follows (see `losses`)."""
    positions = facility.positions.select_related("lot__site__operator", "lot__item")
    lot = positions.get(pk=one.position_id).lot
    assert lot is not None
    adjust_count(
        lot=lot,
        counted=lot.on_hand - one.missing,
        source=lot.site.operator,
        reference=reference,
        occurred_at=discharge.occurred_at,
        evidence={"short_arrival": discharge.reference, "site": discharge.site.name},
        actor=actor,
        now=now,
    )

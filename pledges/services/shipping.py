"""Loading, arrival and loss as people report them: one act each, by who may say so."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal
from lending.models import Facility
from lending.services.acts import require_lender
from logistics.models import Lot, Shipment, ShipmentLine
from logistics.rules.quantities import show
from logistics.services.acts import REPORTERS
from logistics.services.shipments import unload_goods
from logistics.services.stock import adjust_count
from parties.actors import Actor
from parties.services.authority import require_role
from pledges.models import Position
from pledges.services.conversion import Take
from pledges.services.cover import covering
from pledges.services.registrations import FILERS
from pledges.services.transit import Discharge, Loading, Unloaded, record_arrival, ship
from pledges.states import Right


class NotYourShipment(Refusal):
    """A shipment is reported by its carrier, by the place it goes to, or by who holds its bill."""

    code = "not_your_shipment"


class NotSoMuchUnderWay(Refusal):
    """More was reported than is in the vehicle."""

    code = "not_so_much_under_way"


def ship_pledged(
    *,
    facility: Facility,
    goods: Sequence[Take],
    loading: Loading,
    actor: Actor,
    on: date,
    now: datetime,
) -> Shipment:
    """Enter that pledged goods were loaded under a bill that the lender holds.

    By the lender's people: pledged goods leave their store on its word alone. Raises
    NotYourFacility, NotAllowed and what `ship` raises.
    """
    with covering(facility_id=facility.pk, cause="ship", actor=actor, on=on, now=now) as act:
        require_lender(actor, act.facility, *FILERS)
        shipment, _positions = ship(act=act, goods=goods, loading=loading)
        return shipment


@transaction.atomic
def record_unloading(
    *,
    line: ShipmentLine,
    arrived: Decimal,
    lot_number: str | None,
    discharge: Discharge,
    actor: Actor,
    on: date,
    now: datetime,
) -> Lot:
    """Enter that goods of one line came in at a place; what secured a lender is pledged there.

    Return the lot they are in. Raises NotYourShipment, NotSoMuchUnderWay and what
    `record_arrival` and `unload_goods` raise.
    """
    _require_party(actor, line.shipment, receives=True)
    _require_under_way(line, arrived)
    claims = _claims_on(line)
    if not claims:
        told = {"source": discharge.source, "reference": discharge.reference}
        return unload_goods(
            lot=line.lot,
            to_site=discharge.site,
            quantity=arrived,
            lot_number=lot_number,
            occurred_at=discharge.occurred_at,
            actor=actor,
            now=now,
            **told,  # type: ignore[arg-type]  # both are named by `Told`
        )
    made = record_arrival(
        facility=claims[0].facility,
        goods=_shared_out(claims, arrived, lot_number),
        discharge=discharge,
        actor=actor,
        on=on,
        now=now,
    )
    lot = made[0].lot
    assert lot is not None
    return lot


def report_loss(
    *,
    line: ShipmentLine,
    missing: Decimal,
    reference: str,
    reason: str,
    occurred_at: datetime,
    actor: Actor,
    now: datetime,
) -> Lot:
    """Enter that goods of one line are gone from the vehicle; claims on them are written off.

    By the carrier, or by who holds the bill. The lender is alerted and a margin call opens as it
    follows. Raises NotYourShipment, NotSoMuchUnderWay and what `adjust_count` raises.
    """
    _require_party(actor, line.shipment, receives=False)
    _require_under_way(line, missing)
    return adjust_count(
        lot=line.lot,
        counted=line.lot.on_hand - missing,
        source=line.shipment.carrier,
        reference=reference,
        occurred_at=occurred_at,
        evidence={"loss": reason, "bill_of_lading": line.shipment.bill_number},
        actor=actor,
        now=now,
    )


def _require_party(actor: Actor, shipment: Shipment, *, receives: bool) -> None:
    """Refuse who is neither carrier nor holder of the bill, nor (of an arrival) its place."""
    require_role(actor, *REPORTERS)
    own = actor.organisation_id
    parties = {shipment.carrier_id, shipment.holder_id}
    if receives:
        parties.add(shipment.destination.operator_id)
    if not actor.sees_everything and own not in parties:
        raise NotYourShipment(
            message=_("%(bill)s is reported by its carrier, its receiver or its holder")
            % {"bill": shipment.bill_number},
            field="line",
        )


def _require_under_way(line: ShipmentLine, asked: Decimal) -> None:
    left = line.lot.on_hand
    if asked <= left:
        return
    unit = line.lot.item.unit
    raise NotSoMuchUnderWay(
        message=_("%(left)s are under way, not %(asked)s: too much by %(above)s")
        % {"left": show(left, unit), "asked": show(asked, unit), "above": show(asked - left, unit)},
        field="quantity",
        numbers={"left": left, "asked": asked, "above": asked - left},
    )


def _claims_on(line: ShipmentLine) -> list[Position]:
    """Return the positions in transit on a line's goods; they are of one facility."""
    live = Position.objects.live().filter(lot=line.lot, right=Right.IN_TRANSIT)
    return list(live.select_related("facility").order_by("opened_at", "pk"))


def _shared_out(
    claims: Sequence[Position], arrived: Decimal, lot_number: str | None
) -> list[Unloaded]:
    """Share an arrival out over the positions, the oldest first."""
    shares = []
    for claim in claims:
        part = min(arrived, claim.remaining)
        arrived -= part
        if part:
            shares.append(Unloaded(claim.pk, part, lot_number=lot_number))
    return shares

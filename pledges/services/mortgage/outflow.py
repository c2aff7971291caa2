"""`outflow`: goods leave in the ordinary course, without an act of the lender's, above a floor."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from logistics.hooks import Departure
from logistics.services.locking import lock_lots
from outbox.services.alerts import NewAlert, raise_alerts
from pledges.measure import controlled_value, judging_days
from pledges.models import ConversionLeg, FloatingMortgage, Position
from pledges.rules.controlled import is_abnormal
from pledges.services.conversion import Evidence, Take, Taken, convert, take
from pledges.services.cover import CoverAct, Requirement
from pledges.services.goods import released_makes
from pledges.states import ConversionKind, Direction, Right


@dataclass(frozen=True, slots=True)
class Lift:
    """So much of one facility's mortgaged position that is about to leave."""

    facility_id: int
    take: Take


def lifts_for(quantities: Mapping[int, Decimal], facility_ids: Collection[int]) -> list[Lift]:
    """Return what must be lifted so that these quantities are free; nothing if it cannot be.

    Free goods of a lot leave first, then the oldest claims of the facilities. Locks the lots.
    """
    short = {
        lot.pk: quantities[lot.pk] - lot.free
        for lot in lock_lots(quantities)
        if quantities[lot.pk] > lot.free
    }
    lifts = []
    for position in _mortgaged(short, facility_ids):
        part = min(short[position.lot_id or 0], position.remaining)
        if part > 0:
            short[position.lot_id or 0] -= part
            lifts.append(Lift(position.facility_id, Take(position.pk, part)))
    # Short of goods that may leave, none is lifted: the report is refused for what it asks.
    return [] if any(short.values()) else lifts


def _mortgaged(lot_ids: Collection[int], facility_ids: Collection[int]) -> list[Position]:
    found = Position.objects.live().filter(
        right=Right.FLOATING_MORTGAGE, lot_id__in=list(lot_ids), facility_id__in=list(facility_ids)
    )
    return list(found.order_by("opened_at", "pk"))


def let_out(
    *, act: CoverAct, mortgage: FloatingMortgage, takes: Sequence[Take], departure: Departure,
    inside: bool, follows: bool,
) -> list[Taken]:  # fmt: skip
    """Lift the mortgage from goods that leave; judged when the act ends (see `controlled`).

    `inside` goods stay with the class of goods (moved between named sites, used for its goods):
    they are no outflow to alert of. Goods that move on under the mortgage (`follows`) need no
    floor: nothing leaves.
    """
    act.cause = str(ConversionKind.OUTFLOW)
    act.require(Requirement.NOT_WORSE)
    if not follows:
        act.keep_floor()
    taken = take(act=act, kind=ConversionKind.OUTFLOW, takes=takes)
    convert(
        act=act,
        kind=ConversionKind.OUTFLOW,
        taken=taken,
        makes=released_makes(taken),
        evidence=Evidence(
            f"goods_{departure.kind}",
            departure.reference,
            {"mortgage": mortgage.number, "inside": inside, "follows": follows},
        ),
    )
    return taken


def outflow_since(*, facility_id: int, after: date, until: date) -> Decimal:
    """Return the market value that left the class of goods in the days (after, until]."""
    inside = Q(conversion__evidence__inside=True)
    legs = ConversionLeg.objects.filter(
        conversion__facility_id=facility_id,
        conversion__kind=ConversionKind.OUTFLOW,
        conversion__business_date__gt=after,
        conversion__business_date__lte=until,
        direction=Direction.CONSUMED,
    ).exclude(inside)
    return Decimal(legs.aggregate(total=Sum("market_value", default=Decimal(0)))["total"])


def watch_outflow(*, mortgage: FloatingMortgage, on: date, now: datetime) -> bool:
    """Alert the lender, once a day, of more outflow than agreed; tell whether it was abnormal."""
    facility_id = mortgage.facility_id
    since = on - timedelta(days=mortgage.outflow_window_days)
    outflow = outflow_since(facility_id=facility_id, after=since, until=on)
    [priced_on] = judging_days(on=on, facility_ids=[facility_id])
    controlled = controlled_value(as_of=priced_on, facility_id=facility_id)
    share = mortgage.outflow_alert_share
    if not is_abnormal(outflow=outflow, controlled=controlled, share=share):
        return False
    payload = {
        "mortgage": mortgage.number,
        "facility": mortgage.facility.code,
        "currency": mortgage.facility.currency,
        "outflow": outflow,
        "controlled": controlled,
        "share": share,
        "days": mortgage.outflow_window_days,
        "on": on,
    }
    alert = NewAlert(
        organisation_id=mortgage.tenant_id,
        topic="pledges.abnormal_outflow",
        aggregate="facility",
        aggregate_id=facility_id,
        key=f"abnormal-outflow:{mortgage.pk}:{on.isoformat()}",
        payload=payload,
    )
    raise_alerts([alert], now=now)
    return True

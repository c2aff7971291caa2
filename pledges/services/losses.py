"""`lose`: goods that were destroyed, stolen or not found are written off, and lenders alerted.

A custodian's count below the claims on a lot shrinks them: pro rata over the lot's positions,
across all lenders, because nobody can say whose goods are the missing ones.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal

from common.money import allocate
from logistics.hooks import Departure
from logistics.models import Lot, StockAct
from logistics.rules.quantities import QUANTUM, is_countable
from logistics.services.locking import lock_lots
from logistics.states import StockActKind
from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import Position
from pledges.services.conversion import Evidence, Make, Take, convert, take
from pledges.services.cover import CoverAct, Requirement, covering
from pledges.services.goods import lot_of
from pledges.states import PROPERTY_RIGHTS, ConversionKind, Right

ONE_PIECE = Decimal(1)


def lose(
    *,
    act: CoverAct,
    goods: Sequence[Take],
    evidence: Evidence,
    reason: str = "",
    found_by: Sequence[StockAct] = (),
) -> list[Position]:
    """Write off goods that are gone; the lender's desk is alerted.

    Nobody chose it: open the act with Requirement.NONE, so that it is recorded, and called, but
    never refused. Who takes the goods off the books (a count) does so in the same transaction:
    from here on nothing holds them.
    """
    taken = take(act=act, kind=ConversionKind.LOSE, takes=goods)
    makes = [
        Make(
            right=Right.WRITTEN_OFF,
            quantity=one.quantity,
            unit=one.position.unit,
            label=one.position.label,
            lot=one.position.lot,
            parent=one.position,
        )
        for one in taken
    ]
    positions = convert(
        act=act,
        kind=ConversionKind.LOSE,
        taken=taken,
        makes=makes,
        evidence=evidence,
        reason=reason,
        moved=found_by,
    )
    _alert(act, positions, evidence, [lot_of(one) for one in taken])
    return positions


def _alert(
    act: CoverAct, lost: Sequence[Position], evidence: Evidence, lots: Sequence[Lot]
) -> None:
    raise_alerts(
        [
            NewAlert(
                organisation_id=act.facility.tenant_id,
                topic="pledges.goods_lost",
                aggregate="position",
                aggregate_id=position.pk,
                key=f"lost:{position.pk}",
                severity=Severity.URGENT,
                payload={
                    "facility": act.facility.code,
                    "label": position.label,
                    "quantity": position.quantity,
                    "unit": position.unit,
                    "site": lot.site.name,
                    "evidence": evidence.reference,
                    "by": act.actor.label,
                },
            )
            for position, lot in zip(lost, lots, strict=True)
        ],
        now=act.now,
    )


def goods_counted(*, departure: Departure, actor: Actor, now: datetime) -> None:
    """Shrink the claims on lots that were counted short, before logistics tests the count.

    Called by logistics while no lot is locked: locks the facilities, then the lots. A facility
    that claims goods of the lot between the two looks makes the count fail (CountBelowClaims);
    told again it succeeds.
    """
    if departure.kind != StockActKind.COUNTED:
        return
    concerned = _claims_on(_short_lots(departure))
    facility_ids = sorted({position.facility_id for position in concerned})
    with ExitStack() as acts:
        opened = {
            facility_id: acts.enter_context(
                covering(
                    facility_id=facility_id,
                    cause="lose",
                    actor=actor,
                    on=now.date(),
                    now=now,
                    requirement=Requirement.NONE,
                )
            )
            for facility_id in facility_ids
        }
        _write_off(opened, departure)


def _short_lots(departure: Departure) -> list[int]:
    """Return the lots of which more is claimed than was found, as seen before any lock."""
    seen = Lot.objects.in_bulk(list(departure.counted))
    return [
        pk for pk, found in departure.counted.items() if pk in seen and seen[pk].claimed > found
    ]


def _claims_on(lot_ids: Sequence[int]) -> list[Position]:
    live = Position.objects.live().filter(right__in=PROPERTY_RIGHTS, lot_id__in=lot_ids)
    return list(live.order_by("opened_at", "pk"))


def _write_off(acts: Mapping[int, CoverAct], departure: Departure) -> None:
    found_by = list(StockAct.objects.filter(pk__in=[departure.act_id]))
    for lot in lock_lots(departure.counted):
        short = lot.claimed - departure.counted[lot.pk]
        claims = [one for one in _claims_on([lot.pk]) if one.facility_id in acts]
        if short <= 0 or not claims:
            continue
        shares = shares_of_loss(short, [one.remaining for one in claims], unit=lot.item.unit)
        for facility_id, act in acts.items():
            goods = _takes(claims, shares, facility_id)
            if goods:
                lose(
                    act=act,
                    goods=goods,
                    evidence=Evidence(
                        "count",
                        departure.reference,
                        {"site": lot.site.name, "counted": str(departure.counted[lot.pk])},
                    ),
                    found_by=found_by,
                )


def _takes(
    claims: Sequence[Position], shares: Mapping[int, Decimal], facility_id: int
) -> list[Take]:
    return [
        Take(one.pk, shares[number])
        for number, one in enumerate(claims)
        if one.facility_id == facility_id and shares[number]
    ]


def shares_of_loss(short: Decimal, claims: Sequence[Decimal], *, unit: str) -> dict[int, Decimal]:
    """Split a loss over claims pro rata by largest remainder, in pieces or millionths of a unit."""
    step = ONE_PIECE if not is_countable(QUANTUM, unit) else QUANTUM
    whole = min(short, sum(claims, Decimal(0)))
    return dict(enumerate(allocate(whole, claims, step=step)))

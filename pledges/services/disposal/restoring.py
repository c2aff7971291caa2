"""What would have to be sold of a facility's collateral, at live values: the restoring size."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from lending.models import Facility
from pledges.measure import UnitValue, unit_values
from pledges.models import DisposalItem, Position
from pledges.rules.liquidation import Asset, Plan, closes, restoring_plan, smallest_part
from pledges.states import LIVE_RIGHTS, ParcelState, Right

# Cash in the controlled account needs no sale: it is applied.
SALEABLE = frozenset(LIVE_RIGHTS - {Right.PROCEEDS})


def saleable_positions(facility: Facility) -> list[Position]:
    """Return what may be sold under a default: everything live but cash, oldest first."""
    live = facility.positions.live().filter(right__in=SALEABLE)
    return list(live.select_related("lot__item", "lot__site"))


def for_sale_already(positions: Collection[Position]) -> dict[object, Decimal]:
    """Return how much of each position other lots have up for sale (one query)."""
    rows = (
        DisposalItem.objects.filter(position__in=positions, lot__state=ParcelState.OFFERED)
        .values("position_id")
        .annotate(sum=Sum("quantity"))
        .order_by()
    )
    return {row["position_id"]: row["sum"] for row in rows}


def asset_of(
    position: Position, value: UnitValue, *, quantity: Decimal, net_share: Decimal
) -> Asset:
    """Return a position as something to sell at a share of its live value."""
    return Asset(
        key=position.pk,
        quantity=quantity,
        step=smallest_part(position.unit),
        market=value.market,
        lending=value.lending,
        net_share=net_share,
    )


def plan_restoring(
    *, facility: Facility, shortfall: Decimal, net_share: Decimal, as_of: date
) -> Plan:
    """Return the least that restores the cover beside what is up for sale already.

    Lots on the market are counted with what they are expected to bring. Four queries.
    """
    positions = saleable_positions(facility)
    values = unit_values(as_of=as_of, position_ids=[one.pk for one in positions])
    taken = for_sale_already(positions)
    left = max(Decimal(0), shortfall - expected_from_lots(facility, as_of=as_of))
    assets = [
        asset_of(
            one,
            values[one.pk],
            quantity=one.remaining - taken.get(one.pk, Decimal(0)),
            net_share=net_share,
        )
        for one in positions
        if values[one.pk].market > 0
    ]
    return restoring_plan(assets, shortfall=left)


def expected_from_lots(facility: Facility, *, as_of: date) -> Decimal:
    """Return by how much the lots on the market are expected to close the shortfall."""
    items = list(
        DisposalItem.objects.filter(
            lot__case__facility=facility, lot__state=ParcelState.OFFERED
        ).select_related("lot")
    )
    values = unit_values(as_of=as_of, position_ids=[item.position_id for item in items])
    return sum(
        (
            closes(
                item.quantity,
                price=values[item.position_id].market * item.lot.expected_share,
                lending=values[item.position_id].lending,
            )
            for item in items
        ),
        Decimal(0),
    )


def least_step(assets: Sequence[tuple[Asset, Decimal]]) -> Decimal:
    """Return the smallest amount by which selling one step less of something closes less."""
    gains = [
        closes(quantity, price=asset.price, lending=asset.lending)
        - closes(quantity - asset.step, price=asset.price, lending=asset.lending)
        for asset, quantity in assets
    ]
    return min(gains)

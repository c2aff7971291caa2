"""`attach`: goods of the class come under the mortgage as they are received."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db.models import F

from logistics.models import Lot
from logistics.services.locking import lock_lots
from pledges.models import FloatingMortgage, Position
from pledges.services.conversion import Evidence, convert
from pledges.services.cover import CoverAct
from pledges.services.goods import secured_makes
from pledges.services.mortgage.fixing import fix
from pledges.services.mortgage.scope import scope_of
from pledges.states import ConversionKind, MortgageState, Right

WHOLE_DEDUCTION = Decimal(1)


def attach(
    *,
    act: CoverAct,
    mortgage: FloatingMortgage,
    goods: Sequence[tuple[Lot, Decimal]],
    evidence: Evidence,
    parent: Position | None = None,
) -> list[Position]:
    """Bring free goods under the mortgage; their lots are locked.

    Goods of which nothing is left by quality are left alone. Under a crystallised mortgage they
    are fixed in the same act. The caller has made sure that the mortgage names them.
    """
    worth = [
        (lot, quantity)
        for lot, quantity in goods
        if quantity > 0 and lot.quality_deduction < WHOLE_DEDUCTION
    ]
    if not worth:
        return []
    positions = convert(
        act=act,
        kind=ConversionKind.ATTACH,
        taken=[],
        makes=secured_makes(worth, Right.FLOATING_MORTGAGE, parent),
        evidence=evidence,
    )
    if mortgage.state == MortgageState.CRYSTALLISED:
        return fix(act=act, positions=positions, evidence=evidence, reason=mortgage.cause)
    return positions


def attach_stock(
    *,
    act: CoverAct,
    mortgage: FloatingMortgage,
    on: date,
    item_id: int | None = None,
    site_id: int | None = None,
) -> list[Position]:
    """Bring what lies free at the named sites, of the named items, under the mortgage.

    Only of one item or at one site if asked: what was just named.
    """
    scope = scope_of(mortgage, on)
    lots = Lot.objects.filter(
        owner_id=scope.borrower_id,
        item_id__in=scope.items if item_id is None else scope.items & {item_id},
        site_id__in=scope.sites if site_id is None else scope.sites & {site_id},
        on_hand__gt=F("claimed"),
    )
    found = lock_lots(lots.values_list("pk", flat=True))
    return attach(
        act=act,
        mortgage=mortgage,
        goods=[(lot, lot.free) for lot in found],
        evidence=Evidence("stock_on_hand", mortgage.number),
    )

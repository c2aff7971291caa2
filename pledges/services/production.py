"""`transform`: mortgaged materials become mortgaged (or pledged) finished goods."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from logistics.models import Item, Lot, Site
from logistics.services.stock import record_production
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import goods_make
from pledges.states import ConversionKind, Right


def transform(
    *,
    act: CoverAct,
    materials: Sequence[Take],
    site: Site,
    product: Item,
    lot_number: str,
    quantity: Decimal,
    source: Organisation,
    reference: str,
    occurred_at: datetime,
    right: Right = Right.FLOATING_MORTGAGE,
) -> Position:
    """Consume mortgaged materials and take the finished goods in their place.

    The quantities tie to the product's bill of materials within its agreed loss, or logistics
    refuses (ProductionDoesNotTie, per material). The evidence is the production event.
    """
    taken = take(act=act, kind=ConversionKind.TRANSFORM, takes=materials)
    lot = record_production(
        site=site,
        product=product,
        product_lot_number=lot_number,
        quantity=quantity,
        consumed=[(_lot(one.position), one.quantity) for one in taken],
        owner=act.facility.borrower,
        source=source,
        reference=reference,
        occurred_at=occurred_at,
        actor=act.actor,
        now=act.now,
    )
    [position] = convert(
        act=act,
        kind=ConversionKind.TRANSFORM,
        taken=taken,
        makes=[goods_make(lot, quantity, right)],
        evidence=Evidence("production", reference, {"site": site.name, "product": product.name}),
    )
    return position


def _lot(position: Position) -> Lot:
    """Return the lot of a goods position; the database guarantees that it names one."""
    assert position.lot is not None
    return position.lot

"""`transform`: mortgaged materials become mortgaged (or pledged) finished goods."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from logistics.models import Item, Site
from logistics.services.acts import reported_act
from logistics.services.stock import record_production
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import lot_of, secured_makes
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
        consumed=[(lot_of(one), one.quantity) for one in taken],
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
        makes=secured_makes([(lot, quantity)], right),
        evidence=Evidence("production", reference, {"site": site.name, "product": product.name}),
        moved=[reported_act(source=source, reference=reference)],
    )
    return position

"""What all conversions of goods share: positions on lots, in the item's unit."""

from decimal import Decimal

from logistics.models import Lot
from pledges.models import Position
from pledges.services.conversion import Make
from pledges.services.valuation import terms_of_lot
from pledges.states import TERMINAL_RIGHTS, Right


def goods_make(lot: Lot, quantity: Decimal, right: Right, parent: Position | None = None) -> Make:
    """Return the position to be made on a quantity of a lot under a right."""
    return Make(
        right=right,
        quantity=quantity,
        unit=lot.item.unit,
        label=f"{lot.item.name}, {lot.number}, {lot.site.name}",
        terms=() if right in TERMINAL_RIGHTS else terms_of_lot(lot),
        lot=lot,
        parent=parent,
    )

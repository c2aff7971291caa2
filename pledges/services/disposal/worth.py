"""The live market value of what is up for sale."""

from datetime import date
from decimal import Decimal

from pledges.measure import unit_values, worth
from pledges.models import DisposalLot


def worth_of(lot: DisposalLot, *, as_of: date) -> Decimal:
    """Return a lot's market value at the prices of a date, to the cent (two queries)."""
    quantities = {item.position_id: item.quantity for item in lot.items.all()}
    return worth(unit_values(as_of=as_of, position_ids=list(quantities)), quantities)

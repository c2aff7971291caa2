"""What the tests of conversions read from the database, in plain values."""

from logistics.models import Hold, Lot
from pledges.models import Conversion, ConversionLeg, PoolLine, Position


def lines(vault):
    """Return the pool by right and basis: (market weight, lending weight), empty lines left out."""
    found = PoolLine.objects.filter(facility_id=vault.facility_id, market_weight__gt=0)
    return {
        (line.right, line.basis.code): (line.market_weight, line.lending_weight)
        for line in found.select_related("basis")
    }


def legs(conversion):
    """Return the legs of a conversion: direction, right, quantity, market and lending value."""
    rows = ConversionLeg.objects.filter(conversion=conversion).select_related("position")
    return sorted(
        (leg.direction, leg.position.right, leg.quantity, leg.market_value, leg.lending_value)
        for leg in rows
    )


def hold_of(position):
    hold = Hold.objects.get(reference=position.pk)
    return hold.kind, hold.quantity


def remaining(position):
    return Position.objects.get(pk=position.pk).remaining


def stock(lot):
    fresh = Lot.objects.get(pk=lot.pk if hasattr(lot, "pk") else lot)
    return fresh.on_hand, fresh.claimed, fresh.held


def kinds(vault):
    """Return the kinds of the facility's conversions, as often as they happened."""
    found = Conversion.objects.filter(facility_id=vault.facility_id)
    return sorted(found.values_list("kind", flat=True))

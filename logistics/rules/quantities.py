"""Quantities of goods: what may be one, and how people read it."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from common.exact import EXACT
from risk.units import get_unit

PLACES = 6
WHOLE_DIGITS = 18
QUANTUM = Decimal(1).scaleb(-PLACES)
_LIMIT = Decimal(10) ** WHOLE_DIGITS


def fits_the_column(quantity: Decimal) -> bool:
    """Tell whether a quantity has at most 6 decimals and 18 digits before the point."""
    if not quantity.is_finite() or abs(quantity) >= _LIMIT:
        return False
    return quantity == quantity.quantize(QUANTUM, ROUND_HALF_EVEN, EXACT)


def is_countable(quantity: Decimal, unit: str) -> bool:
    """Tell whether a quantity of things that are counted is a whole number of pieces."""
    known = get_unit(unit)
    return known.measure != "count" or EXACT.multiply(quantity, known.factor) % 1 == 0


def floor(quantity: Decimal) -> Decimal:
    """Return the largest quantity a column can hold that is not above this one."""
    return quantity.quantize(QUANTUM, ROUND_FLOOR, EXACT)


def ceiling(quantity: Decimal) -> Decimal:
    """Return the smallest quantity a column can hold that is not below this one."""
    return quantity.quantize(QUANTUM, ROUND_CEILING, EXACT)


def show(quantity: Decimal, unit: str, *, places: int | None = None) -> str:
    """Return a quantity for people: "12.5 t", or "3,600.000 kg" with fixed places.

    Without `places` no digit is left out. Plain pieces carry no unit.
    """
    if places is None:
        digits = f"{EXACT.plus(quantity).normalize():,f}" if quantity else "0"
    else:
        digits = f"{quantity.quantize(Decimal(1).scaleb(-places), context=EXACT):,f}"
    symbol = "" if unit == "C62" else get_unit(unit).symbol
    return f"{digits} {symbol}".rstrip()

"""One decimal context for every product and quotient of money: nothing is cut off in silence.

Python's default context keeps 28 digits: numeric(24,4) times numeric(12,8) may need 36. A hundred
digits hold every product of three such columns exactly; only division is ever inexact, and there
the error lies some ninety digits behind the point where an amount is rounded.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from typing import NoReturn

EXACT = Context(
    prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)


def require_decimal(value: object, *, what: str) -> Decimal:
    """Return a finite Decimal (or int, as one) as it is; TypeError or ValueError for the rest."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, Decimal):
        refuse_type(value, what=what)
    if not value.is_finite():
        raise ValueError(f"{what} must be finite, not {value}")
    return value


def refuse_type(value: object, *, what: str) -> NoReturn:
    """Raise the TypeError for a value that is not exact; a float is the usual culprit."""
    raise TypeError(f"{what} must be Decimal, not {type(value).__name__}")


def decimal_of(fraction: Fraction) -> Decimal:
    """Return a fraction as Decimal, to a hundred digits."""
    return EXACT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))

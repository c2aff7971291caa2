"""Exact figures: fractions inside, cents outside."""

from decimal import Decimal
from fractions import Fraction
from math import floor


def exact(value: Decimal | int | str) -> Fraction:
    """Return a figure as a fraction."""
    return Fraction(Decimal(value))


def cents_down(value: Fraction) -> Fraction:
    """Return a figure cut to the cent."""
    return Fraction(floor(value * 100), 100)


def cents_up(value: Fraction) -> Fraction:
    """Return a figure raised to the next cent."""
    return -cents_down(-value)


def cents_up_at_half(value: Fraction, places: int = 2) -> Fraction:
    """Return a figure rounded to so many places, halves up; never asked for negative ones."""
    scale = 10**places
    return Fraction(floor(value * scale + Fraction(1, 2)), scale)


def cents_even(value: Fraction) -> Fraction:
    """Return a figure rounded to the cent, halves to the even one."""
    return Fraction(round(value * 100), 100)


def shown(value: Fraction, places: int = 4) -> Decimal:
    """Return a figure that has no more than so many places, as the database would give it."""
    scaled = value * 10**places
    assert scaled.denominator == 1, value
    return Decimal(scaled.numerator).scaleb(-places)

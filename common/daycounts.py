"""Day counts: which part of a year lies between two dates (ISDA 2006 Definitions, section 4.16).

Counts run from ``start`` (included) to ``end`` (excluded), between the two dates given, whatever
rhythm a run has. Fractions are exact; only :func:`interest` turns one into a decimal.
"""

from calendar import isleap
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.exact import EXACT, require_decimal
from common.rates import Rate


class DayCount(TextChoices):
    """The conventions on offer; the value is what a contract's column stores."""

    ACT_360 = "act/360", _("actual/360")
    ACT_365F = "act/365f", _("actual/365 (fixed)")
    ACT_ACT = "act/act", _("actual/actual (ISDA)")
    THIRTY_360 = "30/360", _("30/360 (bond basis)")
    THIRTY_E_360 = "30e/360", _("30E/360 (Eurobond basis)")


def days(convention: DayCount | str, start: date, end: date) -> int:
    """Return the days that count between two dates; ValueError if ``end`` is before ``start``."""
    _in_order(start, end)
    counter = _THIRTY_DAY_MONTHS.get(DayCount(convention))
    return counter(start, end) if counter else (end - start).days


def year_fraction(convention: DayCount | str, start: date, end: date) -> Fraction:
    """Return the exact part of a year between two dates; ValueError if they are out of order."""
    convention = DayCount(convention)
    if convention == DayCount.ACT_ACT:
        _in_order(start, end)
        return _actual_actual_isda(start, end)
    year = 365 if convention == DayCount.ACT_365F else 360
    return Fraction(days(convention, start, end), year)


def interest(
    principal: Decimal, annual_rate: Rate, convention: DayCount | str, start: date, end: date
) -> Decimal:
    """Return simple interest on a principal between two dates, unrounded, in its currency."""
    part = year_fraction(convention, start, end)
    yearly = annual_rate.of(require_decimal(principal, what="principal"))
    return EXACT.divide(EXACT.multiply(yearly, Decimal(part.numerator)), Decimal(part.denominator))


def _in_order(start: date, end: date) -> None:
    if end < start:
        raise ValueError(f"the period ends on {end}, before it starts on {start}")


def _actual_actual_isda(start: date, end: date) -> Fraction:
    """Days in leap years over 366 plus the others over 365 (section 4.16(b))."""
    total = Fraction(0)
    for year in range(start.year, end.year + 1):
        first = max(start, date(year, 1, 1))
        last = end if year == end.year else date(year + 1, 1, 1)
        total += Fraction((last - first).days, 366 if isleap(year) else 365)
    return total


def _thirty_360(start: date, end: date) -> int:
    """Section 4.16(f): the 31st of the end counts as the 30th only if the start is on 30 or 31."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return _thirty_day_months(start, first, end, last)


def _thirty_e_360(start: date, end: date) -> int:
    """Section 4.16(g): each 31st counts as the 30th."""
    return _thirty_day_months(start, min(start.day, 30), end, min(end.day, 30))


def _thirty_day_months(start: date, first: int, end: date, last: int) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first


_THIRTY_DAY_MONTHS: dict[DayCount, Callable[[date, date], int]] = {
    DayCount.THIRTY_360: _thirty_360,
    DayCount.THIRTY_E_360: _thirty_e_360,
}

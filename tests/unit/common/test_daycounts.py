"""Day counts against published worked examples.

Actual/actual (ISDA): the examples of ISDA's memorandum "EMU and Market Conventions: Recent
Developments" (1998): interest on 10,000 at 10 %. 30/360 and 30E/360: the example tables that ISDA
publishes with the 2006 Definitions ("30/360 day count conventions", 22 December 2008).
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.daycounts import DayCount, days, interest, year_fraction
from common.money import ROUND_HALF_EVEN, round_money
from common.rates import Rate

ISDA_1998 = [
    # semi-annual payments, regular
    ("2003-11-01", "2004-05-01", "497.72"),
    # annual payments, short first period
    ("1999-02-01", "1999-07-01", "410.96"),
    ("1999-07-01", "2000-07-01", "1001.38"),
    # semi-annual payments, long first period
    ("2002-08-15", "2003-07-15", "915.07"),
    ("2003-07-15", "2004-01-15", "504.00"),
    # semi-annual payments, short final period
    ("1999-07-30", "2000-01-30", "503.89"),
    ("2000-01-30", "2000-06-30", "415.30"),
    # quarterly payments, long final period
    ("1999-11-30", "2000-04-30", "415.54"),
]

# Where the two conventions agree.
ISDA_2008_BOTH = [
    ("2006-08-20", "2007-02-20", 180),
    ("2007-02-20", "2007-08-20", 180),
    ("2007-08-20", "2008-02-20", 180),
    ("2008-02-20", "2008-08-20", 180),
    ("2008-08-20", "2009-02-20", 180),
    ("2009-02-20", "2009-08-20", 180),
    ("2006-08-31", "2007-02-28", 178),
    ("2007-08-31", "2008-02-29", 179),
    ("2008-08-31", "2009-02-28", 178),
    ("2006-01-31", "2006-02-28", 28),
    ("2006-01-30", "2006-02-28", 28),
    ("2006-02-28", "2006-03-03", 5),
    ("2006-02-14", "2006-02-28", 14),
    ("2006-09-30", "2006-10-31", 30),
    ("2006-10-31", "2006-11-28", 28),
    ("2007-08-31", "2008-02-28", 178),
    ("2008-02-28", "2008-08-28", 180),
    ("2008-02-28", "2008-08-30", 182),
    ("2007-02-26", "2008-02-28", 362),
    ("2007-02-26", "2008-02-29", 363),
    ("2008-02-29", "2009-02-28", 359),
    ("2008-02-28", "2008-03-30", 32),
]
# Where a period ends on a 31st but starts before a 30th: 30/360, then 30E/360.
ISDA_2008_APART = [
    ("2007-02-28", "2007-08-31", 183, 182),
    ("2008-02-29", "2008-08-31", 182, 181),
    ("2009-02-28", "2009-08-31", 183, 182),
    ("2008-02-28", "2008-08-31", 183, 182),
    ("2008-02-28", "2008-03-31", 33, 32),
]


@pytest.mark.parametrize(("start", "end", "expected"), ISDA_1998)
def test_actual_actual_isda_gives_the_memorandums_interest(start, end, expected):
    owed = interest(
        Decimal(10_000),
        Rate.from_percent(10),
        DayCount.ACT_ACT,
        date.fromisoformat(start),
        date.fromisoformat(end),
    )
    assert round_money(owed, "EUR", ROUND_HALF_EVEN) == Decimal(expected)


@pytest.mark.parametrize(("start", "end", "expected"), ISDA_2008_BOTH)
def test_thirty_day_months_as_isda_tabulates_them(start, end, expected):
    span = date.fromisoformat(start), date.fromisoformat(end)
    assert days(DayCount.THIRTY_360, *span) == expected
    assert days(DayCount.THIRTY_E_360, *span) == expected
    assert year_fraction(DayCount.THIRTY_360, *span) == Fraction(expected, 360)


@pytest.mark.parametrize(("start", "end", "bond", "eurobond"), ISDA_2008_APART)
def test_the_thirty_day_conventions_differ_where_isda_says_so(start, end, bond, eurobond):
    span = date.fromisoformat(start), date.fromisoformat(end)
    assert days(DayCount.THIRTY_360, *span) == bond
    assert days(DayCount.THIRTY_E_360, *span) == eurobond


def test_actual_counts_take_their_fixed_years():
    span = date(2024, 1, 1), date(2024, 3, 1)
    assert days("act/360", *span) == 60
    assert year_fraction("act/360", *span) == Fraction(1, 6)
    assert year_fraction("act/365f", *span) == Fraction(60, 365)
    assert year_fraction("act/act", *span) == Fraction(60, 366)


def test_interest_is_not_rounded():
    owed = interest(
        Decimal("1000"), Rate.from_percent(5), "act/360", date(2024, 1, 1), date(2024, 1, 8)
    )
    assert str(owed).startswith("0.97222222222222222222222222222222222222")
    assert interest(Decimal(100), Rate.from_percent(7), "30/360", *[date(2024, 1, 1)] * 2) == 0


def test_a_period_that_ends_before_it_starts_is_refused():
    for convention in DayCount:
        with pytest.raises(ValueError, match="before it starts"):
            year_fraction(convention, date(2024, 1, 2), date(2024, 1, 1))


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="act/366"):
        days("act/366", date(2024, 1, 1), date(2024, 1, 2))


dates = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@given(st.lists(dates, min_size=3, max_size=3).map(sorted))
def test_actual_conventions_add_up_over_adjacent_periods(three):
    first, middle, last = three
    for convention in (DayCount.ACT_360, DayCount.ACT_365F, DayCount.ACT_ACT):
        whole = year_fraction(convention, first, last)
        parts = year_fraction(convention, first, middle) + year_fraction(convention, middle, last)
        assert parts == whole

"""Weekdays, in Python and in the database."""

from datetime import date, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from risk.weekdays import weekdays_between


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2024, 5, 31), date(2024, 5, 31), 0),  # a Friday
        (date(2024, 5, 31), date(2024, 6, 2), 0),
        (date(2024, 5, 31), date(2024, 6, 3), 1),
        (date(2024, 6, 1), date(2024, 6, 3), 1),
        (date(2024, 5, 31), date(2024, 6, 10), 6),
        (date(2024, 6, 3), date(2024, 5, 31), 0),
    ],
)
def test_weekdays(start: date, end: date, expected: int) -> None:
    assert weekdays_between(start, end) == expected


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_equals_counting(start: date, length: int) -> None:
    days = (start + timedelta(days=n) for n in range(1, length + 1))
    expected = sum(1 for day in days if day.weekday() < 5)
    assert weekdays_between(start, start + timedelta(days=length)) == expected


@pytest.mark.django_db
def test_the_database_counts_the_same() -> None:
    starts = [date(2024, 1, 1) + timedelta(days=n) for n in range(15)]
    pairs = [(s, s + timedelta(days=n)) for s in starts for n in range(-3, 40)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT risk_weekdays(a, b) FROM unnest(%s::date[], %s::date[]) AS t(a, b)",
            [[a for a, _b in pairs], [b for _a, b in pairs]],
        )
        counted = [row[0] for row in cursor.fetchall()]
    assert counted == [weekdays_between(a, b) for a, b in pairs]

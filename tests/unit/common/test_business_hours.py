"""Business hours: clocks run while banks are open, by the local time of their country."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from common.calendars import BusinessHours

CHINA = BusinessHours("CN")  # 09:00 to 17:00 in Shanghai: 01:00 to 09:00 UTC
HOUR = timedelta(hours=1)


def utc(month, day, hour, minute=0):
    return datetime(2016, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        (utc(3, 2, 3), utc(3, 2, 3)),
        (utc(3, 2, 0, 30), utc(3, 2, 1)),  # before opening
        (utc(3, 2, 9), utc(3, 3, 1)),  # closing time belongs to the next day
        (utc(3, 4, 12), utc(3, 7, 1)),  # Friday evening
        (utc(3, 5, 4), utc(3, 7, 1)),  # Saturday
        (utc(4, 4, 4), utc(4, 5, 1)),  # Tomb Sweeping Day
        (utc(3, 4, 16, 30), utc(3, 7, 1)),  # Saturday already in Shanghai
    ],
)
def test_what_comes_after_hours_counts_as_of_the_next_opening(moment, start):
    assert CHINA.start(moment) == start


def test_days_are_counted_from_the_start_and_keep_the_hour():
    assert CHINA.add_days(utc(4, 1, 3), 2) == utc(4, 6, 3)
    assert CHINA.add_days(utc(4, 1, 12), 2) == utc(4, 7, 1)
    assert CHINA.add_days(utc(3, 2, 3), 0) == utc(3, 2, 3)


def test_business_time_leaves_nights_and_holidays_out():
    assert CHINA.between(utc(3, 2, 3), utc(3, 4, 3)) == 16 * HOUR
    assert CHINA.between(utc(4, 1, 3), utc(4, 6, 3)) == 16 * HOUR
    assert CHINA.between(utc(3, 5, 3), utc(3, 6, 3)) == timedelta()
    assert CHINA.between(utc(3, 4, 3), utc(3, 2, 3)) == timedelta()


def test_the_instant_with_four_hours_left_may_lie_on_the_day_before():
    assert CHINA.before(utc(3, 4, 6), 4 * HOUR) == utc(3, 4, 2)
    assert CHINA.before(utc(3, 4, 3), 4 * HOUR) == utc(3, 3, 7)
    assert CHINA.before(utc(3, 7, 1), 4 * HOUR) == utc(3, 4, 5)
    assert CHINA.before(utc(3, 4, 3), 2 * HOUR) == utc(3, 4, 1)


def test_before_undoes_between():
    end = utc(3, 9, 5)
    for hours in range(1, 40):
        assert CHINA.between(CHINA.before(end, hours * HOUR), end) == hours * HOUR


def test_the_zone_is_the_financial_centre_and_summer_time_moves_with_it():
    new_york = BusinessHours("US")
    assert new_york.start(utc(3, 10, 12)) == utc(3, 10, 14)  # 09:00 EST
    assert new_york.start(utc(3, 14, 12)) == utc(3, 14, 13)  # 09:00 EDT
    assert BusinessHours("IS").start(utc(3, 10, 8)) == utc(3, 10, 9)


def test_hours_are_parameters_in_order():
    early = BusinessHours("CN", opens=time(8), closes=time(12))
    assert early.start(utc(3, 2, 4)) == utc(3, 3, 0)
    with pytest.raises(ValueError, match="open from"):
        BusinessHours("CN", opens=time(17), closes=time(9))


def test_an_unknown_country_speaks_up_at_once():
    with pytest.raises(NotImplementedError):
        BusinessHours("XX")


def test_the_calendar_of_the_hours_knows_days_worked_in_lieu():
    assert CHINA.calendar.is_business_day(date(2016, 2, 6))
    assert CHINA.start(utc(2, 6, 3)) == utc(2, 6, 3)

"""Half-open ranges, business days and the clock."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import clock
from common.calendars import BusinessCalendar
from common.dateranges import DateRange

CHINA = BusinessCalendar("CN", "Asia/Shanghai")


def test_a_range_holds_its_start_and_not_its_end():
    january = DateRange(date(2024, 1, 1), date(2024, 2, 1))
    assert date(2024, 1, 1) in january
    assert date(2024, 1, 31) in january
    assert date(2024, 2, 1) not in january
    assert january.days == 31 == len(list(january))


def test_ranges_that_touch_do_not_overlap():
    january = DateRange(date(2024, 1, 1), date(2024, 2, 1))
    onward = DateRange(date(2024, 2, 1))
    assert not january.overlaps(onward)
    assert onward.overlaps(DateRange(date(2030, 1, 1)))
    assert DateRange(date(2024, 1, 20), date(2024, 3, 1)).intersection(january) == DateRange(
        date(2024, 1, 20), date(2024, 2, 1)
    )
    assert DateRange(date(2024, 5, 1)).intersection(onward) == DateRange(date(2024, 5, 1))


def test_months_cut_at_firsts_and_cover_the_range():
    spans = list(DateRange(date(2023, 12, 15), date(2024, 3, 1)).months())
    assert spans == [
        DateRange(date(2023, 12, 15), date(2024, 1, 1)),
        DateRange(date(2024, 1, 1), date(2024, 2, 1)),
        DateRange(date(2024, 2, 1), date(2024, 3, 1)),
    ]


def test_an_empty_range_is_empty_and_a_reversed_one_refused():
    empty = DateRange(date(2024, 1, 1), date(2024, 1, 1))
    assert list(empty) == list(empty.months()) == []
    with pytest.raises(ValueError, match="before it starts"):
        DateRange(date(2024, 1, 2), date(2024, 1, 1))
    with pytest.raises(ValueError, match="no end"):
        _ = DateRange(date(2024, 1, 1)).days


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 900))
def test_the_months_of_any_range_sum_to_its_days(start, length):
    whole = DateRange(start, start + timedelta(days=length))
    assert sum(part.days for part in whole.months()) == length


def test_chinese_holidays_and_the_weekend_days_worked_for_them():
    assert not CHINA.is_business_day(date(2024, 2, 12))  # Spring Festival
    assert CHINA.is_business_day(date(2024, 2, 18))  # a Sunday worked in its place
    assert not CHINA.is_business_day(date(2024, 3, 3))  # an ordinary Sunday
    assert CHINA.next_business_day(date(2024, 2, 10)) == date(2024, 2, 18)


def test_business_days_count_forwards_and_backwards():
    assert CHINA.add_business_days(date(2024, 3, 1), 2) == date(2024, 3, 5)
    assert CHINA.add_business_days(date(2024, 3, 5), -2) == date(2024, 3, 1)
    assert CHINA.add_business_days(date(2024, 3, 2), 0) == date(2024, 3, 4)


def test_a_deadline_counts_local_days_and_keeps_the_local_hour():
    # 17:00 UTC on Thursday is 01:00 on Friday in Shanghai: one business day later is Monday 01:00.
    asked = datetime(2024, 2, 29, 17, tzinfo=UTC)
    assert CHINA.business_date(asked) == date(2024, 3, 1)
    assert CHINA.add_business_days(asked, 1) == datetime(2024, 3, 3, 17, tzinfo=UTC)
    spring = BusinessCalendar("US", "America/New_York")
    before_the_change = datetime(2024, 3, 8, 15, tzinfo=UTC)  # Friday 10:00 in New York
    assert spring.add_business_days(before_the_change, 1) == datetime(2024, 3, 11, 14, tzinfo=UTC)


def test_unknown_places_and_naive_instants_are_refused():
    with pytest.raises(NotImplementedError):
        BusinessCalendar("ZZ")
    with pytest.raises(ValueError, match="time zone"):
        CHINA.business_date(datetime(2024, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        CHINA.add_business_days(datetime(2024, 1, 1), 1)  # noqa: DTZ001


def test_the_clock_is_replaced_inside_the_block_only():
    start = datetime(2016, 3, 1, 9, tzinfo=timezone(timedelta(hours=8)))
    stopped = clock.SetClock(start)
    with clock.using_clock(stopped):
        assert clock.now() == datetime(2016, 3, 1, 1, tzinfo=UTC)
        stopped.advance(timedelta(days=1))
        assert clock.now() == datetime(2016, 3, 2, 1, tzinfo=UTC)
        stopped.set(start)
        assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(ValueError, match="time zone"):
        clock.SetClock(datetime(2024, 1, 1))  # noqa: DTZ001

"""Business days of a country, from the ``holidays`` tables (shifted work days included)."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import overload
from zoneinfo import ZoneInfo

import holidays

_STEP = timedelta(days=1)


@cache
def _table(country: str) -> "holidays.HolidayBase":
    return holidays.country_holidays(country)


class BusinessCalendar:
    """Which days are worked in a country, and which date it is there.

    ``country`` is an ISO 3166 code, ``timezone`` the place's zone: a deadline given as an instant
    is counted in local days and keeps its local hour.
    """

    def __init__(self, country: str, timezone: str = "UTC") -> None:
        self.country = country
        self.timezone = ZoneInfo(timezone)
        _table(country)  # an unknown country speaks up here, not at the first deadline

    def business_date(self, instant: datetime) -> date:
        """Return the local date of an instant."""
        if instant.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return instant.astimezone(self.timezone).date()

    def is_business_day(self, day: date) -> bool:
        """Return whether a date is worked; a Saturday worked in lieu of a holiday is."""
        return _table(self.country).is_working_day(day)

    def next_business_day(self, day: date) -> date:
        """Return the day itself if it is worked, or the first worked day after it."""
        while not self.is_business_day(day):
            day += _STEP
        return day

    @overload
    def add_business_days(self, moment: datetime, n: int) -> datetime: ...
    @overload
    def add_business_days(self, moment: date, n: int) -> date: ...
    def add_business_days(self, moment: date | datetime, n: int) -> date | datetime:
        """Return the n-th business day after (or before, if negative) a date or an instant.

        Zero gives the moment's own day, or the next worked one. An instant keeps its local hour
        and comes back in its own zone.
        """
        if isinstance(moment, datetime):
            local = moment.astimezone(self.timezone)
            day = self._count(self.business_date(moment), n)
            shifted = local.replace(year=day.year, month=day.month, day=day.day)
            return shifted.astimezone(moment.tzinfo)
        return self._count(moment, n)

    def _count(self, day: date, n: int) -> date:
        step = _STEP if n >= 0 else -_STEP
        for _ in range(abs(n)):
            day += step
            while not self.is_business_day(day):
                day += step
        return self.next_business_day(day) if n == 0 else day

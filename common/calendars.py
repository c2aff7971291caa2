"""Business days of a country, from the ``holidays`` tables (shifted work days included)."""

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import overload
from zoneinfo import ZoneInfo

import holidays

_STEP = timedelta(days=1)

# Where the banks of a country keep their hours: its financial centre, for countries with several
# zones, too. Countries without an entry keep UTC.
BANKING_ZONES = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CH": "Europe/Zurich",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "HK": "Asia/Hong_Kong",
    "ID": "Asia/Jakarta",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NL": "Europe/Amsterdam",
    "SG": "Asia/Singapore",
    "TH": "Asia/Bangkok",
    "TW": "Asia/Taipei",
    "US": "America/New_York",
    "VN": "Asia/Ho_Chi_Minh",
}


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


class BusinessHours:
    """The hours of business days in a country, in which clocks run.

    What comes after closing time, or on a day that is not worked, counts as of the next opening.
    """

    def __init__(
        self, country: str, *, opens: time = time(9), closes: time = time(17), zone: str = ""
    ) -> None:
        if not opens < closes:
            raise ValueError(f"open from {opens} to {closes}")
        zone = zone or BANKING_ZONES.get(country, "UTC")
        self.calendar = BusinessCalendar(country, zone)
        self.opens, self.closes = opens, closes

    def start(self, moment: datetime) -> datetime:
        """Return the moment itself within business hours, or else the next opening."""
        local = moment.astimezone(self.calendar.timezone)
        day = self.calendar.next_business_day(local.date())
        if day != local.date() or local < self._at(day, self.opens):
            return self._at(day, self.opens).astimezone(moment.tzinfo)
        if local >= self._at(day, self.closes):
            return self._at(self._next(day), self.opens).astimezone(moment.tzinfo)
        return moment

    def add_days(self, moment: datetime, n: int) -> datetime:
        """Return the instant n business days after the clock starts; it keeps the local hour."""
        return self.calendar.add_business_days(self.start(moment), n)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the business time from one instant to another; nothing if they are reversed."""
        day, last = self._day_of(start), self._day_of(end)
        total = timedelta()
        while day <= last:
            if self.calendar.is_business_day(day):
                opening = max(start, self._at(day, self.opens))
                total += max(timedelta(), min(end, self._at(day, self.closes)) - opening)
            day += _STEP
        return total

    def before(self, moment: datetime, span: timedelta) -> datetime:
        """Return the instant from which so much business time is left until another."""
        day = self._day_of(moment)
        while True:
            if self.calendar.is_business_day(day):
                opening = self._at(day, self.opens)
                end = min(moment, self._at(day, self.closes))
                if end - opening >= span:
                    return (end - span).astimezone(moment.tzinfo)
                span -= max(timedelta(), end - opening)
            day -= _STEP

    def _day_of(self, moment: datetime) -> date:
        return self.calendar.business_date(moment)

    def _next(self, day: date) -> date:
        return self.calendar.next_business_day(day + _STEP)

    def _at(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, self.calendar.timezone)

"""Business days of price feeds: Monday to Friday.

Holidays differ from market to market and are not known here, so they count as days without a
print: a feed that closes for a long holiday goes stale early, which is the safe side. The database
function `risk_weekdays` counts the same way.
"""

from datetime import date


def weekdays_between(start: date, end: date) -> int:
    """Return the number of weekdays after `start` up to and including `end`, at least 0."""
    if end <= start:
        return 0
    return _weekdays_from_epoch(end) - _weekdays_from_epoch(start)


def _weekdays_from_epoch(day: date) -> int:
    """Return the weekdays up to and including a day, counted from Monday, 1 January of year 1."""
    weeks, rest = divmod(day.toordinal(), 7)
    return 5 * weeks + min(rest, 5)

"""When the story plays: dates moved to the summer of 2011, when copper really fell by a fifth."""

from datetime import UTC, date, datetime, time

START = date(2011, 6, 13)
END = date(2012, 1, 31)

MARKET = time(9, 0)
ACTS = time(11, 0)
CLOSE = time(18, 0)


def at(day: date, hour: time) -> datetime:
    """Return an instant of the story."""
    return datetime.combine(day, hour, tzinfo=UTC)

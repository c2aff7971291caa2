"""Half-open ranges of dates: the start belongs to the range, the end does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DateRange:
    """The days from ``start`` up to, but without, ``end``; no ``end`` means for ever.

    A range whose end is its start is empty; an end before the start is a ValueError.
    """

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"the range ends on {self.end}, before it starts on {self.start}")

    @property
    def days(self) -> int:
        """The number of days; ValueError for a range without an end."""
        return (self._required_end() - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def __iter__(self) -> Iterator[date]:
        for offset in range(self.days):
            yield self.start + timedelta(days=offset)

    def overlaps(self, other: "DateRange") -> bool:
        """Return whether some day lies in both."""
        return self.intersection(other) is not None

    def intersection(self, other: "DateRange") -> "DateRange | None":
        """Return the days in both ranges, or None where there is none."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends, default=None)
        return None if end is not None and end <= start else DateRange(start, end)

    def months(self) -> Iterator["DateRange"]:
        """Cut the range at each first of a month; the pieces follow each other and cover it."""
        end = self._required_end()
        start = self.start
        while start < end:
            cut = min(_first_of_next_month(start), end)
            yield DateRange(start, cut)
            start = cut

    def _required_end(self) -> date:
        if self.end is None:
            raise ValueError(f"the range from {self.start} has no end")
        return self.end

    def __str__(self) -> str:
        return f"[{self.start}, {self.end or '…'})"


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)

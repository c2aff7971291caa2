"""The time of day, read at the edges only: views, tasks and commands pass it on as ``now``.

Services, rules and queries take ``now`` as an argument and never read a clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that tells the instant."""

    def now(self) -> datetime:
        """Return the instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the instant by the machine."""
        return datetime.now(UTC)


class SetClock:
    """A clock that stands until it is moved: the story's, and the tests'."""

    def __init__(self, instant: datetime) -> None:
        self._instant = _in_utc(instant)

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self._instant

    def set(self, instant: datetime) -> None:
        """Move the clock to an instant, which may lie in the past."""
        self._instant = _in_utc(instant)

    def advance(self, step: timedelta) -> datetime:
        """Move the clock by a step and return the new instant."""
        self._instant += step
        return self._instant


class ShiftedClock:
    """The machine's clock, so much later or (the demonstration's) earlier."""

    def __init__(self, shift: timedelta) -> None:
        self._shift = shift

    def now(self) -> datetime:
        """Return the machine's instant moved by the shift."""
        return datetime.now(UTC) + self._shift


# One for the process, not for a thread: a browser test's server thread must see the test's clock.
_current: Clock = SystemClock()


def now() -> datetime:
    """Return the instant by the clock in use. For the edges only."""
    return _current.now()


def run_shifted(shift: timedelta) -> None:
    """Let every edge of this process read the machine's clock moved by `shift`, from now on."""
    global _current  # noqa: PLW0603  (see using_clock)
    _current = ShiftedClock(shift)


@contextmanager
def using_clock(clock: Clock) -> Iterator[Clock]:
    """Let every edge of this process read ``clock`` inside the block."""
    global _current  # noqa: PLW0603  (the process has one clock; this is its only switch)
    before = _current
    _current = clock
    try:
        yield clock
    finally:
        _current = before


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)

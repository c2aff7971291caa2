"""The cure clock: business hours of the lender's country, reminders on the way, then the end.

A notice after the cut-off hour counts as given at the next opening, so that a borrower never
loses the night to it; the clock ends at the same hour, n business days later.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from common.calendars import BusinessHours
from pledges.states import Reminder

# Banks confirm payments of the day until five; later money is the next day's.
OPENS, CUT_OFF = time(9), time(17)
# Half a working day: time to send money or to have a warehouse confirm a hold (four hours).
LAST_REMINDER = timedelta(hours=4)


def hours_of(country: str) -> BusinessHours:
    """Return the hours in which a lender's clocks run."""
    return BusinessHours(country, opens=OPENS, closes=CUT_OFF)


def due_after(opened_at: datetime, *, country: str, business_days: int) -> datetime:
    """Return when a call must be cured."""
    return hours_of(country).add_days(opened_at, business_days)


def reminders(
    opened_at: datetime, due_at: datetime, *, country: str
) -> Iterator[tuple[Reminder, datetime]]:
    """Yield the reminders between notice and deadline: at half the time, four hours before its end.

    Where the whole time is so short that the second would come first, there is only the first.
    """
    hours = hours_of(country)
    whole = hours.between(opened_at, due_at)
    if not whole:
        return
    half = hours.before(due_at, whole / 2)
    yield Reminder.HALF, half
    if whole / 2 > LAST_REMINDER:
        yield Reminder.LAST, hours.before(due_at, LAST_REMINDER)

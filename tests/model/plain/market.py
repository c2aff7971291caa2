"""What things are worth on a day: the latest price, if it is fresh, and the rate lent on it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from tests.model.plain.figures import cents_up_at_half

MONEY = "USD"
STALE_AFTER = 5  # weekdays
GLIDE_DAYS = 5  # weekdays
DAY = timedelta(days=1)
ZERO = Fraction(0)


def weekdays_after(first: date, last: date) -> int:
    """Count the weekdays after one day up to and with another."""
    return sum(1 for back in range((last - first).days) if (last - back * DAY).weekday() < 5)


def last_weekdays(day: date, count: int) -> list[date]:
    """Return the last weekdays up to a day."""
    found: list[date] = []
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= DAY
    return found


@dataclass
class Market:
    """Prices and rates by the day they are of; the last word of a day counts."""

    prices: dict[str, dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))
    rates: dict[str, dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))

    def _last(self, series: dict[date, Fraction], day: date) -> date | None:
        return max((one for one in series if one <= day), default=None)

    def fresh_price(self, code: str, day: date) -> Fraction:
        """Return the price that may be relied on, zero where there is none."""
        if code == MONEY:
            return Fraction(1)
        on = self._last(self.prices[code], day)
        if on is None or weekdays_after(on, day) > STALE_AFTER:
            return ZERO
        return max(ZERO, self.prices[code][on])

    def is_silent(self, code: str, day: date) -> bool:
        """Tell whether the last price is too old."""
        on = self._last(self.prices[code], day)
        return on is None or weekdays_after(on, day) > STALE_AFTER

    def rate(self, code: str, day: date) -> Fraction:
        """Return the share lent, zero before the first rate."""
        if code == MONEY:
            return Fraction(1)
        on = self._last(self.rates[code], day)
        return ZERO if on is None else self.rates[code][on]

    def glided(self, code: str, day: date) -> Fraction:
        """Return the rate the lines go by: never below the rate, above it after a cut."""
        live = self.rate(code, day)
        if code == MONEY or live == 0:
            return live
        window = [
            self.rate(code, one)
            for one in last_weekdays(day, GLIDE_DAYS)
            if self._last(self.rates[code], one) is not None
        ]
        return max(live, cents_up_at_half(sum(window, ZERO) / len(window), places=6))

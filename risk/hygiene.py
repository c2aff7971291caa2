"""Which prices are believed: accepted, held for people or time to confirm, or no prices at all.

Pure rules on one commodity's series (design page "risk", 2.3 and the feed traps of section 4).
Falls act at once, however far, unless they look like a slipped digit; rises beyond eight daily
scales wait. Nothing here looks at a clock or a table.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

import numpy as np

from risk.pledge_rates import FloatArray, modelled_prices, robust_scale

FAR = 8.0  # daily scales: a move beyond is an outlier
FACTOR = 5.0  # times up or down: more likely a slipped digit or another unit than a market
TAKEN_BACK = 0.5  # share of a jump that the next day's opposite move must undo
LEAST_SCALE = 0.0025  # a series that hardly moves would make an outlier of every move
LEAST_ROWS = 20  # rows below which a scale says nothing
REPEATS_ROWS, REPEATS_SHARE = 60, 0.30
AGREE = 0.02  # two sources agree within two per cent, or one scale if that is more


class Verdict(StrEnum):
    """What becomes of a price."""

    ACCEPTED = "accepted"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate with its verdict.

    reason: why it is held or refused, or "fell_far" of an accepted one. previous: the last price
    it was compared with; move: log return from it; scale: daily scale of that day, NaN where none.
    """

    on: date
    price: float
    verdict: Verdict
    reason: str = ""
    previous: float | None = None
    move: float = math.nan
    scale: float = math.nan


def judge(
    recorded: Mapping[date, float],
    candidates: Mapping[date, float],
    *,
    works: Callable[[date], bool] | None = None,
    vouched: Callable[[date, float], bool] | None = None,
) -> list[Judged]:
    """Judge the candidates of one commodity, oldest first, each by what was believed before it.

    recorded: prices that count. works: whether the market's calendar has the day as a business
    day. vouched: whether a second source said nearly the same. A rise that later prices of the
    same series did not take back is believed: time has confirmed it.
    """
    return _Court(recorded, candidates, works, vouched).sit()


_BELIEVED = (Verdict.ACCEPTED, "")


class _Court:
    """One sitting: the believed series grows as candidates are accepted."""

    def __init__(
        self,
        recorded: Mapping[date, float],
        candidates: Mapping[date, float],
        works: Callable[[date], bool] | None,
        vouched: Callable[[date, float], bool] | None,
    ) -> None:
        self.recorded, self.candidates = recorded, candidates
        self.works = works or (lambda day: day.weekday() < 5)
        self.vouched = vouched or (lambda _day, _price: False)
        self.series = dict(sorted({**recorded, **candidates}.items()))
        self.judged: list[Judged] = []

    def sit(self) -> list[Judged]:
        """Judge day by day; whatever is not believed leaves the series and the scales with it."""
        start = 0
        while (start := self._until_doubt(start)) >= 0:
            pass
        return self.judged

    def _until_doubt(self, start: int) -> int:
        """Judge from a row on until one is not believed; return where to go on, -1 at the end."""
        days = list(self.series)
        prices = np.asarray(list(self.series.values()))
        # Without a second row nothing has moved.
        scales = robust_scale(np.log(modelled_prices(prices))) if len(prices) > 1 else prices * 0
        for row in range(start, len(days)):
            day = days[row]
            if day not in self.candidates:
                continue
            verdict = self._one(day, row, days, prices, scales)
            self.judged.append(verdict)
            if verdict.verdict is not Verdict.ACCEPTED:
                return self._without(day, row)
        return -1

    def _without(self, day: date, row: int) -> int:
        """Take a day's candidate out, back to what was recorded for it."""
        if day in self.recorded:
            self.series[day] = self.recorded[day]
            return row + 1
        del self.series[day]
        return row

    def _one(
        self, day: date, row: int, days: Sequence[date], prices: FloatArray, scales: FloatArray
    ) -> Judged:
        price = float(prices[row])
        before = np.flatnonzero(prices[:row] > 0)
        previous = float(prices[before[-1]]) if before.size else None
        if price <= 0:
            return Judged(day, price, Verdict.HELD, "non_positive", previous)
        if previous is None:
            return Judged(day, price, Verdict.ACCEPTED)
        scale = max(float(scales[row - 1]), LEAST_SCALE) if row >= LEAST_ROWS else math.nan
        move = math.log(price / previous)
        after = prices[row + 1 : row + 2]
        verdict, reason = self._weigh(day, price, previous, move, scale, after)
        return Judged(day, price, verdict, reason, previous, move, scale)

    def _weigh(
        self,
        day: date,
        price: float,
        previous: float,
        move: float,
        scale: float,
        after: FloatArray,
    ) -> tuple[Verdict, str]:
        """Return the verdict on a positive price after a positive one, with its reason."""
        if not self.works(day) and price == previous:
            return Verdict.REFUSED, "closed_day_repeat"
        if day.weekday() >= 5:
            return Verdict.HELD, "closed_day"
        if abs(move) >= math.log(FACTOR):
            return Verdict.HELD, "factor"
        is_far = abs(move) > FAR * scale  # never where there is no scale yet
        return self._weigh_far(day, price, previous, move, after) if is_far else _BELIEVED

    def _weigh_far(
        self, day: date, price: float, previous: float, move: float, after: FloatArray
    ) -> tuple[Verdict, str]:
        """Return the verdict on an outlier, given the print after it if there is one."""
        if after.size and _takes_back(move, previous, price, float(after[0])):
            return Verdict.HELD, "reversed"
        if move < 0:
            return Verdict.ACCEPTED, "fell_far"
        believed = bool(after.size) or self.vouched(day, price)
        return _BELIEVED if believed else (Verdict.HELD, "rose_far")


def _takes_back(move: float, before: float, price: float, after: float) -> bool:
    """Tell whether the print after a jump goes back by more than half of it."""
    if after <= 0 or before <= 0:
        return False
    back = math.log(after / price)
    return back * move < 0 and abs(back) > TAKEN_BACK * abs(move)


def agrees(price: float, other: float, *, scale: float = 0.0) -> bool:
    """Tell whether two sources say the same of a day: within 2 %, or one daily scale if more."""
    if price <= 0 or other <= 0:
        return price == other
    return abs(math.log(price / other)) <= max(AGREE, 0.0 if math.isnan(scale) else scale)


def repeated_share(prices: Sequence[float]) -> float:
    """Return the share of the last 60 prices that equal the one before; 0 for fewer than 60.

    More than 30 % flags the feed; the prices count all the same.
    """
    last = prices[-REPEATS_ROWS - 1 :]
    if len(last) <= REPEATS_ROWS - 1:
        return 0.0
    pairs = list(pairwise(last))
    return sum(one == other for one, other in pairs) / len(pairs)


def missing_days(
    days: Sequence[date], *, until: date, works: Callable[[date], bool], span: int = 60
) -> list[date]:
    """Return the business days among the `span` calendar days up to a day that have no price."""
    have = set(days)
    first = until.toordinal() - span + 1
    if days:
        first = max(first, min(have).toordinal())
    wanted = (date.fromordinal(number) for number in range(first, until.toordinal() + 1))
    return [day for day in wanted if works(day) and day not in have]

"""What a book of facilities would be at other prices and rates: many scenarios at once.

A preview by statistics, in floats; acts and ticks are judged by `pledges_cover` in exact numbers.
Bands as there (domain.md, Formulas): covered E ≤ LV, watch to w, called to c, else close-out; where
a facility fixes no line of its own, w = G + (MV − G)/3 and c = G + 2(MV − G)/3, G the lending value
at the glided rates.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

# So many scenarios at once: memory is bounded by facilities × this, whatever their number.
CHUNK = 64
COVERED, WATCH, CALLED, CLOSE_OUT = range(4)


@dataclass(frozen=True, slots=True)
class Book:
    """Facilities and their pool lines, at the prices and rates of today.

    A line is one facility's market and lending weight in one commodity, times today's price: what
    it is worth, and what of that may lend. Lines of a facility and commodity may repeat.

    exposure, watch_line, call_line: one a facility, lines as shares of market value, NaN for the
    usual ones. facility, commodity: which of them each line belongs to. market, eligible: today's
    value of a line. rate, glided, disposal_cost: one a commodity; lines go by the glided rate.
    """

    exposure: Floats
    watch_line: Floats
    call_line: Floats
    facility: Whole
    commodity: Whole
    market: Floats
    eligible: Floats
    rate: Floats
    glided: Floats
    disposal_cost: Floats

    def matrix(self, line_values: Floats) -> sparse.csr_array:
        """Return facilities × commodities with the values of the lines."""
        shape = (len(self.exposure), len(self.rate))
        return sparse.csr_array((line_values, (self.facility, self.commodity)), shape=shape)


@dataclass(frozen=True, slots=True)
class Stressed:
    """Some scenarios' outcome: facilities in rows, scenarios in columns.

    short: E − ΣLV where positive, the cash a cure needs. loss: what selling everything at the
    scenario's prices, less its cost, would leave unpaid.
    """

    band: npt.NDArray[np.int8]
    lending: Floats
    short: Floats
    loss: Floats


def stress(book: Book, factors: Floats, rate: Floats | None = None) -> Iterator[Stressed]:
    """Yield the book under scenarios, at most `CHUNK` of them at a time, in their order.

    factors: scenarios × commodities, price over today's price; below zero counts as zero.
    rate: other pledge rates, one a commodity, instead of today's; they have glided.
    """
    live, glided = (book.rate, book.glided) if rate is None else (rate, rate)
    market = book.matrix(book.market)
    proceeds = book.matrix(book.market * (1 - book.disposal_cost[book.commodity]))
    lending = book.matrix(book.eligible * live[book.commodity])
    to_lines = book.matrix(book.eligible * glided[book.commodity])
    for start in range(0, len(factors), CHUNK):
        prices = np.maximum(factors[start : start + CHUNK], 0.0).T
        values = market @ prices
        watch, call = _lines(book, values, to_lines @ prices)
        yield _outcome(book, lending @ prices, proceeds @ prices, watch, call)


def _outcome(
    book: Book, lending: Floats, proceeds: Floats, watch: Floats, call: Floats
) -> Stressed:
    exposure = book.exposure[:, None]
    beyond_watch = exposure > np.maximum(lending, watch)
    band = (
        (exposure > lending).astype(np.int8)
        + beyond_watch
        + (beyond_watch & (exposure > np.maximum(watch, call)))
    )
    return Stressed(
        band=band.astype(np.int8),
        lending=lending,
        short=np.maximum(exposure - lending, 0.0),
        loss=np.maximum(exposure - proceeds, 0.0),
    )


def _lines(book: Book, market: Floats, glided: Floats) -> tuple[Floats, Floats]:
    """Return where watch ends and where close-out begins, as exposures."""
    spread = market - glided
    watch_line, call_line = book.watch_line[:, None], book.call_line[:, None]
    watch = np.where(np.isnan(watch_line), glided + spread / 3, market * watch_line)
    call = np.where(np.isnan(call_line), glided + spread * 2 / 3, market * call_line)
    return np.maximum(glided, watch), call


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all scenarios say together.

    By scenario: total_short, total_loss, called (facilities called or closed out). By facility:
    call_share (of scenarios), mean_loss, worst_loss, worst_short, worst_band, and the first
    scenario that calls it (−1: none).
    """

    total_short: Floats
    total_loss: Floats
    called: Whole
    call_share: Floats
    mean_loss: Floats
    worst_loss: Floats
    worst_short: Floats
    worst_band: npt.NDArray[np.int8]
    first_call: Whole


def judge(book: Book, factors: Floats, rate: Floats | None = None) -> Verdict:
    """Return the verdict over all scenarios, in memory bounded by the chunk."""
    size = len(book.exposure)
    short, loss, called = [], [], []
    calls, sums = np.zeros(size), np.zeros(size)
    worst_loss, worst_short = np.zeros(size), np.zeros(size)
    worst_band = np.zeros(size, np.int8)
    first = np.full(size, -1, np.int64)
    for number, one in enumerate(stress(book, factors, rate)):
        is_called = one.band >= CALLED
        new = (first < 0) & is_called.any(axis=1)
        first[new] = number * CHUNK + is_called[new].argmax(axis=1)
        calls += is_called.sum(axis=1)
        sums += one.loss.sum(axis=1)
        np.maximum(worst_loss, one.loss.max(axis=1), out=worst_loss)
        np.maximum(worst_short, one.short.max(axis=1), out=worst_short)
        np.maximum(worst_band, one.band.max(axis=1), out=worst_band)
        short.append(one.short.sum(axis=0))
        loss.append(one.loss.sum(axis=0))
        called.append(is_called.sum(axis=0))
    count = max(len(factors), 1)
    return Verdict(
        total_short=np.concatenate([np.zeros(0), *short]),
        total_loss=np.concatenate([np.zeros(0), *loss]),
        called=np.concatenate([np.zeros(0, np.int64), *called]),
        call_share=calls / count,
        mean_loss=sums / count,
        worst_loss=worst_loss,
        worst_short=worst_short,
        worst_band=worst_band,
        first_call=first,
    )

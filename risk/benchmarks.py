"""`make bench NAME=refit` and `NAME=backtest`: the rate model beside what numpy alone must do.

Histories are random walks of ten years (2,500 rows). Floors are written for all series at once,
without checks, ages, factors or short histories: the same model in bare arrays, and the daily
filtered historical simulation that any desk runs. The peer is GARCH(1,1)-t by the package `arch`,
timed on a few series and scaled. The floor of a backtest keeps each day's lowest standardised
returns in order and reads both quantiles of every day from them.
"""

import math
from collections.abc import Iterator

import numpy as np
from scipy.signal import lfilter

from common.bench import Result, benchmark, side_by_side
from risk.pledge_rates import DECAY_WEIGHTS, DECAYS, FloatArray, walk_forward
from risk.rate_models.garch import fitted

ROWS = 2500
HORIZON = 10
SAMPLE = 4
ROUNDS = 5
_TAIL = 126  # the lowest twentieth of ten years, and one
_POSITIONS = [(ROWS - HORIZON - 1) * p for p in (0.01, 0.05)]


def histories(size: int) -> FloatArray:
    """Return `size` price histories, one a row."""
    rng = np.random.default_rng(20_240_531)
    scale = rng.uniform(0.008, 0.03, (size, 1))
    return np.asarray(
        100 * np.exp(np.cumsum(rng.standard_t(4, (size, ROWS)) * scale / 1.41, axis=1))
    )


@benchmark("refit", sizes=[500])
def refit(size: int) -> Iterator[Result]:
    """Compute today's rate of `size` commodities with ten years of prices."""
    prices = histories(size)

    def ours() -> None:
        for row in prices:
            walk_forward(row, first_row=ROWS - 1)

    def garch() -> None:
        for row in prices[:SAMPLE]:
            fitted(100 * np.diff(np.log(row)))

    ways = {
        "platform": ours,
        "model": lambda: same_model(prices),
        "filtered": lambda: filtered_history(prices),
    }
    taken = side_by_side(ways, rounds=ROUNDS)
    fits = side_by_side({"garch": garch}, rounds=1)["garch"] * size / SAMPLE
    for floor in ("model", "filtered"):
        yield Result(
            case=f"today's rates, floor: {floor}",
            size=size,
            seconds=taken["platform"],
            floor_seconds=taken[floor],
            peer=f"arch ({SAMPLE} fits, scaled)",
            peer_seconds=fits,
        )


@benchmark("backtest", sizes=[500])
def backtest(size: int) -> Iterator[Result]:
    """Walk the model forward over every day of `size` commodities with ten years of prices."""
    prices = histories(size)

    def ours() -> None:
        for row in prices:
            walk_forward(row)

    taken = side_by_side({"platform": ours, "floor": lambda: ordered_tails(prices)}, rounds=ROUNDS)
    yield Result(
        case="every day, floor: ordered tails",
        size=size,
        seconds=taken["platform"],
        floor_seconds=taken["floor"],
    )


def same_model(prices: FloatArray) -> FloatArray:
    """Return today's rates by the model, on arrays alone."""
    logs = np.log(prices)
    scale = _scale(logs)
    standard = _standardised(logs, scale)
    low, anchor = _quantiles(standard)
    tail = -np.sqrt(low * anchor * 5**0.28)
    rows = standard.shape[1]
    pooled = (rows * tail - 1000 * 2.90) / (rows + 1000)
    return np.asarray(np.exp(pooled * scale[:, -1] * math.sqrt(HORIZON)))


def filtered_history(prices: FloatArray) -> FloatArray:
    """Return tomorrow's two quantiles by exponential variance and standardised returns."""
    returns = np.diff(np.log(prices), axis=1)
    deviation = np.sqrt(lfilter([0.03], [1, -0.97], returns**2, axis=1))
    standard = returns[:, 1:] / deviation[:, :-1]
    return np.asarray(np.array(_quantiles(standard)) * deviation[:, -1])


def ordered_tails(prices: FloatArray) -> FloatArray:
    """Return both quantiles of every day: each new value finds its place among the lowest."""
    logs = np.log(prices)
    standard = np.ascontiguousarray(_standardised(logs, _scale(logs)).T)
    tail = np.full((_TAIL + 1, len(prices)), np.inf)
    tail[0] = -np.inf
    found = np.empty((2, *standard.shape))
    for day, values in enumerate(standard):
        tail[1:] = np.minimum(tail[1:], np.maximum(tail[:-1], values))
        for row, p in enumerate((0.01, 0.05)):
            share, below = math.modf(day * p)
            low, high = tail[int(below) + 1], tail[min(int(below) + 2, _TAIL)]
            found[row, day] = low + (high - low) * share if share else low
    return found


def _scale(logs: FloatArray) -> FloatArray:
    moves = np.zeros_like(logs)
    np.abs(np.diff(logs, axis=1), out=moves[:, 1:])
    blend = np.zeros_like(moves)
    start = moves[:, 1:250].mean(axis=1, keepdims=True)
    for decay, weight in zip(DECAYS, DECAY_WEIGHTS, strict=True):
        means, _end = lfilter([1 - decay], [1, -decay], moves, axis=1, zi=decay * start)
        blend += weight * means
    long_run = np.cumsum(moves, axis=1) / np.arange(1, moves.shape[1] + 1)
    return np.asarray(math.sqrt(math.pi / 2) * (0.75 * blend + 0.25 * long_run))


def _standardised(logs: FloatArray, scale: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = logs[:, HORIZON:] - logs[:, :-HORIZON]
        return np.nan_to_num(ahead / (scale[:, :-HORIZON] * math.sqrt(HORIZON)))


def _quantiles(standard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the 1 % and 5 % quantiles of every row by partial sorting."""
    below = [int(position) for position in _POSITIONS]
    ordered = np.partition(standard, [*below, *(one + 1 for one in below)], axis=1)
    one, five = (
        ordered[:, at] + (ordered[:, at + 1] - ordered[:, at]) * (position - at)
        for at, position in zip(below, _POSITIONS, strict=True)
    )
    return one, five

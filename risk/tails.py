"""Quantiles of a moving window of observations, fast enough for decades of days."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]

# Up to here sorting each window afresh beats walking the moving structure up to it.
_SORTED_ROWS = 64


def tail_quantiles(
    values: FloatArray, probabilities: Sequence[float], *, window: int, least: int, first: int
) -> tuple[list[FloatArray], npt.NDArray[np.int64]]:
    """Return each probability's quantile of the last `window` values, for positions `first` on.

    Linear interpolation at (n - 1) p among the n values of the window; NaN values are not counted;
    NaN where fewer than `least` count. Also returns n for each position.
    """
    reach = values[max(0, first - window + 1) :]
    skip = first - max(0, first - window + 1)
    ends = np.arange(skip, len(reach)) + 1
    if len(ends) <= _SORTED_ROWS:
        return _sorted_windows(reach, probabilities, window, least, ends)
    counted = np.concatenate(([0], np.cumsum(~np.isnan(reach))))
    counts = counted[ends] - counted[np.maximum(0, ends - window)]
    rolling = pd.Series(reach).rolling(window, min_periods=least)
    return [rolling.quantile(p).to_numpy()[skip:] for p in probabilities], counts


def _sorted_windows(
    values: FloatArray,
    probabilities: Sequence[float],
    window: int,
    least: int,
    ends: npt.NDArray[np.int64],
) -> tuple[list[FloatArray], npt.NDArray[np.int64]]:
    """Return quantiles and counts of few windows, each sorted once for all probabilities."""
    counts = np.zeros(len(ends), np.int64)
    found = np.full((len(probabilities), len(ends)), np.nan)
    for column, end in enumerate(ends.tolist()):
        ordered = np.sort(values[max(0, end - window) : end])
        ordered = ordered[: np.searchsorted(ordered, np.inf, side="right")]  # NaNs sort last
        counts[column] = len(ordered)
        if len(ordered) < least:
            continue
        for row, probability in enumerate(probabilities):
            found[row, column] = _interpolated(ordered, probability)
    return list(found), counts


def _interpolated(ordered: FloatArray, probability: float) -> float:
    """Return the quantile of sorted values at position (n - 1) p."""
    position = (len(ordered) - 1) * probability
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    low, high = float(ordered[below]), float(ordered[above])
    return low + (high - low) * (position - below)

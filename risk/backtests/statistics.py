"""Tests of quantile forecasts, in their published forms; pure functions of hits and returns.

x exceedances among n forecasts of tail probability p. Design page "risk", section 3.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, chi2

FloatArray = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]

SIGNIFICANCE = 0.05
_YELLOW, _RED = 0.95, 0.9999


class Light(StrEnum):
    """The supervisors' zones for a model's count of exceedances."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Coverage:
    """p-values of one sample: unconditional (Kupiec) and conditional (Christoffersen) coverage."""

    unconditional: float
    independence: float
    conditional: float


def kupiec(hits: int, observations: int, probability: float) -> float:
    """Return LR_uc, the likelihood ratio of the proportion of failures, chi2(1) if p holds.

    Kupiec, Journal of Derivatives 3 (1995).
    """
    misses = observations - hits
    fitted = _log_likelihood(hits, misses, hits / observations)
    return max(0.0, 2 * (fitted - _log_likelihood(hits, misses, probability)))


def kupiec_range(observations: int, probability: float) -> tuple[int, int]:
    """Return the fewest and the most exceedances that Kupiec's test accepts at 95 %."""
    critical = float(chi2.ppf(1 - SIGNIFICANCE, 1))
    accepted = [
        hits
        for hits in range(observations + 1)
        if kupiec(hits, observations, probability) <= critical
    ]
    return accepted[0], accepted[-1]


def independence(hits: Hits) -> float:
    """Return LR_ind: do hits follow hits? chi2(1) if they do not.

    Christoffersen, International Economic Review 39 (1998). A state that never occurs has no say.
    """
    before, after = hits[:-1], hits[1:]
    n11 = int(np.count_nonzero(before & after))
    n01 = int(np.count_nonzero(~before & after))
    n10 = int(np.count_nonzero(before & ~after))
    n00 = len(before) - n11 - n01 - n10
    if not len(before):
        return 0.0
    alike = _log_likelihood(n01 + n11, n00 + n10, (n01 + n11) / len(before))
    apart = _log_likelihood(n01, n00, n01 / max(1, n00 + n01))
    apart += _log_likelihood(n11, n10, n11 / max(1, n10 + n11))
    return max(0.0, 2 * (apart - alike))


def coverage(hits: Hits, probability: float) -> Coverage:
    """Return the p-values of both tests and of their sum, LR_cc = LR_uc + LR_ind, chi2(2)."""
    uc = kupiec(int(np.count_nonzero(hits)), len(hits), probability)
    ind = independence(hits)
    return Coverage(
        unconditional=float(chi2.sf(uc, 1)),
        independence=float(chi2.sf(ind, 1)),
        conditional=float(chi2.sf(uc + ind, 2)),
    )


def interleaved(hits: Hits, probability: float, horizon: int) -> list[Coverage]:
    """Return the tests on each of the `horizon` subsamples whose windows do not overlap."""
    return [coverage(hits[phase::horizon], probability) for phase in range(horizon)]


def traffic_light(hits: int, observations: int, probability: float) -> Light:
    """Return the zone of a count: by the binomial chance of as many exceedances or fewer.

    Basel MAR99: yellow from 95 %, red from 99.99 %; of 250 days at 99 %, 5 and 10 exceedances.
    """
    chance = float(binom.cdf(hits, observations, probability))
    if chance >= _RED:
        return Light.RED
    return Light.YELLOW if chance >= _YELLOW else Light.GREEN


def tick_loss(returns: FloatArray, quantiles: FloatArray, probability: float) -> float:
    """Return the mean pinball loss (p - 1{R < q})(R - q), least for the true quantile."""
    return float(np.mean((probability - (returns < quantiles)) * (returns - quantiles)))


def _log_likelihood(hits: int, misses: int, probability: float) -> float:
    """Return hits ln p + misses ln (1 - p), where nothing times the logarithm of zero is zero."""
    found = 0.0
    if hits:
        found += hits * (math.log(probability) if probability > 0 else -math.inf)
    if misses:
        found += misses * (math.log1p(-probability) if probability < 1 else -math.inf)
    return found

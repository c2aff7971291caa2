"""How a path of rates did against what prices then did: one row of the backtest's table.

The columns and their definitions are those of the design page "risk", section 4. Shares and rates
are fractions; moves and falls of the rate are fractions too (0.01 is one percentage point).
"""

import math
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from risk.backtests.statistics import (
    SIGNIFICANCE,
    FloatArray,
    Light,
    interleaved,
    tick_loss,
    traffic_light,
)
from risk.pledge_rates import modelled_prices

FIRST_ROW = 1255
YEAR_ROWS = 252
CALL_ABOVE = 1.05
RELEASE_BELOW = 0.90
FRONTIER = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened after each scored row of a series, the same for every model."""

    rows: npt.NDArray[np.int64]
    prices: FloatArray
    returns: FloatArray
    growth: FloatArray
    horizon: int
    probability: float


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one series.

    kupiec, conditional: median p-values over the interleaved subsamples; the shares are of
    subsamples accepted at 5 %. matched_rate: mean rate after scaling ln theta by the one constant
    that makes the share of exceedances the tail probability. tick: pinball loss of ln theta.
    worst: largest loss beyond the rate, as a share of the value at the start. haircut_ratio: 99 %
    over 1 % quantile of the haircut. calls: margin calls a year on a loan kept at the rate.
    frontier: matched rate at each coverage of FRONTIER.
    """

    days: int
    exceedance: float
    kupiec: float
    kupiec_share: float
    conditional: float
    conditional_share: float
    mean_rate: float
    matched_rate: float
    tick: float
    worst: float
    daily_move: float
    fall_5d: float
    haircut_ratio: float
    calls: float
    light: Light
    frontier: tuple[float, ...]


def outcomes(
    prices: FloatArray, *, horizon: int, probability: float, first_row: int = FIRST_ROW
) -> Outcomes:
    """Return the scored rows of a series: those from `first_row` whose outcome is known.

    A row whose price is at or below zero lends nothing whatever the model, and is left out.
    """
    rows = np.arange(first_row, max(first_row, len(prices) - horizon))
    rows = rows[prices[rows] > 0]
    logs = np.log(modelled_prices(prices))
    return Outcomes(
        rows=rows,
        prices=prices[rows],
        returns=logs[rows + horizon] - logs[rows],
        growth=prices[rows + horizon] / prices[rows],
        horizon=horizon,
        probability=probability,
    )


def score(seen: Outcomes, log_quantiles: FloatArray) -> Score:
    """Return how the quantiles of the scored rows did.

    Rows without a rate, and models that say nothing at all, are the caller's to leave out.
    """
    rates = np.exp(log_quantiles)
    hits = seen.returns < log_quantiles
    tests = interleaved(hits, seen.probability, seen.horizon)
    unconditional = [test.unconditional for test in tests]
    conditional = [test.conditional for test in tests]
    phases = [int(hits[phase :: seen.horizon].sum()) for phase in range(seen.horizon)]
    frontier = tuple(matched_rate(seen.returns, log_quantiles, level) for level in FRONTIER)
    haircut = np.quantile(1 - rates, [0.01, 0.99])
    return Score(
        days=len(rates),
        exceedance=float(hits.mean()),
        kupiec=median(unconditional),
        kupiec_share=_share(unconditional),
        conditional=median(conditional),
        conditional_share=_share(conditional),
        mean_rate=float(rates.mean()),
        matched_rate=matched_rate(seen.returns, log_quantiles, seen.probability),
        tick=tick_loss(seen.returns, log_quantiles, seen.probability),
        worst=max(0.0, float(np.max(rates - seen.growth))),
        daily_move=float(np.abs(np.diff(rates)).mean()),
        fall_5d=max(0.0, float(np.max(rates[:-5] - rates[5:]))),
        haircut_ratio=float(haircut[1] / haircut[0]) if haircut[0] > 0 else math.inf,
        calls=margin_calls(seen.prices, rates) * YEAR_ROWS / len(rates),
        light=traffic_light(round(median(phases)), len(rates) // seen.horizon, seen.probability),
        frontier=frontier,
    )


def matched_rate(returns: FloatArray, log_quantiles: FloatArray, probability: float) -> float:
    """Return the mean rate once ln theta is scaled so that `probability` of the days exceed it."""
    scaled = log_quantiles * np.quantile(returns / log_quantiles, 1 - probability)
    return float(np.exp(scaled).mean())


def margin_calls(prices: FloatArray, rates: FloatArray) -> int:
    """Return how often a loan drawn to the rate is called: when it passes 1.05 theta.

    A call restores it to theta; below 0.9 theta it is drawn up to theta again.
    """
    lent = (prices * rates).tolist()
    calls, loan = 0, lent[0]
    for line in lent[1:]:
        if loan > CALL_ABOVE * line:
            calls += 1
            loan = line
        elif loan < RELEASE_BELOW * line:
            loan = line
    return calls


def _share(p_values: list[float]) -> float:
    return sum(value > SIGNIFICANCE for value in p_values) / len(p_values)

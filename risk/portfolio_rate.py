"""The pledge rate of several goods together: the same scaled scenarios, summed by date.

Each past date is a scenario: every commodity's standardised return from that date, in units of its
scale today. Summing values by date keeps the goods' dependence as it was, without a copula. Design
page "risk", section 2.1: never above the value-weighted mean of the parts, so that what falls
together in a crisis never lends more for having been bundled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from risk.pledge_rates import (
    ANCHOR,
    START_ROWS,
    TAIL_ROWS,
    FloatArray,
    RateParameters,
    modelled_prices,
    robust_scale,
    standardised,
    tail_estimate,
    walk_forward,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """Goods of one commodity: what they are worth today, and its history, oldest first."""

    value: float
    days: Sequence[date]
    prices: FloatArray


def portfolio_rate(holdings: Sequence[Holding], parameters: RateParameters) -> float:
    """Return the rate of goods held together, as a share of their summed value.

    Scenarios are the dates that all have in common, the last 5000 of them; not a number with fewer
    than 250, or where a part has no rate of its own.

    Raises:
        ValueError: nothing held, or a value that is not above zero.

    """
    if not holdings or min(holding.value for holding in holdings) <= 0:
        message = "every holding is worth more than nothing, and there is one at least"
        raise ValueError(message)
    weights = np.array([holding.value for holding in holdings], np.float64)
    weights /= weights.sum()
    parts = np.array([_rate(holding, parameters) for holding in holdings])
    growth = _summed(holdings, weights, parameters)
    if len(growth) < START_ROWS:
        return math.nan
    factors = parameters.quality_factor * (1 - parameters.disposal_cost)
    together = factors * math.exp(_quantile(growth, parameters))
    if parameters.cap is not None:
        together = min(together, parameters.cap)
    # NaN stays NaN: a part without a rate leaves the whole without one.
    return float(np.minimum(together, weights @ parts))


def _rate(holding: Holding, parameters: RateParameters) -> float:
    last = len(holding.prices) - 1
    return float(walk_forward(holding.prices, parameters, first_row=last).rate[last])


def _summed(
    holdings: Sequence[Holding], weights: FloatArray, parameters: RateParameters
) -> FloatArray:
    """Return the log growth of the whole in every common scenario, oldest first."""
    by_date = [_scenarios(holding, parameters) for holding in holdings]
    common = sorted(set.intersection(*(set(one) for one in by_date)))[-TAIL_ROWS:]
    growth = np.array([[one[day] for day in common] for one in by_date])
    return np.log(weights @ np.exp(growth)) if common else np.array([])


def _scenarios(holding: Holding, parameters: RateParameters) -> dict[date, float]:
    """Return what each past date would mean today: its return in today's scale."""
    logs = np.log(modelled_prices(holding.prices))
    scale = robust_scale(logs)
    moves = standardised(logs, scale, parameters.horizon)
    days = parameters.horizon + parameters.remargin_days - 1
    scaled = (moves * scale[-1] * math.sqrt(days)).tolist()
    return {
        day: move for day, move in zip(holding.days, scaled, strict=False) if not math.isnan(move)
    }


def _quantile(growth: FloatArray, parameters: RateParameters) -> float:
    """Return the whole's log quantile, by the same estimate of the tail as each part's."""
    probability = parameters.tail_probability
    at_p, at_anchor = np.quantile(growth, [probability, ANCHOR])
    return float(tail_estimate(np.array(at_p), np.array(at_anchor), probability))

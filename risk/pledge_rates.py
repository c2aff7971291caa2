"""The pledge-rate model: blended-scale filtered historical simulation with a pooled tail.

Pure functions on arrays: no database, no clock. A price history goes in, the pledge rate of every
row comes out, each computed only from the rows up to it (walk-forward).

Words: P price, r one-day log return, R h-day log return, s robust daily scale, z the h-day return
in units of scale, h disposal horizon in trading days, p = 1 - confidence. Logs are base e; scales
are per day; rates are fractions. Floats are right here: this is statistics, not money. What is
published from it is a whole number of basis points (see `risk.governance`).

Futures and hub spot prices stand in for goods prices: warehouse goods add basis, grade and
liquidity risk, which belongs in `disposal_cost`, `quality_factor` and a longer horizon.
"""

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from risk.tails import tail_quantiles

FloatArray = npt.NDArray[np.float64]

MODEL_NAME = "bfhs-1"

PRICE_FLOOR = 0.10  # a print at or below this share of the previous price is modelled as this share
DECAYS = (0.90, 0.97, 0.995)
DECAY_WEIGHTS = (0.45, 0.35, 0.20)
LONG_RUN_SHARE = 0.25  # the part of the scale that does not forget: keeps rates less procyclical
LONG_RUN_ROWS = 2500
START_ROWS = 250  # rows before the long-run mean and the first quantile exist
TAIL_ROWS = 5000
ANCHOR = 0.05  # the tail beyond this probability is extrapolated from its quantile
TAIL_INDEX = 0.28  # Weissman's xi
PRIOR_WEIGHT = 1000
PEER_WEIGHT = 60  # rows that the peer class counts for in a cold start
COLD_START_ROW = 60

# Tail priors of the shared panel, at horizon 4 and 10 and p = 1 % and 5 %.
_PRIORS = {(4, 0.01): -2.80, (4, 0.05): -1.70, (10, 0.01): -2.90, (10, 0.05): -1.75}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateParameters:
    """What a rate depends on besides prices.

    horizon: trading days to take title and sell. confidence: probability that the sale covers the
    loan. quality_factor g and disposal_cost delta: shares of the value. remargin_days: business
    days between two revaluations. cap: highest rate, None for none. peer_scale: mean absolute
    daily log return of the peer class; set, it gives a new series rates from row 60 on.
    """

    horizon: int = 10
    confidence: float = 0.99
    quality_factor: float = 1.0
    disposal_cost: float = 0.0
    cap: float | None = None
    remargin_days: int = 1
    peer_scale: float | None = None

    def __post_init__(self) -> None:
        """Refuse values outside their range, by name.

        Raises:
            ValueError: naming the parameter, its value and the range.

        """
        checks = (
            ("horizon", self.horizon, self.horizon >= 1, "1 trading day or more"),
            ("confidence", self.confidence, 0.5 < self.confidence < 1, "between 0.5 and 1"),
            ("quality_factor", self.quality_factor, 0 <= self.quality_factor <= 1, "0 to 1"),
            ("disposal_cost", self.disposal_cost, 0 <= self.disposal_cost < 1, "0 to below 1"),
            ("cap", self.cap, self.cap is None or 0 < self.cap <= 1, "above 0, at most 1"),
            ("remargin_days", self.remargin_days, self.remargin_days >= 1, "1 day or more"),
            (
                "peer_scale",
                self.peer_scale,
                self.peer_scale is None or self.peer_scale > 0,
                "above 0",
            ),
        )
        for name, value, holds, expected in checks:
            if not holds:
                message = f"{name} is {value}; it must be {expected}"
                raise ValueError(message)

    @property
    def tail_probability(self) -> float:
        """Return p = 1 - confidence, without the dust of binary subtraction."""
        return round(1 - self.confidence, 12)


@dataclass(frozen=True, slots=True)
class RatePath:
    """The model along one price history, one value a row; NaN where there is none yet.

    rate: theta. log_quantile: q, so that the uncapped rate is g (1 - delta) exp(q).
    scale: s, robust daily scale. tail: z*, the pooled tail quantile. observations: n behind it.
    """

    rate: FloatArray
    log_quantile: FloatArray
    scale: FloatArray
    tail: FloatArray
    observations: npt.NDArray[np.int64]


def walk_forward(
    prices: npt.ArrayLike,
    parameters: RateParameters | None = None,
    *,
    ages: npt.ArrayLike = 0.0,
    first_row: int = 0,
) -> RatePath:
    """Compute the rate of every row from `first_row` on, each from the rows up to it.

    prices: raw prices, oldest first, one a trading day; zero and negative ones are allowed and get
    rate 0. ages: business days since the print, one number or one a row. A later `first_row`
    changes no value, it only saves time. Steps and numbers: design page "risk", section 2.1.

    Raises:
        ValueError: a price that is not a finite number.

    """
    chosen = parameters or RateParameters()
    raw = np.asarray(prices, dtype=np.float64)
    if not np.isfinite(raw).all():
        message = f"price {raw[~np.isfinite(raw)][0]} is not a finite number"
        raise ValueError(message)
    logs = np.log(modelled_prices(raw))
    scale = robust_scale(logs, peer_scale=chosen.peer_scale)
    tail, observations = _pooled_tail(logs, scale, chosen, first_row)
    days = chosen.horizon + np.maximum(np.asarray(ages, np.float64), 0) + chosen.remargin_days - 1
    # Rows before the first one are not asked for: today's rate costs one row of what follows.
    log_quantile, rate = np.full((2, len(raw)), np.nan)
    asked = slice(first_row, None)
    risky, units = scale[asked] > 0, np.broadcast_to(np.sqrt(days), raw.shape)[asked]
    # A scale of zero is a feed that never moved: no evidence of risk is not evidence of none.
    log_quantile[asked] = np.where(risky, tail[asked] * scale[asked] * units, np.nan)
    lent = chosen.quality_factor * (1 - chosen.disposal_cost) * np.exp(log_quantile[asked])
    if chosen.cap is not None:
        lent = np.minimum(lent, chosen.cap)
    rate[asked] = np.where((raw[asked] <= 0) & ~np.isnan(tail[asked]), 0.0, lent)
    return RatePath(rate, log_quantile, scale, tail, observations)


def modelled_prices(raw: FloatArray) -> FloatArray:
    """Return prices with every crash to a tenth or below (or to zero and below) held at a tenth.

    The floor chains on the modelled price. Leading rows at or below zero take the first positive
    price, so that they show no return. Without any positive price the result is all ones.
    """
    # Rows up to the first suspicious one need no loop, and most series have none.
    below = raw <= 0
    below[1:] |= raw[1:] <= PRICE_FLOOR * raw[:-1]
    suspicious = np.flatnonzero(below)
    if not suspicious.size:
        return raw
    positive = np.flatnonzero(raw > 0)
    if not positive.size:
        return np.ones_like(raw)
    modelled = raw.copy()
    modelled[: positive[0]] = raw[positive[0]]
    values: list[float] = modelled.tolist()
    for row in range(max(int(suspicious[0]), 1), len(values)):
        floor = PRICE_FLOOR * values[row - 1]
        values[row] = max(floor, values[row])
    return np.asarray(values)


def robust_scale(logs: FloatArray, *, peer_scale: float | None = None) -> FloatArray:
    """Return s: the daily scale of every row, from absolute returns so that no outlier rules it.

    sqrt(pi/2) times three quarters of a blend of exponential means and one quarter of the mean of
    the last 2500 rows; the blend alone before row 249. With `peer_scale` the rows before 249 take
    the mean of their own past returns and the peers' (weight 60 rows) instead.
    """
    moves = np.zeros_like(logs)
    np.abs(np.diff(logs), out=moves[1:])
    start = float(moves[1:START_ROWS].mean()) if len(moves) > 1 else 0.0
    blend = np.zeros_like(moves)
    for decay, weight in zip(DECAYS, DECAY_WEIGHTS, strict=True):
        blend += weight * exponential_mean(moves, decay, start)
    sums = np.concatenate(([0.0], np.cumsum(moves)))
    if peer_scale is not None:
        early = np.arange(min(len(moves), START_ROWS - 1))
        blend[early] = (PEER_WEIGHT * peer_scale + sums[early + 1]) / (PEER_WEIGHT + early)
    first = START_ROWS - 1
    rows = np.arange(first, len(moves)) + 1
    oldest = np.maximum(0, rows - LONG_RUN_ROWS)
    long_run = (sums[first + 1 :] - sums[oldest]) / (rows - oldest)
    blend[first:] = (1 - LONG_RUN_SHARE) * blend[first:] + LONG_RUN_SHARE * long_run
    return math.sqrt(math.pi / 2) * blend


def exponential_mean(values: FloatArray, decay: float, start: float) -> FloatArray:
    """Return A_t = decay A_(t-1) + (1 - decay) x_t for every row, with A_(-1) = start.

    Blocks of scaled running sums: as exact as the recursion, at the speed of the array library.
    """
    result = np.empty_like(values)
    powers = _powers(decay)
    carry = start
    for left in range(0, len(values), len(powers)):
        block = values[left : left + len(powers)]
        scaled = powers[: len(block)]
        means = scaled * (carry + (1 - decay) * np.cumsum(block / scaled))
        result[left : left + len(block)] = means
        carry = float(means[-1])
    return result


@cache
def _powers(decay: float) -> FloatArray:
    """Return decay to the power 1, 2, ... down to 1e-200, far from underflow, or 8192 of them."""
    rows = min(int(-200 / math.log10(decay)), 8192)
    return np.asarray(decay ** np.arange(1, rows + 1), np.float64)


def _pooled_tail(
    logs: FloatArray, scale: FloatArray, parameters: RateParameters, first_row: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return z* and n of every row: steps 3 to 5, with the cold start's prior where asked."""
    horizon, probability = parameters.horizon, parameters.tail_probability
    prior = tail_prior(horizon, probability)
    tail = np.full(len(logs), np.nan)
    observations = np.zeros(len(logs), np.int64)
    first = max(first_row, horizon + START_ROWS - 1)
    if parameters.peer_scale is not None:
        tail[COLD_START_ROW:first] = prior
    if first >= len(logs):
        return tail, observations
    moves = standardised(logs, scale, horizon)
    (at_p, at_anchor), counts = tail_quantiles(
        moves, (probability, ANCHOR), window=TAIL_ROWS, least=START_ROWS, first=first - horizon
    )
    estimate = tail_estimate(at_p, at_anchor, probability)
    tail[first:] = (counts * estimate + PRIOR_WEIGHT * prior) / (counts + PRIOR_WEIGHT)
    observations[first:] = counts
    return tail, observations


def standardised(logs: FloatArray, scale: FloatArray, horizon: int) -> FloatArray:
    """Return z: each row's h-day return in units of its scale; NaN where the feed had not moved."""
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = (logs[horizon:] - logs[:-horizon]) / (scale[:-horizon] * math.sqrt(horizon))
    moves[scale[:-horizon] <= 0] = np.nan
    return moves


def tail_estimate(at_p: FloatArray, at_anchor: FloatArray, probability: float) -> FloatArray:
    """Return z_hat: the geometric mean of the empirical and the extrapolated tail quantile."""
    if probability >= ANCHOR:
        return at_p
    extrapolated = at_anchor * (ANCHOR / probability) ** TAIL_INDEX
    # A series that hardly ever fell has no negative anchor to extrapolate from.
    both = np.sqrt(np.where(at_anchor < 0, at_p * extrapolated, np.nan))
    return np.where(at_anchor < 0, -both, at_p)


def tail_prior(horizon: int, probability: float) -> float:
    """Return z0, the pooled panel's tail quantile for a horizon and a tail probability.

    Exact at the four knots (h 4 and 10, p 1 % and 5 %). Between horizons linear in ln h, outside
    them the nearest knot; between probabilities log-log; beyond 1 % along the same power tail as
    the estimate (xi 0.28); above 5 % in proportion to the normal quantile.
    """
    share = math.log(min(max(horizon, 4), 10) / 4) / math.log(10 / 4)
    one, five = (
        (1 - share) * _PRIORS[4, level] + share * _PRIORS[10, level] for level in (0.01, ANCHOR)
    )
    if probability <= 0.01:
        return one * math.pow(0.01 / probability, TAIL_INDEX)
    if probability >= ANCHOR:
        normal = NormalDist()
        return five * normal.inv_cdf(probability) / normal.inv_cdf(ANCHOR)
    slope = math.log(one / five) / math.log(ANCHOR / 0.01)
    return five * math.pow(ANCHOR / probability, slope)

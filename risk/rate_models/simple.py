"""Challengers without a fit: static rates, historical quantiles, RiskMetrics, filtered history."""

import math
from statistics import NormalDist

import numpy as np

from risk.pledge_rates import FloatArray, RateParameters, exponential_mean
from risk.rate_models.protocol import LogQuantiles
from risk.tails import tail_quantiles

CALIBRATION_ROWS = 1250
START_ROWS = 250
FILTER_ROWS = 2500
FLOOR_ROWS = 2500  # ten years of trading days


def constant(rate: float) -> LogQuantiles:
    """Return a model that lends the same share of everything on every day."""

    def quantiles(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
        return np.full(len(logs), math.log(rate))

    return quantiles


def calibrated(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
    """Return the empirical quantile of the first 1250 rows, frozen from then on."""
    found = np.full(len(logs), np.nan)
    if len(logs) > CALIBRATION_ROWS:
        early = horizon_returns(logs[:CALIBRATION_ROWS], parameters.horizon)
        found[CALIBRATION_ROWS:] = np.quantile(early, parameters.tail_probability)
    return found


def rolling(window: int) -> LogQuantiles:
    """Return historical simulation: the empirical quantile of the last `window` returns."""

    def quantiles(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
        returns = horizon_returns(logs, parameters.horizon)
        return moving_quantile(returns, parameters, first_row, rows=len(logs), window=window)

    return quantiles


def risk_metrics(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
    """Return RiskMetrics 1996: squared returns decayed by 0.94, normal, square root of time."""
    normal = NormalDist().inv_cdf(parameters.tail_probability)
    found = normal * deviation(logs, 0.94) * math.sqrt(parameters.horizon)
    found[: START_ROWS - 1] = np.nan
    return found


def filtered(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
    """Return filtered historical simulation: decay 0.97, direct standardised h-day returns."""
    scale = deviation(logs, 0.97)
    return _filtered_tail(logs, scale, parameters, first_row) * scale


def filtered_with_floor(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
    """Return the filtered quantile, never above the plain one of the last ten years.

    The floor of EMIR RTS 153/2013 Article 28(1)(c) on margins.
    """
    ten_years = rolling(FLOOR_ROWS)(logs, parameters, first_row)
    return np.fmin(filtered(logs, parameters, first_row), ten_years)


def _filtered_tail(
    logs: FloatArray, scale: FloatArray, parameters: RateParameters, first_row: int
) -> FloatArray:
    """Return the quantile of h-day returns in units of the deviation when they began."""
    horizon = parameters.horizon
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = horizon_returns(logs, horizon) / scale[: max(0, len(logs) - horizon)]
    standard[~np.isfinite(standard)] = np.nan
    return moving_quantile(standard, parameters, first_row, rows=len(logs), window=FILTER_ROWS)


def horizon_returns(logs: FloatArray, horizon: int) -> FloatArray:
    """Return R_u = ln(P_(u+h) / P_u) for every u whose outcome is among the rows."""
    return logs[horizon:] - logs[: max(0, len(logs) - horizon)]


def moving_quantile(
    returns: FloatArray, parameters: RateParameters, first_row: int, *, rows: int, window: int
) -> FloatArray:
    """Return for each row the p-quantile of the last `window` returns that were complete by it."""
    found = np.full(rows, np.nan)
    first = max(first_row, parameters.horizon)
    if first >= rows:
        return found
    (values,), _counts = tail_quantiles(
        returns,
        (parameters.tail_probability,),
        window=window,
        least=START_ROWS,
        first=first - parameters.horizon,
    )
    found[first:] = values
    return found


def deviation(logs: FloatArray, decay: float) -> FloatArray:
    """Return the exponential root mean square of daily log returns, per day, of every row.

    It starts at the mean square of rows 1 to 249, so it may be relied on from row 249 on; what
    stands before it only scales the returns of that first year.
    """
    squares = np.zeros_like(logs)
    squares[1:] = np.diff(logs) ** 2
    if len(logs) < START_ROWS:
        return np.full(len(logs), np.nan)
    start = float(squares[1:START_ROWS].mean())
    return np.sqrt(exponential_mean(squares, decay, start))

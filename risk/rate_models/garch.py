"""The GARCH challenger: GARCH(1,1) with Student's t, refitted now and then, filtered daily.

Bollerslev, Journal of Econometrics 31 (1986) and Review of Economics and Statistics 69 (1987),
estimated by the package `arch`. The variance over the horizon is the analytic sum of its daily
forecasts; the quantile is that of the fitted t, scaled to it.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.pledge_rates import FloatArray, RateParameters

WINDOW = 1500
REFIT_ROWS = 63
FIRST_FIT = 309  # so that one stands on row 1254, the day before backtests begin to score
_PER_CENT = 100.0  # the optimiser is at home with returns near one


@dataclass(frozen=True, slots=True)
class Fit:
    """Estimated on per cent returns: omega, alpha, beta, nu, the mean, and the variance then."""

    mean: float
    omega: float
    alpha: float
    beta: float
    freedom: float
    variance: float


def garch_t(logs: FloatArray, parameters: RateParameters, first_row: int) -> FloatArray:
    """Return the quantile of every row from `first_row` on: fits stand at rows 309, 372, ...

    A fit whose optimiser fails keeps the parameters of the one before it.
    """
    returns = np.zeros_like(logs)
    returns[1:] = _PER_CENT * np.diff(logs)
    found = np.full(len(logs), np.nan)
    start = FIRST_FIT + max(0, first_row - FIRST_FIT) // REFIT_ROWS * REFIT_ROWS
    for row in range(start, len(logs), REFIT_ROWS):
        fit = fitted(returns[max(1, row + 1 - WINDOW) : row + 1])
        ahead = returns[row + 1 : row + REFIT_ROWS]
        variances = _filtered(fit, ahead)
        found[row : row + len(variances)] = _quantiles(fit, variances, parameters)
    found[:first_row] = np.nan
    return found


def fitted(returns: FloatArray) -> Fit:
    """Return the maximum likelihood fit to per cent returns and the variance of the day after."""
    from arch import arch_model

    model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    result: Any = model.fit(disp="off", show_warning=False, options={"maxiter": 200})
    mean, omega, alpha, beta, freedom = (float(value) for value in result.params)
    last = float(result.conditional_volatility[-1]) ** 2
    after = omega + alpha * (float(returns[-1]) - mean) ** 2 + beta * last
    return Fit(mean, omega, alpha, beta, freedom, after)


def _filtered(fit: Fit, ahead: FloatArray) -> FloatArray:
    """Return the variance of the day after each row: of the fit's row, then of those ahead."""
    variances = np.empty(len(ahead) + 1)
    variances[0] = variance = fit.variance
    for row, value in enumerate(ahead.tolist(), start=1):
        variance = fit.omega + fit.alpha * (value - fit.mean) ** 2 + fit.beta * variance
        variances[row] = variance
    return variances


def _quantiles(fit: Fit, variances: FloatArray, parameters: RateParameters) -> FloatArray:
    """Return the horizon's log quantile for each row's next-day variance: the mean drifts on."""
    from scipy.stats import t as student

    horizon, p = parameters.horizon, parameters.tail_probability
    persistence = min(fit.alpha + fit.beta, 0.9999)
    level = fit.omega / (1 - persistence)
    weight = (1 - persistence**horizon) / (1 - persistence)
    total = horizon * level + weight * (variances - level)
    unit = float(student.ppf(p, fit.freedom)) * math.sqrt((fit.freedom - 2) / fit.freedom)
    return (horizon * fit.mean + unit * np.sqrt(total)) / _PER_CENT

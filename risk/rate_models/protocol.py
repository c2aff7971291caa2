"""What every pledge-rate model answers, whatever its method.

A model is a name, a version and a function from a price history to log quantiles: q of each row,
the log return over the horizon that is undercut with the tail probability, from the rows up to it
alone. Everything else is common: the age of a price lengthens the horizon, grade and disposal cost
cut the rate, a price at or below zero lends nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk.pledge_rates import FloatArray, RateParameters, RatePath, modelled_prices

Walk = Callable[[FloatArray, RateParameters, npt.ArrayLike, int], RatePath]
LogQuantiles = Callable[[FloatArray, RateParameters, int], FloatArray]


@dataclass(frozen=True, slots=True)
class RateModel:
    """A way to compute pledge rates.

    code: what a commodity chooses it by. version: counted up when its numbers change, so that a
    published rate tells which code made it. source: where the formula is published.
    """

    code: str
    version: int
    source: str
    walk: Walk

    @property
    def identity(self) -> str:
        """The name that a published rate keeps, such as "hs1000-1"."""
        return f"{self.code}-{self.version}"

    def path(
        self,
        prices: npt.ArrayLike,
        parameters: RateParameters,
        *,
        ages: npt.ArrayLike = 0.0,
        first_row: int = 0,
    ) -> RatePath:
        """Return the rate of every row from `first_row` on, each from the rows up to it.

        As `risk.pledge_rates.walk_forward`; rows without enough history are NaN.
        """
        return self.walk(np.asarray(prices, np.float64), parameters, ages, first_row)


def from_quantiles(log_quantiles: LogQuantiles) -> Walk:
    """Return the walk of a model that says quantiles of the horizon's log return.

    The quantile of a longer horizon, for an old price or slow remargining, is taken by the square
    root of time.
    """

    def walk(
        raw: FloatArray, parameters: RateParameters, ages: npt.ArrayLike, first_row: int
    ) -> RatePath:
        at_horizon = log_quantiles(np.log(modelled_prices(raw)), parameters, first_row)
        horizon = parameters.horizon
        days = horizon + np.maximum(np.asarray(ages, np.float64), 0) + parameters.remargin_days - 1
        quantile = at_horizon * np.sqrt(days / horizon)
        rate = parameters.quality_factor * (1 - parameters.disposal_cost) * np.exp(quantile)
        if parameters.cap is not None:
            rate = np.minimum(rate, parameters.cap)
        rate = np.where((raw <= 0) & ~np.isnan(quantile), 0.0, rate)
        unknown = np.full(len(raw), np.nan)
        return RatePath(rate, quantile, unknown, unknown, np.arange(1, len(raw) + 1))

    return walk

"""How a model rate becomes a published rate: quick down, slow up, whole basis points.

The rule (design page "risk", 2.1 step 7): a rate falls at once to the model when that is more than
0.5 percentage points lower; a smaller drop leaves it where it is; it rises by at most
0.25 percentage points a day. A model rate of zero (a price at or below zero) is published at once
and is an interruption: the next rate is measured from the last positive one, because a single bad
print must not keep a commodity at nothing for most of a year.
"""

from decimal import ROUND_DOWN, Decimal

import numpy as np
import numpy.typing as npt

FALL_BPS = 50
RISE_BPS_PER_DAY = 25
BASIS_POINTS = 10_000


def publish(
    model_rate: float, previous: Decimal | None, *, days: int = 1, cap: Decimal = Decimal(1)
) -> Decimal:
    """Return the rate to publish, a multiple of 0.0001.

    previous: the last positive published rate, None for the first. days: business days since it,
    which bound the rise: none on a weekend. cap: holds even where a small drop would leave the
    rate where it was, so that a lowered cap acts at once.

    Raises:
        ValueError: a model rate that is not between 0 and 1.

    """
    previous_bps = None if previous is None else int(previous * BASIS_POINTS)
    published = Decimal(publish_bps(model_rate, previous_bps, days=days)) / BASIS_POINTS
    return min(published, cap.quantize(Decimal("0.0001"), ROUND_DOWN))


def publish_bps(model_rate: float, previous_bps: int | None, *, days: int = 1) -> int:
    """Return the rate to publish in basis points; see `publish`."""
    if not 0 <= model_rate <= 1:
        message = f"model rate {model_rate} is not between 0 and 1"
        raise ValueError(message)
    model_bps = model_rate * BASIS_POINTS
    if previous_bps is None or model_rate == 0 or previous_bps - model_bps > FALL_BPS:
        return round(model_bps)
    highest = previous_bps + RISE_BPS_PER_DAY * days
    return max(previous_bps, min(round(model_bps), highest))


def publish_path(
    rates: npt.NDArray[np.float64], *, days: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """Return the published rates along a path of model rates; NaN rows stay NaN.

    days: business days between a row and the one before, one each by default.
    """
    published = np.full(len(rates), np.nan)
    gaps = [1] * len(rates) if days is None else days.tolist()
    previous: int | None = None
    for row in np.flatnonzero(~np.isnan(rates)).tolist():
        bps = publish_bps(float(rates[row]), previous, days=gaps[row])
        published[row] = bps / BASIS_POINTS
        previous = bps or previous
    return published

"""The rate model once more, word by word from the design page and as slowly as it reads.

One row at a time, plain Python, no arrays: what the fast implementation must equal.
"""

import itertools
import math

PRIORS = {(10, 0.01): -2.90, (4, 0.01): -2.80, (10, 0.05): -1.75, (4, 0.05): -1.70}


def plain_rate(prices: list[float], row: int, horizon: int, p: float) -> float | None:
    """Return the rate of one row, from the prices up to it; None before the first one."""
    if row < horizon + 249:
        return None
    if prices[row] <= 0:
        return 0.0
    modelled = [prices[0]]
    for price in prices[1 : row + 1]:
        modelled.append(max(price, 0.1 * modelled[-1]))
    moves = [0.0] + [abs(math.log(b / a)) for a, b in itertools.pairwise(modelled)]
    scales = _scales(moves)
    ratios = [
        math.log(modelled[u + horizon] / modelled[u]) / (scales[u] * math.sqrt(horizon))
        for u in range(row - horizon + 1)
    ][-5000:]
    n = len(ratios)
    z1, z5 = _quantile(ratios, p), _quantile(ratios, 0.05)
    z_hat = z1 if p >= 0.05 else -math.sqrt(z1 * z5 * (0.05 / p) ** 0.28)
    pooled = (n * z_hat + 1000 * PRIORS[horizon, p]) / (n + 1000)
    return math.exp(pooled * scales[row] * math.sqrt(horizon))


def _scales(moves: list[float]) -> list[float]:
    start = sum(moves[1:250]) / 249
    means = {0.90: start, 0.97: start, 0.995: start}
    scales = []
    for row, move in enumerate(moves):
        means = {decay: decay * mean + (1 - decay) * move for decay, mean in means.items()}
        blend = 0.45 * means[0.90] + 0.35 * means[0.97] + 0.20 * means[0.995]
        if row >= 249:
            window = moves[max(0, row - 2499) : row + 1]
            blend = 0.75 * blend + 0.25 * math.fsum(window) / len(window)
        scales.append(math.sqrt(math.pi / 2) * blend)
    return scales


def _quantile(values: list[float], p: float) -> float:
    ordered = sorted(values)
    position = (len(ordered) - 1) * p
    below = int(position)
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (position - below)

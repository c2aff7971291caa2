"""The floors beside the rate model do the same work: their numbers are the model's."""

import numpy as np

from risk.benchmarks import filtered_history, histories, ordered_tails, refit, same_model
from risk.pledge_rates import walk_forward


def test_the_floor_of_the_model_gives_its_rates() -> None:
    """But for the first rows' start, which ten years have forgotten."""
    prices = histories(3)
    rates = [walk_forward(row).rate[-1] for row in prices]
    assert np.abs(same_model(prices) - rates).max() < 0.01
    assert np.abs(filtered_history(prices)).max() < 0.2


def test_ordered_tails_are_the_quantiles_of_every_day() -> None:
    prices = histories(2)
    found = ordered_tails(prices)
    assert found.shape == (2, 2490, 2)
    scale = walk_forward(prices[0]).scale
    standard = np.log(prices[0][10:] / prices[0][:-10]) / (scale[:-10] * np.sqrt(10))
    for day in (1500, 2489):
        expected = np.quantile(standard[: day + 1], [0.01, 0.05])
        assert np.abs(found[:, day, 0] / expected - 1).max() < 0.02


def test_the_refit_is_measured_beside_both_floors_and_the_fits() -> None:
    results = list(refit(4))
    assert [result.case for result in results] == [
        "today's rates, floor: model",
        "today's rates, floor: filtered",
    ]
    assert all(result.ratio and result.peer_ratio for result in results)

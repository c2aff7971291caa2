"""The tests of quantile forecasts, against published tables and plain arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from risk.backtests.statistics import (
    Light,
    coverage,
    independence,
    interleaved,
    kupiec,
    kupiec_range,
    tick_loss,
    traffic_light,
)


@pytest.mark.parametrize(
    ("probability", "ranges"),
    [
        (0.01, [(1, 6), (2, 10), (5, 16)]),
        (0.025, [(3, 11), (7, 20), (16, 35)]),
        (0.05, [(7, 20), (17, 35), (38, 64)]),
        (0.10, [(17, 35), (39, 64), (82, 119)]),
    ],
)
def test_acceptance_equals_kupiec_1995_table_3(
    probability: float, ranges: list[tuple[int, int]]
) -> None:
    """As recomputed on the design page: zero hits in 255 is rejected."""
    assert [kupiec_range(days, probability) for days in (255, 510, 1000)] == ranges


@pytest.mark.parametrize("hits", range(16))
def test_the_traffic_light_of_250_days(hits: int) -> None:
    expected = Light.GREEN if hits <= 4 else Light.YELLOW if hits <= 9 else Light.RED
    assert traffic_light(hits, 250, 0.01) == expected


def test_the_traffic_light_of_other_samples() -> None:
    """By the chance of as many hits or fewer, summed up term by term."""
    chance = 0.0
    for hits in range(30):
        chance += math.comb(780, hits) * 0.01**hits * 0.99 ** (780 - hits)
        light = traffic_light(hits, 780, 0.01)
        assert (light == Light.GREEN) == (chance < 0.95)
        assert (light == Light.RED) == (chance >= 0.9999)


def test_the_likelihood_ratio_by_hand() -> None:
    expected = -2 * math.log((0.99**245 * 0.01**10) / ((1 - 10 / 255) ** 245 * (10 / 255) ** 10))
    assert kupiec(10, 255, 0.01) == pytest.approx(expected, rel=1e-12)
    assert kupiec(0, 255, 0.01) == pytest.approx(-2 * 255 * math.log(0.99))
    assert kupiec(3, 300, 0.01) == pytest.approx(0, abs=1e-12)
    assert kupiec(5, 5, 0.01) == pytest.approx(-2 * 5 * math.log(0.01))


def test_independence_by_hand() -> None:
    hits = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0], bool)
    # 0 to 0: five, 0 to 1: two, 1 to 0: two, 1 to 1: one.
    apart = 5 * math.log(5 / 7) + 2 * math.log(2 / 7) + 2 * math.log(2 / 3) + math.log(1 / 3)
    alike = 7 * math.log(0.7) + 3 * math.log(0.3)
    assert independence(hits) == pytest.approx(2 * (apart - alike), rel=1e-12)


def test_hits_that_cluster_fail_the_conditional_test_alone() -> None:
    spread, together = np.zeros(1000, bool), np.zeros(1000, bool)
    spread[50::100] = True
    together[500:510] = True
    assert coverage(spread, 0.01).unconditional == coverage(together, 0.01).unconditional == 1
    assert coverage(spread, 0.01).conditional > 0.9
    assert coverage(together, 0.01).conditional < 1e-9
    assert coverage(together, 0.01).independence < 1e-9


def test_conditional_coverage_is_the_sum_on_two_degrees() -> None:
    hits = np.zeros(300, bool)
    hits[[3, 50, 51, 52, 200, 201, 299]] = True
    found = coverage(hits, 0.01)
    total = kupiec(7, 300, 0.01) + independence(hits)
    assert found.conditional == pytest.approx(float(chi2.sf(total, 2)))


def test_a_sample_without_hits_or_without_pairs_says_nothing_of_independence() -> None:
    assert independence(np.zeros(100, bool)) == 0
    assert independence(np.ones(100, bool)) == 0
    assert independence(np.zeros(1, bool)) == 0


def test_subsamples_take_every_tenth_day() -> None:
    hits = np.zeros(1000, bool)
    hits[3::10] = True
    found = interleaved(hits, 0.01, 10)
    assert [test.unconditional < 1e-6 for test in found] == [phase == 3 for phase in range(10)]


def test_the_tick_loss_by_hand() -> None:
    returns, quantiles = np.array([0.1, -0.3]), np.array([-0.2, -0.2])
    assert tick_loss(returns, quantiles, 0.01) == pytest.approx(
        (0.01 * 0.3 + (0.01 - 1) * -0.1) / 2
    )


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=60), st.floats(0.01, 0.5))
def test_the_tick_loss_is_least_at_the_quantile(values: list[float], probability: float) -> None:
    returns = np.array(values)
    best = np.quantile(returns, probability, method="inverted_cdf")
    least = tick_loss(returns, np.full(len(values), best), probability)
    for other in (*values, -1.5, 0.0, 1.5):
        assert least <= tick_loss(returns, np.full(len(values), other), probability) + 1e-12


@given(st.integers(1, 400), st.floats(0.001, 0.2), st.data())
def test_ratios_are_never_negative(days: int, probability: float, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, days))
    assert kupiec(hits, days, probability) >= 0

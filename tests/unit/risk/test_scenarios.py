"""Crises told again and futures drawn from the past."""

from datetime import date, timedelta

import numpy as np
import pytest

from risk.histories import PriceHistory
from risk.scenarios import Crisis, draw, replay

MONDAY = date(2008, 7, 7)
WEEK = Crisis("week", "A week", MONDAY, MONDAY + timedelta(days=4))


def history(values, first=MONDAY, step=1):
    days = [first + timedelta(days=step * row) for row in range(len(values))]
    return PriceHistory(days, [float(value) for value in values])


def test_a_replay_follows_prices_from_the_first_day_on():
    futures = replay({1: history([50, 100, 80, 60, 75, 90, 1])}, {1: "metal"}, WEEK)
    assert futures.days == tuple(MONDAY + timedelta(days=day) for day in range(5))
    assert futures.factors[:, 0].tolist() == [1.0, 2.0, 1.6, 1.2, 1.5]


def test_a_replay_starts_at_the_last_price_before_a_first_day_without_one():
    days = [MONDAY - timedelta(days=3), MONDAY + timedelta(days=2)]
    futures = replay({1: PriceHistory(days, [100.0, 50.0])}, {1: "metal"}, WEEK)
    assert futures.days == (MONDAY, MONDAY + timedelta(days=2))
    assert futures.factors[:, 0].tolist() == [1.0, 0.5]


def test_a_price_below_zero_is_zero_in_a_replay():
    futures = replay({1: history([20, 10, -37, 8])}, {1: "oil"}, WEEK)
    assert futures.factors[:, 0].tolist() == [1.0, 0.5, 0.0, 0.4]


def test_who_has_no_series_then_follows_its_class():
    """The mean log move of its class, √(0.25 · 1) = 0.5, whatever another class does."""
    histories = {
        1: history([100, 25]),
        2: history([100, 100]),
        3: history([100, 900]),
        4: history([5, 6], date(2015, 1, 5)),
    }
    futures = replay(histories, {1: "metal", 2: "metal", 3: "oil", 4: "metal", 5: "oil"}, WEEK)
    assert futures.borrowed == (4, 5)
    assert futures.factors[1] == pytest.approx([0.25, 1.0, 9.0, 0.5, 9.0])


def test_a_crisis_nobody_has_seen_moves_nothing():
    futures = replay({}, {1: "metal"}, WEEK)
    assert (futures.factors.shape, futures.days) == ((0, 1), ())


# --- futures ------------------------------------------------------------------------------------


def walk(seed, rows=600, scale=0.01):
    steps = np.random.default_rng(seed).normal(0, scale, rows)
    return history(100 * np.exp(np.cumsum(steps)), date(2000, 1, 3))


def test_the_same_seed_draws_the_same_futures():
    histories, classes = {1: walk(1), 2: walk(2)}, {1: "metal", 2: "oil"}
    one, again, other = (
        draw(histories, classes, horizon=10, count=50, seed=seed).factors for seed in (7, 7, 8)
    )
    assert (one == again).all()
    assert not (one == other).all()


def test_what_moved_together_moves_together():
    """Two names of one series fall alike; twice its log moves fall twice, in logs."""
    single = walk(3)
    double = PriceHistory(single.days, [value**2 for value in single.values])
    drawn = draw(
        {1: single, 2: single, 3: double}, {1: "a", 2: "a", 3: "a"}, horizon=5, count=200, seed=1
    )
    logs = np.log(drawn.factors)
    assert logs[:, 0] == pytest.approx(logs[:, 1])
    assert logs[:, 2] == pytest.approx(2 * logs[:, 0])


def test_the_spread_is_todays_over_the_horizon():
    """A normal walk with 1 % a day moves about 1 % · √h; the scale is today's estimate."""
    drawn = draw({1: walk(4, rows=2000)}, {1: "a"}, horizon=10, count=4000, seed=2)
    assert np.log(drawn.factors).std() == pytest.approx(0.01 * np.sqrt(10), rel=0.25)


def test_without_enough_history_a_class_speaks_for_its_member():
    drawn = draw({1: walk(5), 2: walk(6, rows=50)}, {1: "a", 2: "a"}, horizon=10, count=9, seed=3)
    assert drawn.borrowed == (2,)
    assert drawn.factors[:, 1] == pytest.approx(drawn.factors[:, 0])
    nothing = draw({}, {1: "a"}, horizon=10, count=9, seed=3)
    assert (nothing.borrowed, nothing.factors.tolist()) == ((1,), [[1.0]] * 9)

"""The rate model: exact against the reference, the plain text of the specification and itself."""

import csv
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.pledge_rates import (
    RateParameters,
    exponential_mean,
    modelled_prices,
    tail_prior,
    walk_forward,
)
from risk.price_files import read_price_file

from .plain_model import plain_rate

EXPECTED = Path(__file__).with_name("expected_rates.csv")


def _history(folder: Path, code: str) -> tuple[list[str], np.ndarray]:
    found = read_price_file(folder / f"{code}.csv", today=date(2026, 1, 1))
    assert found.problems == []
    days = [row.observed_on.isoformat() for row in found.rows]
    return days, np.array([float(row.price) for row in found.rows])


def _random_walk(rows: int, *, seed: int = 7, scale: float = 0.015) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, scale, rows)
    return 100 * np.exp(np.cumsum(steps))


@pytest.mark.parametrize(("horizon", "confidence"), [(10, 0.99), (4, 0.95)])
def test_equals_the_independent_reference(
    shared_data: Path, horizon: int, confidence: float
) -> None:
    name = f"h{horizon}_{confidence}.csv"
    with (shared_data / "reference_rates" / name).open() as lines:
        expected = [(r["commodity"], r["date"], float(r["rate"])) for r in csv.DictReader(lines)]
    parameters = RateParameters(horizon=horizon, confidence=confidence)
    rates = {}
    for code in {code for code, _day, _rate in expected}:
        days, prices = _history(shared_data / "prices", code)
        path = walk_forward(prices, parameters)
        rates.update({(code, day): rate for day, rate in zip(days, path.rate, strict=True)})
        assert np.isnan(path.rate[: horizon + 249]).all()
        assert not np.isnan(path.rate[horizon + 249 :]).any()
    assert len(expected) == 335
    worst = max(abs(rates[code, day] - rate) for code, day, rate in expected)
    assert worst < 1e-9


def test_equals_the_committed_expectations(committed_prices: Path) -> None:
    with EXPECTED.open() as lines:
        expected = list(csv.DictReader(lines))
    assert len(expected) == 90
    for code in ("copper_comex", "gold_comex", "silver_comex"):
        days, prices = _history(committed_prices, code)
        for horizon, confidence in ((10, 0.99), (4, 0.99), (4, 0.95)):
            parameters = RateParameters(horizon=horizon, confidence=confidence)
            rates = dict(zip(days, walk_forward(prices, parameters).rate, strict=True))
            rows = [r for r in expected if r["commodity"] == code]
            for row in (
                r
                for r in rows
                if (int(r["horizon"]), float(r["confidence"])) == (horizon, confidence)
            ):
                assert rates[row["date"]] == pytest.approx(float(row["rate"]), abs=1e-9)


@pytest.mark.parametrize(("horizon", "p"), [(10, 0.01), (4, 0.05), (4, 0.01)])
def test_equals_the_specification_read_aloud(
    committed_prices: Path, horizon: int, p: float
) -> None:
    prices = _history(committed_prices, "silver_comex")[1][:7000]
    rates = walk_forward(prices, RateParameters(horizon=horizon, confidence=1 - p)).rate
    for row in (horizon + 248, horizon + 249, 400, 2499, 2500, 5000 + horizon, 6999):
        expected = plain_rate(prices.tolist(), row, horizon, p)
        if expected is None:
            assert math.isnan(rates[row])
        else:
            assert rates[row] == pytest.approx(expected, abs=1e-11)


def test_crashes_are_floored_for_modelling_and_zero_prices_lend_nothing() -> None:
    prices = _random_walk(700)
    prices[400], prices[401], prices[500] = -36.98, 9.0, 0.0
    rates = walk_forward(prices).rate
    assert rates[400] == 0.0
    assert rates[500] == 0.0
    for row in (399, 401, 450, 501, 699):
        assert rates[row] == pytest.approx(plain_rate(prices.tolist(), row, 10, 0.01), abs=1e-11)
    assert (rates[501:] > 0).all()


def test_the_negative_oil_price_lends_nothing_for_one_day(shared_data: Path) -> None:
    days, prices = _history(shared_data / "prices", "wti")
    row = days.index("2020-04-20")
    rates = walk_forward(prices).rate
    assert prices[row] == -36.98
    assert rates[row] == 0.0
    for near in (row - 1, row + 1, row + 10, row + 300):
        assert rates[near] == pytest.approx(plain_rate(prices.tolist(), near, 10, 0.01), abs=1e-11)
        assert 0 < rates[near] < 0.9


def test_the_gas_price_of_february_2021_passes_through(shared_data: Path) -> None:
    days, prices = _history(shared_data / "prices", "henry_hub_gas")
    moves = np.diff(np.log(prices))
    up, down = int(moves.argmax()) + 1, int(moves.argmin()) + 1
    assert (days[up][:7], days[down][:7]) == ("2021-02", "2021-02")
    assert moves[[up - 1, down - 1]] == pytest.approx([0.745, -1.03], abs=0.005)
    rates = walk_forward(prices).rate
    for row in (up - 1, up, down, down + 1, down + 60):
        assert rates[row] == pytest.approx(plain_rate(prices.tolist(), row, 10, 0.01), abs=1e-11)
    assert rates[up - 1] > rates[up] > rates[down] > 0


def test_repeated_prints_count_as_observations() -> None:
    prices = np.repeat(_random_walk(400), 3)
    path = walk_forward(prices)
    assert path.observations[-1] == len(prices) - 10
    assert path.rate[-1] == pytest.approx(plain_rate(prices.tolist(), 1199, 10, 0.01), abs=1e-11)


def test_a_jump_that_reverses_moves_the_rate_less_than_it_would_squared() -> None:
    """Absolute returns keep one bad print from ruling the scale: at most its own weight."""
    prices = _random_walk(1500)
    wrong = prices.copy()
    wrong[1000] *= 2
    before, after = walk_forward(prices).scale, walk_forward(wrong).scale
    excess = after[1001] / before[1001]
    weights = 0.75 * (0.45 * 0.1 + 0.35 * 0.03 + 0.20 * 0.005)
    jump = 2 * math.log(2) * weights * math.sqrt(math.pi / 2)
    assert 1 < excess < 1 + 1.1 * jump / before[1001]


def test_the_floor_chains_on_the_modelled_price() -> None:
    modelled = modelled_prices(np.array([100.0, -5.0, 0.5, 60.0, 6.0]))
    assert modelled.tolist() == pytest.approx([100.0, 10.0, 1.0, 60.0, 6.0])


def test_leading_prices_at_or_below_zero_show_no_return() -> None:
    assert modelled_prices(np.array([-1.0, 0.0, 50.0, 55.0])).tolist() == [50.0, 50.0, 50.0, 55.0]
    assert modelled_prices(np.array([-1.0, 0.0])).tolist() == [1.0, 1.0]


def test_a_prefix_gives_the_same_rates_as_the_whole(committed_prices: Path) -> None:
    """No rate looks ahead."""
    prices = _history(committed_prices, "copper_comex")[1]
    whole = walk_forward(prices).rate
    for end in (260, 1000, 6000):
        part = walk_forward(prices[:end]).rate
        assert np.allclose(part, whole[:end], rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("back", [1, 30, 64, 65, 300, 6000])
def test_starting_late_changes_no_rate(committed_prices: Path, back: int) -> None:
    prices = _history(committed_prices, "copper_comex")[1]
    whole = walk_forward(prices)
    late = walk_forward(prices, first_row=len(prices) - back)
    assert np.allclose(late.rate[-back:], whole.rate[-back:], rtol=0, atol=1e-12)
    assert late.observations[-1] == 5000
    assert np.isnan(late.rate[: len(prices) - back]).all()


def test_factors_and_cap_apply_after_the_tail() -> None:
    prices = _random_walk(600)
    plain = walk_forward(prices).rate
    cut = walk_forward(prices, RateParameters(quality_factor=0.9, disposal_cost=0.05)).rate
    assert np.allclose(cut[259:], plain[259:] * 0.9 * 0.95, rtol=1e-14)
    capped = walk_forward(prices, RateParameters(cap=0.8)).rate
    assert np.array_equal(capped[259:], np.minimum(plain[259:], 0.8))


def test_age_and_slow_remargining_lengthen_the_horizon() -> None:
    prices = _random_walk(600)
    fresh = walk_forward(prices)
    aged = walk_forward(prices, RateParameters(remargin_days=2), ages=3.0)
    expected = fresh.tail[-1] * fresh.scale[-1] * math.sqrt(14)
    assert aged.log_quantile[-1] == pytest.approx(expected, rel=1e-14)
    assert walk_forward(prices, ages=-5.0).rate[-1] == fresh.rate[-1]


def test_a_feed_that_never_moved_gives_no_rate() -> None:
    assert np.isnan(walk_forward(np.full(600, 42.0)).rate).all()


def test_a_feed_that_starts_to_move_gives_rates_from_what_moved() -> None:
    prices = np.concatenate((np.full(300, 100.0), 100 * _random_walk(400) / 100))
    path = walk_forward(prices)
    assert np.isnan(path.rate[:309]).all()
    # 300 rows without scale cannot be standardised and are not counted.
    assert path.observations[-1] == len(prices) - 10 - 300
    assert 0 < path.rate[-1] < 1


def test_a_new_series_leans_on_its_peers_until_it_has_its_own_tail() -> None:
    prices = _random_walk(400)
    path = walk_forward(prices, RateParameters(peer_scale=0.02))
    plain = walk_forward(prices)
    moves = np.abs(np.diff(np.log(prices)))
    scale = math.sqrt(math.pi / 2) * (60 * 0.02 + moves[:100].sum()) / 160
    assert np.isnan(path.rate[:60]).all()
    assert path.rate[100] == pytest.approx(math.exp(-2.90 * scale * math.sqrt(10)), rel=1e-12)
    assert not np.isnan(path.rate[60:]).any()
    assert path.observations[258] == 0
    assert np.array_equal(path.scale[249:], plain.scale[249:])


@pytest.mark.parametrize("rows", [0, 1, 2, 100, 258, 259])
def test_short_histories_have_no_rate(rows: int) -> None:
    path = walk_forward(_random_walk(rows))
    assert len(path.rate) == rows
    assert np.isnan(path.rate).all()


def test_prices_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="nan is not a finite number"):
        walk_forward([1.0, float("nan")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon", 0),
        ("confidence", 1.0),
        ("confidence", 99),
        ("quality_factor", 1.1),
        ("disposal_cost", 1.0),
        ("cap", 0.0),
        ("remargin_days", 0),
        ("peer_scale", 0.0),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be"):
        RateParameters(**{name: value})


def test_the_prior_is_exact_at_its_knots() -> None:
    assert tail_prior(10, 0.01) == pytest.approx(-2.90, rel=1e-15)
    assert tail_prior(4, 0.01) == pytest.approx(-2.80, rel=1e-15)
    assert tail_prior(10, 0.05) == pytest.approx(-1.75, rel=1e-15)
    assert tail_prior(4, 0.05) == pytest.approx(-1.70, rel=1e-15)


def test_the_prior_beyond_its_knots() -> None:
    assert tail_prior(1, 0.01) == tail_prior(4, 0.01)
    assert tail_prior(20, 0.05) == tail_prior(10, 0.05)
    assert -2.90 < tail_prior(7, 0.01) < -2.80
    assert tail_prior(10, 0.005) == pytest.approx(-2.90 * 2**0.28)
    assert tail_prior(10, 0.10) == pytest.approx(-1.75 * 1.2815515655 / 1.6448536270)


@given(
    st.integers(1, 30),
    st.floats(0.001, 0.4),
    st.floats(0.001, 0.4),
)
def test_a_rarer_loss_is_a_deeper_prior(horizon: int, one: float, other: float) -> None:
    rare, common = sorted((one, other))
    assert tail_prior(horizon, rare) <= tail_prior(horizon, common) < 0


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=1300),
    st.floats(0.5, 0.999),
    st.floats(0, 1),
)
def test_block_sums_equal_the_recursion(values: list[float], decay: float, start: float) -> None:
    fast = exponential_mean(np.array(values), decay, start)
    mean = start
    for row, value in enumerate(values):
        mean = decay * mean + (1 - decay) * value
        assert fast[row] == pytest.approx(mean, rel=1e-11, abs=1e-300)

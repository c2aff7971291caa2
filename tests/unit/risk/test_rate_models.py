"""The challengers: each against its formula read aloud, and all against what a model owes."""

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from risk.pledge_rates import RateParameters, walk_forward
from risk.rate_models.codes import RateModelCode
from risk.rate_models.garch import Fit, fitted
from risk.rate_models.registry import RATE_MODELS, rate_model

from .test_pledge_rates import _history, _random_walk

PARAMETERS = RateParameters()
QUICK = [code for code in RATE_MODELS if code != RateModelCode.GARCH_T]


def _returns(prices: np.ndarray, horizon: int = 10) -> np.ndarray:
    return np.log(prices[horizon:] / prices[:-horizon])


def _quantile(code: str, prices: np.ndarray, row: int) -> float:
    return float(rate_model(code).path(prices, PARAMETERS).log_quantile[row])


def test_every_choice_has_a_model_and_every_model_a_name_of_its_own() -> None:
    assert set(RATE_MODELS) == set(RateModelCode)
    assert len({model.identity for model in RATE_MODELS.values()}) == len(RATE_MODELS)
    assert rate_model("bfhs-1") is rate_model("bfhs")
    with pytest.raises(KeyError):
        rate_model("bfhs-0")


def test_ours_is_the_model_of_the_files_to_the_last_digit() -> None:
    prices = _random_walk(900)
    path = rate_model("bfhs").path(prices, PARAMETERS, ages=2.0, first_row=700)
    assert np.array_equal(
        path.rate, walk_forward(prices, ages=2.0, first_row=700).rate, equal_nan=True
    )


def test_static_rates() -> None:
    prices = _random_walk(1400)
    assert rate_model("static70").path(prices, PARAMETERS).rate.tolist() == pytest.approx(
        [0.70] * 1400
    )
    path = rate_model("static_cal").path(prices, PARAMETERS)
    assert np.isnan(path.rate[:1250]).all()
    expected = np.exp(np.quantile(_returns(prices[:1250]), 0.01))
    assert path.rate[1250:].tolist() == pytest.approx([expected] * 150)


def test_historical_simulation_takes_the_last_complete_returns() -> None:
    prices = _random_walk(1500)
    returns = _returns(prices)
    assert _quantile("hs1000", prices, 1400) == pytest.approx(
        np.quantile(returns[391:1391], 0.01), rel=1e-12
    )
    assert _quantile("hs2500", prices, 1400) == pytest.approx(
        np.quantile(returns[:1391], 0.01), rel=1e-12
    )


def _deviations(prices: np.ndarray, decay: float) -> list[float]:
    squares = [0.0, *(np.diff(np.log(prices)) ** 2).tolist()]
    variance = sum(squares[1:250]) / 249
    found = []
    for square in squares:
        variance = decay * variance + (1 - decay) * square
        found.append(math.sqrt(variance))
    return found


def test_risk_metrics_read_aloud() -> None:
    prices = _random_walk(600)
    expected = NormalDist().inv_cdf(0.01) * _deviations(prices, 0.94)[-1] * math.sqrt(10)
    assert _quantile("riskmetrics", prices, 599) == pytest.approx(expected, rel=1e-10)
    assert math.isnan(_quantile("riskmetrics", prices, 248))


def test_filtered_history_read_aloud() -> None:
    prices = _random_walk(3000)
    scales = np.array(_deviations(prices, 0.97))
    standard = (_returns(prices) / scales[:-10])[490:2990]
    expected = np.quantile(standard, 0.01) * scales[2999]
    assert _quantile("fhs97", prices, 2999) == pytest.approx(expected, rel=1e-10)


def test_the_floor_is_the_plain_quantile_of_ten_years() -> None:
    prices = _random_walk(1500)
    floored, free, plain = (
        rate_model(code).path(prices, PARAMETERS).rate
        for code in ("fhs97_floor10y", "fhs97", "hs2500")
    )
    assert np.array_equal(floored[259:], np.minimum(free, plain)[259:])
    assert 0 < (floored < free)[259:].mean() < 1


def test_garch_finds_what_was_simulated() -> None:
    rng = np.random.default_rng(5)
    omega, alpha, beta, freedom = 0.05, 0.08, 0.90, 6.0
    variance, returns = 2.5, []
    for shock in rng.standard_t(freedom, 6000) * math.sqrt((freedom - 2) / freedom):
        returns.append(math.sqrt(variance) * shock)
        variance = omega + alpha * returns[-1] ** 2 + beta * variance
    fit = fitted(np.array(returns))
    assert fit.alpha == pytest.approx(alpha, abs=0.03)
    assert fit.beta == pytest.approx(beta, abs=0.04)
    assert fit.freedom == pytest.approx(freedom, abs=1.2)
    assert fit.variance == pytest.approx(variance, rel=0.25)


def test_garch_quantiles_by_the_day_by_day_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = Fit(mean=0.02, omega=0.05, alpha=0.07, beta=0.90, freedom=5.0, variance=3.0)
    monkeypatch.setattr("risk.rate_models.garch.fitted", lambda returns: fit)
    prices = _random_walk(372)
    path = rate_model("garch_t").path(prices, PARAMETERS)
    assert np.isnan(path.rate[:309]).all()
    ahead, total = 3.0, 0.0
    for _ in range(10):
        total += ahead
        ahead = 0.05 + 0.97 * ahead
    unit = -3.3649299989072743 * math.sqrt(3 / 5)  # the 1 % quantile of t with five degrees
    assert path.log_quantile[309] == pytest.approx((0.2 + unit * math.sqrt(total)) / 100)
    move = 100 * math.log(prices[310] / prices[309])
    after = 0.05 + 0.07 * (move - 0.02) ** 2 + 0.90 * 3.0
    ratio = (path.log_quantile[310] - 0.002) / (path.log_quantile[309] - 0.002)
    level = 0.05 / 0.03
    weight = (1 - 0.97**10) / 0.03
    assert ratio**2 == pytest.approx((10 * level + weight * (after - level)) / total)


def test_garch_starts_late_without_changing_a_rate() -> None:
    prices = _random_walk(500)
    whole = rate_model("garch_t").path(prices, PARAMETERS).rate
    late = rate_model("garch_t").path(prices, PARAMETERS, first_row=450).rate
    assert np.isnan(late[:450]).all()
    assert late[450:].tolist() == whole[450:].tolist()


@pytest.mark.parametrize("code", QUICK)
def test_no_rate_looks_ahead_and_a_late_start_changes_none(
    code: str, committed_prices: Path
) -> None:
    prices = _history(committed_prices, "copper_comex")[1][:3200]
    model = rate_model(code)
    whole = model.path(prices, PARAMETERS).rate
    for end in (260, 1300, 3000):
        assert np.array_equal(
            model.path(prices[:end], PARAMETERS).rate, whole[:end], equal_nan=True
        )
    late = model.path(prices, PARAMETERS, first_row=3190).rate
    assert late[3190:].tolist() == whole[3190:].tolist()


@pytest.mark.parametrize("code", QUICK)
def test_age_factors_cap_and_worthless_prices_act_on_every_model(code: str) -> None:
    prices = _random_walk(1400)
    prices[1390] = -5.0
    model = rate_model(code)
    plain = model.path(prices, PARAMETERS)
    aged = model.path(prices, PARAMETERS, ages=30.0).log_quantile[1399]
    assert aged == pytest.approx(2 * plain.log_quantile[1399], rel=1e-12)
    cut = model.path(prices, RateParameters(quality_factor=0.9, disposal_cost=0.1)).rate[1399]
    assert cut == pytest.approx(plain.rate[1399] * 0.81, rel=1e-12)
    assert model.path(prices, RateParameters(cap=0.5)).rate[1399] == min(0.5, plain.rate[1399])
    assert plain.rate[1390] == 0


@pytest.mark.parametrize("code", list(RATE_MODELS))
@pytest.mark.parametrize("rows", [0, 1, 11])
def test_short_histories_have_no_rate_of_their_own(code: str, rows: int) -> None:
    path = rate_model(code).path(_random_walk(rows), PARAMETERS)
    assert len(path.rate) == rows
    assert code == RateModelCode.STATIC70 or np.isnan(path.rate).all()

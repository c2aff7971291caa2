"""The columns of the backtest, each on paths where the answer is plain."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from risk.backtests.codes import PROPOSAL, PROPOSAL_GOVERNED
from risk.backtests.runner import ENTRANTS, Series, run
from risk.backtests.scores import margin_calls, matched_rate, outcomes, score
from risk.backtests.statistics import Light
from risk.governance import publish_path
from risk.pledge_rates import RateParameters, walk_forward

from .test_pledge_rates import _history, _random_walk

PARAMETERS = RateParameters()
NO_FITS = [entrant for entrant in ENTRANTS if entrant != "garch_t"]


def _series(code: str, prices: np.ndarray) -> Series:
    days = [date.fromordinal(730_000 + row) for row in range(len(prices))]
    return Series(code, days, prices)


def test_a_fall_beyond_the_rate_is_an_exceedance_and_its_depth_the_shortfall() -> None:
    prices = np.full(400, 100.0)
    prices[200:] = 60.0
    seen = outcomes(prices, horizon=10, probability=0.01, first_row=0)
    assert seen.rows.tolist() == list(range(390))
    found = score(seen, np.full(390, math.log(0.7)))
    assert found.days == 390
    assert found.exceedance == pytest.approx(10 / 390)  # the ten days before the fall
    assert found.worst == pytest.approx(0.10)
    assert found.mean_rate == pytest.approx(0.7)
    assert (found.daily_move, found.fall_5d, found.haircut_ratio) == (0, 0, 1)
    assert found.kupiec_share == 1  # each subsample sees it once in 39
    assert found.light == Light.GREEN


def test_a_price_at_or_below_zero_is_not_scored_but_its_fall_is() -> None:
    prices = np.full(100, 100.0)
    prices[50] = -5.0
    seen = outcomes(prices, horizon=10, probability=0.01, first_row=0)
    assert 50 not in seen.rows
    assert len(seen.rows) == 89
    found = score(seen, np.full(89, math.log(0.7)))
    assert found.exceedance == pytest.approx(1 / 89)
    assert found.worst == pytest.approx(0.75)


def test_moves_falls_and_the_haircuts_spread() -> None:
    prices = np.full(111, 100.0)
    seen = outcomes(prices, horizon=10, probability=0.01, first_row=0)
    rates = np.full(101, 0.9)
    rates[40:] = 0.8
    found = score(seen, np.log(rates))
    assert found.daily_move == pytest.approx(0.1 / 100)
    assert found.fall_5d == pytest.approx(0.1)
    assert found.haircut_ratio == pytest.approx(2)


def test_matching_makes_exceedances_exact() -> None:
    rng = np.random.default_rng(3)
    returns = rng.standard_t(4, 5000) * 0.04
    quantiles = np.full(5000, -0.02)
    rate = matched_rate(returns, quantiles, 0.01)
    assert rate == pytest.approx(math.exp(np.quantile(returns, 0.01)))
    assert (returns < math.log(rate)).mean() == pytest.approx(0.01, abs=2e-4)
    assert matched_rate(returns, 3 * quantiles, 0.01) == pytest.approx(rate)


def test_calls_restore_the_loan_and_rises_draw_it_up() -> None:
    rates = np.full(6, 0.7)
    assert margin_calls(np.array([100, 96, 95, 95, 91, 91.0]), rates) == 1
    assert margin_calls(np.array([100, 95, 90, 85.0]), rates[:4]) == 3
    assert margin_calls(np.array([100, 110, 111.2, 105.0]), rates[:4]) == 1
    assert margin_calls(np.array([100, 100.0]), np.array([0.8, 0.7])) == 1


def test_entrants_are_scored_on_the_same_days_and_skill_is_against_the_static_rate() -> None:
    series = [_series("a", _random_walk(1800)), _series("short", _random_walk(1514))]
    said: list[tuple[int, int]] = []
    entries = run(
        series,
        NO_FITS,
        PARAMETERS,
        workers=0,
        progress=lambda done, of, what: said.append((done, of)),
    )
    assert [(entry.series, entry.entrant) for entry in entries] == [("a", one) for one in NO_FITS]
    assert {entry.score.days for entry in entries} == {1800 - 1255 - 10}
    by_name = {entry.entrant: entry for entry in entries}
    assert by_name["static_cal"].skill == 0
    expected = 1 - by_name["hs1000"].score.tick / by_name["static_cal"].score.tick
    assert by_name["hs1000"].skill == pytest.approx(expected)
    assert said == [(count, len(NO_FITS)) for count in range(1, len(NO_FITS) + 1)]


def test_ours_enters_bare_and_as_published() -> None:
    prices = _random_walk(1700)
    bare, governed = run([_series("a", prices)], [PROPOSAL, PROPOSAL_GOVERNED], PARAMETERS)
    rates = walk_forward(prices).rate
    assert np.array_equal(np.exp(bare.log_quantiles), rates[1255:1690])
    published = publish_path(rates)[1255:1690]
    assert np.exp(governed.log_quantiles) == pytest.approx(published, rel=1e-14)


def test_fits_run_in_processes_of_their_own() -> None:
    prices = _random_walk(700)
    alone, shared = (
        run([_series("a", prices)], ["garch_t"], PARAMETERS, first_row=430, workers=workers)
        for workers in (0, 1)
    )
    assert np.array_equal(alone[0].log_quantiles, shared[0].log_quantiles)


# Section 4 of the design page: exceedance in per cent, mean and matched rate in per cent.
REFERENCE = {
    "copper_comex": {
        "static_cal": (0.46, None, 88.09),
        "fhs97": (1.52, 88.4, 87.00),
        "proposal": (1.12, 88.7, 88.33),
    },
    "gold_comex": {
        "static_cal": (1.62, None, 92.39),
        "fhs97": (1.05, 92.8, 92.70),
        "proposal": (0.98, 93.0, 93.02),
    },
    "silver_comex": {
        "static_cal": (1.45, None, 84.99),
        "fhs97": (1.33, 86.5, 85.55),
        "proposal": (1.32, 87.4, 86.45),
    },
}
P_VALUES = {
    "copper_comex": (0.58, 0.37),
    "gold_comex": (0.47, 0.68),
    "silver_comex": (0.29, 0.50),
}


def test_the_metals_score_as_the_reference_says(committed_prices: Path) -> None:
    series = [_series(code, _history(committed_prices, code)[1]) for code in REFERENCE]
    for entry in run(series, ["static_cal", "fhs97", "proposal"], PARAMETERS):
        exceedance, mean, matched = REFERENCE[entry.series][entry.entrant]
        assert 100 * entry.score.exceedance == pytest.approx(exceedance, abs=0.0051)
        assert 100 * entry.score.matched_rate == pytest.approx(matched, abs=0.0051)
        if mean is not None:
            assert 100 * entry.score.mean_rate == pytest.approx(mean, abs=0.051)
        if entry.entrant == PROPOSAL:
            found = (entry.score.kupiec, entry.score.conditional)
            assert found == pytest.approx(P_VALUES[entry.series], abs=0.0051)


# Means over the twelve series: exceedance, Kupiec and conditional passes, mean, matched, skill,
# worst shortfall, daily move, 5-day fall, peak to trough, calls.
PANEL = {
    "static70": (0.13, 1, 1, 70.00, 84.94, -0.678, 25.3, 0.000, 0.0, 1.00, 8.2),
    "static_cal": (2.46, 8, 6, 86.13, 84.94, 0.000, 37.7, 0.000, 0.0, 1.00, 8.2),
    "hs1000": (1.53, 11, 10, 85.69, 84.04, 0.084, 34.8, 0.007, 5.0, 2.46, 8.3),
    "hs2500": (1.44, 11, 10, 85.48, 84.31, 0.085, 36.9, 0.003, 1.5, 1.71, 8.3),
    "riskmetrics": (1.81, 7, 8, 87.42, 85.71, 0.207, 26.3, 0.370, 22.7, 5.69, 7.9),
    "fhs97": (1.27, 12, 12, 86.02, 85.28, 0.203, 24.6, 0.206, 17.5, 5.86, 7.9),
    "fhs97_floor10y": (0.67, 10, 12, 83.72, 85.32, 0.169, 23.7, 0.109, 16.1, 2.97, 7.9),
    "proposal": (1.02, 12, 12, 86.22, 86.13, 0.229, 27.0, 0.355, 15.0, 3.30, 8.2),
    "proposal_gov": (1.00, 12, 12, 85.73, 85.77, 0.213, 27.0, 0.228, 14.5, 3.95, 8.0),
}


def test_the_panel_scores_as_the_reference_says(shared_data: Path) -> None:
    """Every figure of the page, GARCH aside: its fits fall on other days."""
    files = sorted((shared_data / "prices").glob("*.csv"))
    series = [_series(path.stem, _history(path.parent, path.stem)[1]) for path in files]
    entries = run(series, PANEL, PARAMETERS)
    for entrant, expected in PANEL.items():
        mine = [entry for entry in entries if entry.entrant == entrant]
        scores = [entry.score for entry in mine]
        mean = {
            name: float(np.mean([getattr(one, name) for one in scores]))
            for name in (
                "exceedance", "mean_rate", "matched_rate", "worst", "daily_move", "fall_5d",
                "haircut_ratio", "calls",
            )
        }  # fmt: skip
        found = (
            round(100 * mean["exceedance"], 2),
            sum(one.kupiec > 0.05 for one in scores),
            sum(one.conditional > 0.05 for one in scores),
            round(100 * mean["mean_rate"], 2),
            round(100 * mean["matched_rate"], 2),
            round(float(np.mean([entry.skill for entry in mine])), 3),
            round(100 * mean["worst"], 1),
            round(100 * mean["daily_move"], 3),
            round(100 * mean["fall_5d"], 1),
            round(mean["haircut_ratio"], 2),
            round(mean["calls"], 1),
        )
        assert found == pytest.approx(expected, abs=1e-9), entrant

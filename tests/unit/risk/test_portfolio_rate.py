"""Several goods together: dependence as it was, and never more than the parts."""

import io
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from risk.pledge_rates import RateParameters, walk_forward
from risk.portfolio_rate import Holding, portfolio_rate

from .test_pledge_rates import _history, _random_walk

PARAMETERS = RateParameters()


def _holding(value: float, prices: np.ndarray, first: int = 730_000) -> Holding:
    days = [date.fromordinal(first + row) for row in range(len(prices))]
    return Holding(value, days, prices)


def test_one_good_alone_lends_its_empirical_tail_at_most_its_own_rate() -> None:
    prices = _random_walk(3000)
    path = walk_forward(prices)
    moves = np.log(prices[10:] / prices[:-10]) / (path.scale[:-10] * math.sqrt(10))
    one, five = np.quantile(moves, [0.01, 0.05])
    tail = -math.sqrt(one * five * 5**0.28)
    expected = min(math.exp(tail * path.scale[-1] * math.sqrt(10)), path.rate[-1])
    assert portfolio_rate([_holding(7, prices)], PARAMETERS) == pytest.approx(expected, rel=1e-12)


def test_goods_that_move_alike_lend_as_one_and_their_shares_do_not_matter() -> None:
    prices = _random_walk(2000)
    alone = portfolio_rate([_holding(1, prices)], PARAMETERS)
    halves = [_holding(3, prices), _holding(1, 5 * prices)]
    assert portfolio_rate(halves, PARAMETERS) == pytest.approx(alone, rel=1e-12)


def test_bundling_never_lends_more_than_the_parts(committed_prices: Path) -> None:
    holdings = []
    for value, code in ((50, "copper_comex"), (30, "gold_comex"), (20, "silver_comex")):
        days, prices = _history(committed_prices, code)
        holdings.append(Holding(value, [date.fromisoformat(day) for day in days], prices))
    parts = [walk_forward(one.prices).rate[-1] for one in holdings]
    mean = 0.5 * parts[0] + 0.3 * parts[1] + 0.2 * parts[2]
    assert portfolio_rate(holdings, PARAMETERS) == pytest.approx(mean, rel=1e-12)
    worse = RateParameters(confidence=0.99, cap=0.5)
    assert portfolio_rate(holdings, worse) == 0.5


def test_opposite_goods_that_crash_on_one_day_are_no_hedge_beyond_the_mean() -> None:
    up = _random_walk(2000)
    down = 10_000 / up
    rates = [walk_forward(prices).rate[-1] for prices in (up, down)]
    found = portfolio_rate([_holding(1, up), _holding(1, down)], PARAMETERS)
    assert found == pytest.approx(sum(rates) / 2, rel=1e-12)


def test_too_few_common_dates_or_a_part_without_rate_give_none() -> None:
    prices = _random_walk(600)
    apart = [_holding(1, prices), _holding(1, prices, first=730_400)]
    assert math.isnan(portfolio_rate(apart, PARAMETERS))
    young = [_holding(1, prices), _holding(1, prices[:200], first=730_400)]
    assert math.isnan(portfolio_rate(young, PARAMETERS))


@pytest.mark.parametrize("values", [[], [1, 0], [-1]])
def test_what_is_worth_nothing_is_no_holding(values: list[float]) -> None:
    prices = _random_walk(300)
    with pytest.raises(ValueError, match="worth more than nothing"):
        portfolio_rate([_holding(value, prices) for value in values], PARAMETERS)


def test_the_command_adds_the_rate_of_goods_held_together(committed_prices: Path) -> None:
    def run(values: str) -> list[str]:
        out = io.StringIO()
        folder = str(committed_prices)
        call_command("pledge_rates", "--prices", folder, "--portfolio", values, stdout=out)
        return out.getvalue().splitlines()

    rates = {line.split(",")[0]: float(line.split(",")[2]) for line in run("gold_comex=2")[1:]}
    assert rates["portfolio"] <= rates["gold_comex"]
    last = run("gold_comex=30,copper_comex=70")[-1].split(",")
    assert last[:2] == ["portfolio", "2021-12-24"]
    mean = 0.3 * rates["gold_comex"] + 0.7 * rates["copper_comex"]
    assert float(last[2]) == pytest.approx(mean, rel=1e-12)
    with pytest.raises(CommandError, match="1 of 2 codes have a price file"):
        run("gold_comex=1,tin=1")
    with pytest.raises(CommandError, match="is not a list such as"):
        run("gold_comex")

"""A rate says its unit, and scales exactly."""

from decimal import Decimal

import pytest

from common.money import Money
from common.rates import Rate

FOUR_AND_A_HALF = Rate(Decimal("0.045"))


def test_percent_and_bps_are_other_spellings_of_one_rate():
    assert Rate.from_percent(Decimal("4.5")) == Rate.from_bps(450) == FOUR_AND_A_HALF
    assert FOUR_AND_A_HALF.percent == Decimal("4.5")
    assert FOUR_AND_A_HALF.bps == Decimal(450)
    assert str(FOUR_AND_A_HALF) == "4.5 %"


def test_rates_add_scale_and_compare():
    assert FOUR_AND_A_HALF + Rate.from_bps(50) == Rate.from_percent(5)
    assert Rate.from_percent(5) - FOUR_AND_A_HALF == Rate.from_bps(50)
    assert FOUR_AND_A_HALF * 2 == 2 * FOUR_AND_A_HALF == Rate.from_percent(9)
    assert FOUR_AND_A_HALF / Decimal(3) == Rate(Decimal("0.015"))
    assert Rate(Decimal("-0.045")) == -FOUR_AND_A_HALF
    assert Rate(Decimal("0.7")).complement() == Rate(Decimal("0.3"))
    assert Rate.from_percent(5) > FOUR_AND_A_HALF


def test_a_rate_of_an_amount_is_exact():
    assert FOUR_AND_A_HALF.of(Decimal("1000.01")) == Decimal("45.00045")
    assert FOUR_AND_A_HALF * Money(Decimal(1000), "USD") == Money(Decimal(45), "USD")


def test_a_float_never_enters():
    for act in (
        lambda: Rate(0.045),  # type: ignore[arg-type]
        lambda: Rate.from_percent(4.5),  # type: ignore[arg-type]
        lambda: FOUR_AND_A_HALF * 1.5,  # type: ignore[operator]
        lambda: FOUR_AND_A_HALF.of(1.5),  # type: ignore[arg-type]
        lambda: FOUR_AND_A_HALF + Decimal(1),  # type: ignore[operator]
    ):
        with pytest.raises(TypeError):
            act()

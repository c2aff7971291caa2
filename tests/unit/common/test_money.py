"""Money is exact, never mixes currencies, rounds where it says so, and splits without loss."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    allocate,
    minor_step,
    minor_units,
    round_money,
)
from common.rates import Rate

CENT = Decimal("0.01")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_minor_units_follow_iso_4217():
    assert [minor_units(code) for code in ("JPY", "USD", "CNY", "KWD", "CLF")] == [0, 2, 2, 3, 4]


@pytest.mark.parametrize("code", ["usd", "XAU", "", "ABC"])
def test_a_code_that_money_cannot_be_paid_in_is_refused(code):
    with pytest.raises(UnknownCurrency):
        Money(Decimal(1), code)


@pytest.mark.parametrize("amount", [1.5, "1.50", None, True])
def test_an_amount_that_is_not_decimal_is_refused(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_an_amount_that_is_no_number_is_refused(amount):
    with pytest.raises(ValueError, match="finite"):
        usd(amount)


def test_arithmetic_keeps_every_digit():
    wide = Decimal("99999999999999999999.9999")
    rate = Rate(Decimal("1.00000001"))
    assert (Money(wide, "USD") * rate).amount == Decimal("100000000999999999999.999899999999")
    assert usd("10.10") + usd("0.05") - usd("0.15") == usd("10.00")
    assert 3 * usd("1.10") == usd("3.30")
    assert usd("10") / Decimal(4) == usd("2.5")
    assert usd("70") / Rate(Decimal("0.7")) == usd("100")
    assert usd("1") / usd("8") == Decimal("0.125")
    assert -usd("1") == usd("-1")
    assert abs(usd("-1")) == usd("1")
    assert sum([usd("1"), usd("2")], Money.zero("USD")) == usd("3")


def test_a_float_never_enters():
    for act in (
        lambda: usd("1") * 1.5,  # type: ignore[operator]
        lambda: 1.5 * usd("1"),  # type: ignore[operator]
        lambda: usd("1") / 1.5,  # type: ignore[operator]
        lambda: usd("1") + 1,  # type: ignore[operator]
        lambda: usd("1") - Decimal(1),  # type: ignore[operator]
    ):
        with pytest.raises(TypeError):
            act()


def test_currencies_never_mix():
    other = Money(Decimal(1), "CNY")
    for act in (
        lambda: usd("1") + other,
        lambda: usd("1") - other,
        lambda: usd("1") / other,
        lambda: usd("1") < other,
        lambda: usd("1") >= other,
    ):
        with pytest.raises(CurrencyMismatch, match=r"1\.00 USD and 1\.00 CNY"):
            act()
    assert usd("1") != other


def test_order_holds_within_a_currency():
    assert usd("1") < usd("2") <= usd("2.00")
    assert usd("3") > usd("2") >= usd("2.00")
    assert max(usd("1"), usd("3"), usd("2")) == usd("3")


@pytest.mark.parametrize(
    ("amount", "currency", "mode", "rounded"),
    [
        ("2.345", "USD", ROUND_HALF_EVEN, "2.34"),
        ("2.355", "USD", ROUND_HALF_EVEN, "2.36"),
        ("2.345", "USD", ROUND_HALF_UP, "2.35"),
        ("-2.345", "USD", ROUND_HALF_EVEN, "-2.34"),
        ("2.999", "USD", ROUND_DOWN, "2.99"),
        ("0.5", "JPY", ROUND_HALF_EVEN, "0"),
        ("1.5", "JPY", ROUND_HALF_EVEN, "2"),
        ("1.2345", "KWD", ROUND_HALF_EVEN, "1.234"),
    ],
)
def test_rounding_is_to_minor_units_in_the_mode_named(amount, currency, mode, rounded):
    assert str(round_money(Decimal(amount), currency, mode)) == rounded
    assert Money(Decimal(amount), currency).rounded(mode).amount == Decimal(rounded)


def test_money_reads_with_its_minor_units_and_hides_no_digit():
    assert str(usd("1234567.5")) == "1,234,567.50 USD"
    assert str(usd("0.12345")) == "0.12345 USD"
    assert str(Money(Decimal("1200.00"), "JPY")) == "1,200 JPY"


def test_largest_remainder_gives_left_over_steps_to_the_largest_loss_then_to_the_first():
    thirds = allocate(Decimal(100), [Decimal(1)] * 3, step=CENT)
    assert thirds == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    # 10 steps by 1:1:4 lose 0.667, 0.667 and 0.667: the two left over go to the first two.
    uneven = allocate(Decimal(10), [Decimal(1), Decimal(1), Decimal(4)], step=Decimal(1))
    assert uneven == [Decimal(2), Decimal(2), Decimal(6)]
    late = allocate(Decimal(10), [Decimal("3.1"), Decimal("3.1"), Decimal("3.8")], step=Decimal(1))
    assert late == [Decimal(3), Decimal(3), Decimal(4)]


def test_a_negative_amount_splits_like_its_opposite_and_zero_weights_get_nothing():
    weights = [Decimal(1), Decimal(0), Decimal(2)]
    assert allocate(Decimal(-100), weights, step=CENT) == [
        Decimal("-33.33"),
        Decimal(0),
        Decimal("-66.67"),
    ]
    assert allocate(Decimal(0), weights, step=CENT) == [Decimal(0)] * 3


@pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(2), Decimal(-1)]])
def test_weights_that_cannot_split_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        allocate(Decimal(1), weights, step=CENT)


def test_an_amount_off_the_grid_is_refused_not_rounded():
    with pytest.raises(ValueError, match="not a multiple"):
        allocate(Decimal("0.005"), [Decimal(1)], step=CENT)


def test_money_splits_in_its_own_minor_units():
    assert Money(Decimal(100), "JPY").allocate([Decimal(1)] * 3) == [
        Money(Decimal(34), "JPY"),
        Money(Decimal(33), "JPY"),
        Money(Decimal(33), "JPY"),
    ]
    assert minor_step("KWD") == Decimal("0.001")


amounts = st.integers(-(10**18), 10**18).map(lambda cents: Decimal(cents).scaleb(-2))
weight_lists = st.lists(
    st.decimals(0, 10**9, places=6, allow_nan=False), min_size=1, max_size=20
).filter(any)


@given(amounts, weight_lists)
def test_parts_sum_to_the_whole_and_stay_within_one_step_of_their_share(amount, weights):
    parts = allocate(amount, weights, step=CENT)
    assert sum(parts, Decimal(0)) == amount
    total = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(amount) * Fraction(weight) / total) < Fraction(CENT)
        assert weight or not part

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.rules import (
    claim_on_payment,
    discharged,
    is_price,
    line_amount,
    split_stages,
    value_received,
)

D = Decimal
CENT = D("0.01")
cents = st.integers(1, 10**12).map(lambda n: D(n) * CENT)
shares = st.integers(1, 10**8).map(lambda n: D(n).scaleb(-8))


def test_a_line_costs_quantity_times_price_halves_up():
    assert line_amount(D("3"), D("0.335"), "USD") == D("1.01")
    assert line_amount(D("12.5"), D("8.1"), "JPY") == D(101)


def test_a_price_is_positive_with_eight_decimals_at_most():
    assert is_price(D("0.00000001"))
    assert not is_price(D("0.000000001"))
    assert not is_price(D(0))
    assert not is_price(D(-1))
    assert not is_price(D("NaN"))


def test_thirds_of_a_hundred_by_largest_remainder():
    parts = split_stages(D(100), share=D("0.7"), fractions=[D(1), D(1), D(1)], currency="USD")
    assert [part.amount for part in parts] == [D("33.34"), D("33.33"), D("33.33")]
    assert [part.lender_amount for part in parts] == [D("23.34"), D("23.33"), D("23.33")]
    assert [part.own_amount for part in parts] == [D("10.00"), D("10.00"), D("10.00")]


@given(amount=cents, share=shares, weights=st.lists(shares, min_size=1, max_size=6))
def test_stages_make_the_order_and_the_payers_make_the_stage(amount, share, weights):
    parts = split_stages(amount, share=share, fractions=weights, currency="USD")
    assert sum(part.amount for part in parts) == amount
    for part in parts:
        assert part.lender_amount + part.own_amount == part.amount
        assert abs(part.lender_amount - part.amount * share) <= D("0.005")


@given(
    amount=cents,
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
)
def test_values_of_part_deliveries_sum_to_the_line(amount, steps):
    ordered, so_far, values = D(sum(steps)), D(0), []
    for step in steps:
        before = value_received(amount, ordered=ordered, received=so_far, currency="USD")
        so_far += step
        after = value_received(amount, ordered=ordered, received=so_far, currency="USD")
        values.append(after - before)
    assert sum(values) == amount
    assert all(value >= 0 for value in values)


@given(claim=cents, values=st.lists(cents, min_size=1, max_size=8))
def test_a_claim_is_discharged_in_parts_that_sum_to_the_whole(claim, values):
    remaining, awaited = claim, sum(values)
    for value in values:
        part = discharged(remaining, arriving=value, awaited=awaited, step=CENT)
        assert 0 <= part <= remaining
        remaining, awaited = remaining - part, awaited - value
    assert remaining == 0


def test_half_of_the_goods_discharge_half_of_the_claim():
    assert discharged(D(60_000), arriving=D(100), awaited=D(200), step=CENT) == D(30_000)
    assert discharged(D("0.01"), arriving=D(1), awaited=D(3), step=CENT) == D(0)


def test_a_payment_claims_only_what_has_not_come_yet():
    ordered = D(200_000)
    assert claim_on_payment(D(60_000), awaited=ordered, ordered=ordered, currency="USD") == 60_000
    assert claim_on_payment(D(60_000), awaited=D(50_000), ordered=ordered, currency="USD") == 15_000
    assert claim_on_payment(D(60_000), awaited=D(0), ordered=ordered, currency="USD") == 0

"""The restoring size and the outcome of sealed bids, by hand."""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pledges.rules.liquidation import (
    Asset,
    closes,
    restoring_plan,
    restoring_quantity,
    smallest_part,
)
from pledges.rules.sealed_bids import Bid, commitment, is_opened_by, outcome
from tests.factories.parties import NOW

D = Decimal


@pytest.mark.parametrize(
    ("shortfall", "price", "lending", "step", "quantity"),
    [
        ("10000", "300", "150", "0.001", "66.667"),  # 66.666… up
        ("10000", "300", "150", "1", "67"),
        ("15000", "300", "150", "1", "100"),  # exactly
        ("15000.01", "300", "150", "1", "101"),
        ("0.01", "300", "150", "0.001", "0.001"),
        ("600000", "100", "50", "1", "12000"),  # peer scenario 3: goods worth 1,200,000
        ("1", "3.33", "3.32", "1", "100"),
        ("1", "0.333", "0.1", "1", "5"),  # 4.29… up to 5: 1.66 brought, 0.50 lent
    ],
)
def test_the_smallest_quantity_that_restores(shortfall, price, lending, step, quantity):
    found = restoring_quantity(
        shortfall=D(shortfall), price=D(price), lending=D(lending), step=D(step)
    )
    assert found == D(quantity)


cents = st.integers(1, 10**9).map(lambda cents: D(cents) / 100)
prices = st.integers(2, 10**7).map(lambda mills: D(mills) / 1000)


@given(cents, prices, st.integers(0, 99), st.sampled_from(["1", "0.001"]))
def test_one_step_less_restores_nothing(shortfall, price, rate, step):
    lending = price * rate / 100
    quantity = restoring_quantity(shortfall=shortfall, price=price, lending=lending, step=D(step))
    assert closes(quantity, price=price, lending=lending) >= shortfall
    exact = (price - lending) * (quantity - D(step))
    assert exact < shortfall + D("0.02")


def test_what_brings_no_more_than_it_lends_has_no_restoring_size():
    with pytest.raises(ValueError, match="restores nothing"):
        restoring_quantity(shortfall=D(1), price=D(150), lending=D(150), step=D(1))


def asset(key, *, market, lending, share="1", quantity="100", step="1"):
    return Asset(key, D(quantity), D(step), D(market), D(lending), D(share))


def test_what_gives_most_per_market_value_is_sold_first():
    """Gold lends 80 % of 1,000, phones 50 % of 200: a dollar of phones closes half a dollar."""
    gold, phones = asset("gold", market=1000, lending=800), asset("phones", market=200, lending=100)
    plan = restoring_plan([gold, phones], shortfall=D(12_000))
    assert [(part.key, quantity) for part, quantity in plan.parts] == [
        ("phones", 100),
        ("gold", 10),
    ]
    assert plan.restores


def test_what_does_not_help_is_left_alone_while_the_rest_restores():
    bad, good = (
        asset("bad", market=100, lending=90, share="0.9"),
        asset("good", market=100, lending=50),
    )
    plan = restoring_plan([bad, good], shortfall=D(5_000))
    assert [(part.key, quantity) for part, quantity in plan.parts] == [("good", 100)]
    everything = restoring_plan([bad, good], shortfall=D(5_001))
    assert [(part.key, quantity) for part, quantity in everything.parts] == [
        ("bad", 100),
        ("good", 100),
    ]
    assert (everything.restores, everything.left) == (False, 1)


def test_nothing_short_nothing_sold():
    assert restoring_plan([asset("x", market=1, lending=0)], shortfall=D(0)).parts == ()


@pytest.mark.parametrize(("unit", "part"), [("C62", "1"), ("KGM", "0.001"), ("USD", "0.01")])
def test_the_smallest_part_of_a_unit(unit, part):
    assert smallest_part(unit) == D(part)


def test_a_commitment_is_the_hash_of_amount_nonce_and_bidder():
    shown = sha256(b"1234.5000|salt|metro").hexdigest()
    assert commitment(amount=D("1234.5"), nonce="salt", bidder="metro") == shown
    assert is_opened_by(shown, amount=D("1234.50"), nonce="salt", bidder="metro")
    assert not is_opened_by(shown, amount=D("1234.51"), nonce="salt", bidder="metro")
    assert not is_opened_by(shown, amount=D("1234.5"), nonce="salt", bidder="northstar")


def bid(key, amount, minute):
    return Bid(key, D(amount), datetime(2016, 3, 1, 12, minute, tzinfo=NOW.tzinfo))


def test_the_highest_wins_the_earlier_on_a_tie_and_the_second_is_known():
    bids = [bid(1, 90, 0), bid(2, 100, 2), bid(3, 100, 1)]
    result = outcome(bids, reserve=D(95))
    assert (result.winner.key, result.second) == (3, 100)
    assert outcome(bids[:1], reserve=D(90)).second is None
    assert outcome(bids, reserve=D("100.01")) is None
    assert outcome([], reserve=D(1)) is None

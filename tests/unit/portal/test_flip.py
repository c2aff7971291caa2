from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pledges.states import Band
from portal.rules.flip import Pool, flip_prices

D = Decimal


def pool(**more):
    usual = {
        "exposure": D(700),
        "market_rest": D(0),
        "market_weight": D(10),
        "lending_rest": D(0),
        "lending_weight": D(7),
    }
    return Pool(**{**usual, **more})


def test_prices_follow_the_default_lines_of_a_single_commodity():
    # θ 0.70 gives w 0.80 and c 0.90 (domain.md): flips at E/θ, E/w, E/c per unit.
    flips = flip_prices(pool())
    assert flips[Band.WATCH] == D(100)
    assert flips[Band.CALLED].quantize(D("0.0001")) == D("87.5")
    assert flips[Band.CLOSE_OUT].quantize(D("0.0001")) == D("77.7778")


def test_while_a_cut_of_the_rate_glides_the_outer_lines_go_by_the_glided_rate():
    # θ cut from 0.70 to 0.50: what is covered goes by 0.50 at once, the lines still by 0.70.
    flips = flip_prices(pool(lending_weight=D(5), glided_weight=D(7)))
    assert flips[Band.WATCH] == D(140)
    assert flips[Band.CALLED].quantize(D("0.0001")) == D("87.5")
    assert flips[Band.CLOSE_OUT].quantize(D("0.0001")) == D("77.7778")


def test_a_facilitys_own_lines_count():
    flips = flip_prices(pool(watch_line=D("0.75"), call_line=D("0.95")))
    assert flips[Band.CALLED].quantize(D("0.0001")) == D("93.3333")
    assert flips[Band.CLOSE_OUT].quantize(D("0.0001")) == D("73.6842")


def test_a_line_below_the_lending_value_never_flips_before_it():
    flips = flip_prices(pool(watch_line=D("0.60"), call_line=D("0.65")))
    assert flips[Band.WATCH] == flips[Band.CALLED] == flips[Band.CLOSE_OUT] == D(100)


def test_what_the_rest_covers_flips_nowhere():
    assert flip_prices(pool(market_rest=D(1000), lending_rest=D(800))) == {}


def test_goods_that_lend_nothing_still_move_the_outer_lines():
    flips = flip_prices(pool(exposure=D(100), lending_weight=D(0)))
    assert not flips[Band.WATCH].is_finite()
    assert flips[Band.CALLED].quantize(D("0.01")) == D("30.00")


amounts = st.decimals(min_value=0, max_value=10_000, places=2)
shares = st.decimals(min_value=D("0.05"), max_value=1, places=3)


@given(
    exposure=st.decimals(min_value=1, max_value=10_000, places=2),
    rest=amounts,
    rest_share=shares,
    weight=st.decimals(min_value=1, max_value=100, places=2),
    rate=shares,
    own=st.one_of(st.none(), st.tuples(shares, shares)),
    glide=st.sampled_from([D(0), D("0.05"), D("0.3")]),
)
def test_the_rules_agree_on_both_sides_of_every_flip(
    exposure, rest, rest_share, weight, rate, own, glide
):
    assume(own is None or own[0] < own[1])
    watch, call = own or (None, None)
    made = Pool(
        exposure=exposure,
        market_rest=rest,
        market_weight=weight,
        lending_rest=rest * rest_share,
        lending_weight=weight * rate,
        watch_line=watch,
        call_line=call,
        glided_rest=rest * min(rest_share + glide, D(1)),
        glided_weight=weight * min(rate + glide, D(1)),
    )
    order = list(Band)
    nudge = D("1e-12")
    for band, price in flip_prices(made).items():
        above, below = made.band(price * (1 + nudge)), made.band(price * (1 - nudge))
        assert order.index(above) < order.index(band) <= order.index(below)


@pytest.mark.parametrize("price", [D(60), D(80), D(90), D(120)])
def test_the_band_at_a_price_is_the_engines(price):
    expected = {60: Band.CLOSE_OUT, 80: Band.CALLED, 90: Band.WATCH, 120: Band.COVERED}
    assert pool().band(price) == expected[int(price)]

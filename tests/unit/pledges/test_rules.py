"""The pure rules of cover and terms, to the examples of the domain's formulas."""

from decimal import Decimal

import pytest

from pledges.rules.cover import Cover, band_of, goods_needed, line_values, price_drop_to
from pledges.rules.terms import Content, Term, terms_of_goods, terms_of_money
from pledges.states import Band

CENT = Decimal("0.01")


def lines_of(*, market, lending, watch=None, call=None):
    return line_values(market_value=market, lending_value=lending, watch_line=watch, call_line=call)


def test_default_lines_lie_at_thirds_between_lending_and_market_value():
    """Rate .70 gives .80 and .90, rate .85 gives .90 and .95."""
    assert lines_of(market=Decimal(1000), lending=Decimal(700)) == (Decimal(800), Decimal(900))
    assert lines_of(market=Decimal(1000), lending=Decimal(850)) == (Decimal(900), Decimal(950))


def test_default_lines_of_a_mixed_basket_are_the_sums_of_its_parts():
    parts = [
        lines_of(market=Decimal(1000), lending=Decimal(700)),
        lines_of(market=Decimal(500), lending=Decimal(200)),
    ]
    whole = lines_of(market=Decimal(1500), lending=Decimal(900))
    assert (
        whole
        == (parts[0][0] + parts[1][0], parts[0][1] + parts[1][1])
        == (Decimal(1100), Decimal(1300))
    )


def test_lines_go_by_the_glided_value_where_it_is_above_the_lending_value():
    values = {"market_value": Decimal(1000), "watch_line": None, "call_line": None}
    glided = line_values(lending_value=Decimal(400), glided_value=Decimal(700), **values)
    assert glided == (Decimal(800), Decimal(900))
    assert line_values(lending_value=Decimal(700), glided_value=Decimal(0), **values) == glided


def test_fixed_lines_are_shares_of_market_value():
    assert lines_of(
        market=Decimal(1000), lending=Decimal(600), watch=Decimal("0.75"), call=Decimal("0.85")
    ) == (
        Decimal(750),
        Decimal(850),
    )


def test_fixed_lines_below_the_lending_value_wait_for_it():
    """Goods that lend more than the line allows: watch begins where cover ends."""
    assert lines_of(
        market=Decimal(1000), lending=Decimal(800), watch=Decimal("0.70"), call=Decimal("0.75")
    ) == (
        Decimal(800),
        Decimal(800),
    )


def test_one_fixed_line_leaves_the_other_at_its_default():
    assert lines_of(market=Decimal(1000), lending=Decimal(700), watch=Decimal("0.75")) == (
        Decimal(750),
        Decimal(900),
    )
    assert lines_of(market=Decimal(1000), lending=Decimal(700), call=Decimal("0.85")) == (
        Decimal(800),
        Decimal(850),
    )


@pytest.mark.parametrize(
    ("exposure", "band"),
    [
        (Decimal(0), Band.COVERED),
        (Decimal(700), Band.COVERED),
        (Decimal(700) + CENT, Band.WATCH),
        (Decimal(800), Band.WATCH),
        (Decimal(800) + CENT, Band.CALLED),
        (Decimal(900), Band.CALLED),
        (Decimal(900) + CENT, Band.CLOSE_OUT),
        (Decimal(5000), Band.CLOSE_OUT),
    ],
)
def test_a_line_itself_belongs_to_the_calmer_band(exposure, band):
    watch, call = lines_of(market=Decimal(1000), lending=Decimal(700))
    found = band_of(
        exposure=exposure, lending_value=Decimal(700), watch_value=watch, call_value=call
    )
    assert found == band


def test_nothing_owed_on_nothing_is_covered():
    assert band_of(
        exposure=Decimal(0), lending_value=Decimal(0), watch_value=Decimal(0), call_value=Decimal(0)
    ) == (Band.COVERED)


def test_anything_owed_on_nothing_is_past_close_out():
    assert band_of(
        exposure=CENT, lending_value=Decimal(0), watch_value=Decimal(0), call_value=Decimal(0)
    ) == (Band.CLOSE_OUT)


def cover(*, exposure, lending, limit=Decimal(2_000_000)):
    return Cover(exposure, lending * 2, lending, Band.COVERED, limit)


def test_headroom_is_bounded_by_value_and_by_the_limit():
    assert cover(exposure=Decimal(300), lending=Decimal(1000)).headroom == 700
    assert cover(exposure=Decimal(300), lending=Decimal(1000), limit=Decimal(800)).headroom == 500
    assert cover(exposure=Decimal(1200), lending=Decimal(1000)).headroom == 0


def test_shortfall_and_ratio():
    short = cover(exposure=Decimal(1200), lending=Decimal(1000))
    assert (short.shortfall, short.ratio) == (200, Decimal(1000) / Decimal(1200))
    calm = cover(exposure=Decimal(0), lending=Decimal(1000))
    assert (calm.shortfall, calm.ratio) == (0, None)


def test_goods_cure_by_what_they_lend_not_by_what_they_are_worth():
    """The peer accepts 600,000 of goods for a shortfall of 600,000: half of what it takes."""
    assert goods_needed(shortfall=Decimal(600_000), rate=Decimal("0.5")) == 1_200_000
    assert goods_needed(shortfall=Decimal(70), rate=Decimal("0.7")) == 100


@pytest.mark.parametrize("rate", [Decimal(0), Decimal("-0.1")])
def test_goods_that_lend_nothing_cure_nothing(rate):
    with pytest.raises(ValueError, match="lend nothing"):
        goods_needed(shortfall=Decimal(1), rate=rate)


def test_price_drops_that_reach_the_lines():
    """From drawdown at .70: watch line .80 after 12.5 %, close-out line .90 after 22.2 %."""
    assert price_drop_to(rate=Decimal("0.7"), line=Decimal("0.8")) == Decimal("0.125")
    assert round(price_drop_to(rate=Decimal("0.7"), line=Decimal("0.9")), 4) == Decimal("0.2222")
    assert round(price_drop_to(rate=Decimal("0.85"), line=Decimal("0.90")), 4) == Decimal("0.0556")


def terms(**changes):
    formula = {
        "contents": [Content(1, Decimal("0.25")), Content(2, Decimal("0.001"))],
        "rate_factor": Decimal(1),
        "premium": Decimal(0),
        "premium_rate": Decimal(0),
        "money_basis_id": 9,
        "quality_deduction": Decimal(0),
    }
    return terms_of_goods(**(formula | changes))


def test_terms_are_the_contents_of_one_unit():
    assert terms() == [
        Term(1, Decimal("0.25"), Decimal("0.25")),
        Term(2, Decimal("0.001"), Decimal("0.001")),
    ]


def test_quality_comes_off_first_then_grade_and_disposal():
    """10 % off the quantity; g (1 − δ) = .9 × .95 off what the rest lends."""
    [first, _second] = terms(quality_deduction=Decimal("0.1"), rate_factor=Decimal("0.855"))
    assert first == Term(1, Decimal("0.225"), Decimal("0.192375"))


def test_a_premium_lends_at_its_own_rate_after_quality():
    *_contents, premium = terms(
        premium=Decimal(300),
        premium_rate=Decimal("0.5"),
        quality_deduction=Decimal("0.2"),
        rate_factor=Decimal("0.9"),
    )
    assert premium == Term(9, Decimal(240), Decimal(120))


def test_goods_without_quality_left_have_no_terms():
    assert terms(quality_deduction=Decimal(1), premium=Decimal(5)) == []


def test_lending_weight_is_cut_never_rounded_up():
    [term] = terms(contents=[Content(1, Decimal("0.000000000003"))], rate_factor=Decimal("0.9"))
    assert (term.market_per_unit, term.lending_per_unit) == (
        Decimal("0.000000000003"),
        Decimal("0.000000000002"),
    )


def test_money_lends_at_the_advance_rate():
    assert terms_of_money(money_basis_id=9, advance_rate=Decimal("0.8")) == [
        Term(9, Decimal(1), Decimal("0.8"))
    ]

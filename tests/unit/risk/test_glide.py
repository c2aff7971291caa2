"""The glided rate: a cut reaches outstanding loans over some weekdays, everything else at once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.glide import glide_window, glided_rate
from risk.queries import get_quote, rate_history
from risk.services.commodities import RatePolicyOutOfRange, set_rate_policy
from risk.services.rates import publish_rates
from tests.factories.risk import ACTOR, make_quoted, make_tick, noon, set_cap

D = Decimal
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2024, 5, 31) + timedelta(days=n) for n in range(4))
TUESDAY = date(2024, 6, 4)


def test_the_window_is_of_weekdays_and_a_weekend_ends_on_its_friday():
    thursday = date(2024, 5, 30)
    assert glide_window(MONDAY, 3) == [MONDAY, FRIDAY, thursday]
    assert glide_window(SATURDAY, 2) == glide_window(SUNDAY, 2) == [FRIDAY, thursday]
    assert glide_window(MONDAY, 0) == []


def test_a_rise_and_a_zero_count_at_once_and_a_cut_by_its_share():
    assert glided_rate(D("0.8"), [D("0.8"), D("0.7")]) == D("0.8")
    assert glided_rate(D(0), [D(0), D("0.7")]) == 0
    assert glided_rate(D("0.7"), [D("0.7"), D("0.8"), D("0.8")]) == D("0.766667")
    assert glided_rate(D("0.7"), []) == D("0.7")


def test_only_a_glide_within_a_quarter_softens(cut):
    with pytest.raises(RatePolicyOutOfRange):
        set_glide(cut, 61)


def set_glide(commodity, days):
    return set_rate_policy(commodity=commodity, actor=ACTOR, now=noon(FRIDAY), glide_days=days)


@pytest.fixture
def cut(db):
    """Copper: 80 % on Friday, cut to 70 % on Monday, at the same price."""
    copper = make_quoted(on=FRIDAY, rate=D("0.8"))
    copper = set_cap(copper, D("0.7"), now=noon(MONDAY))
    publish_rates(as_of=MONDAY, commodities=[copper], actor=ACTOR, now=noon(MONDAY))
    return copper


def test_a_cut_by_ten_points_is_there_after_five_weekdays(cut):
    days = [FRIDAY, SATURDAY, MONDAY, *(MONDAY + timedelta(days=n) for n in range(1, 8))]
    make_tick({"copper": 9000}, on=date(2024, 6, 7))
    glided = [get_quote("copper", day).glided_rate for day in days]
    # The window begins with the first rate: on Monday it holds Friday and Monday alone.
    assert glided == [
        D(text)
        for text in (
            "0.8", "0.8", "0.75", "0.733333", "0.725", "0.72", "0.7", "0.7", "0.7", "0.7",
        )
    ]  # fmt: skip
    assert get_quote("copper", MONDAY).rate == D("0.7")


def test_no_days_mean_no_glide(cut):
    set_glide(cut, 0)
    assert get_quote("copper", MONDAY).glided_rate == D("0.7")
    set_glide(cut, 1)
    assert get_quote("copper", MONDAY).glided_rate == D("0.7")
    set_glide(cut, 2)
    assert get_quote("copper", MONDAY).glided_rate == D("0.75")


def test_a_price_below_zero_and_a_stale_one_have_no_glide(cut):
    make_tick({"copper": "-1"}, on=TUESDAY)
    assert get_quote("copper", TUESDAY).glided_rate == 0
    assert get_quote("copper", date(2024, 6, 12)).glided_rate == 0


def test_a_rate_of_zero_that_outlives_the_price_below_zero_has_none(cut):
    make_tick({"copper": "-1"}, on=TUESDAY)
    publish_rates(as_of=TUESDAY, commodities=[cut], actor=ACTOR, now=noon(TUESDAY))
    wednesday = date(2024, 6, 5)
    make_tick({"copper": 9000}, on=wednesday)
    quote = get_quote("copper", wednesday)
    assert (quote.reason, quote.rate, quote.glided_rate) == ("", 0, 0)


rates = st.decimals(min_value=0, max_value=1, places=4)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    published=st.dictionaries(st.integers(-12, 12), rates, max_size=12),
    days=st.integers(0, 12),
    ahead=st.integers(0, 6),
)
def test_sql_equals_the_rule(cut, published, days, ahead):
    """Any rates on any days around the day that is asked, corrected ones too."""
    on = MONDAY + timedelta(days=ahead)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE risk_commodity SET glide_days = %s WHERE id = %s", [days, cut.pk])
        for offset, rate in published.items():
            cursor.execute(
                "INSERT INTO risk_pledgerate (commodity_id, effective_on, revision, rate,"
                " model_rate, model, parameters, price_id, recorded_at, actor_label)"
                " SELECT commodity_id, %s, 2, %s, 1, '', '{}', price_id, recorded_at, ''"
                " FROM risk_pledgerate WHERE commodity_id = %s LIMIT 1",
                [MONDAY + timedelta(days=offset), rate, cut.pk],
            )
        quote = get_quote("copper", on)
        history = rate_history("copper")
        transaction.set_rollback(True)
    window = [live for day in glide_window(on, days) if (live := live_on(history, day)) is not None]
    assert quote.glided_rate == glided_rate(quote.rate, window)
    assert quote.glided_rate >= quote.rate


def live_on(history, day):
    known = [point.rate for point in history if point.effective_on <= day]
    return known[-1] if known else None

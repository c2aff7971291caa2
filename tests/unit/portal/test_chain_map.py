from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.boards.chain_map import moment_of
from portal.queries.chain import share_out

D = Decimal
AS_OF = date(2011, 12, 9)
END = datetime(2011, 12, 9, 23, 59, 59, 999999, tzinfo=UTC)


def leg(place, value, node="n", kind="transform"):
    return {"place": place, "node": node, "value": D(value), "kind": kind}


@pytest.mark.parametrize("text", [None, "", "soon", "2011-13-45", "2030-01-01", "0000-00-00T00:00"])
def test_nonsense_and_the_future_mean_the_business_date(text):
    assert moment_of(text, None, as_of=AS_OF).at == END


def test_a_day_means_its_end_and_an_instant_itself():
    assert moment_of("2011-09-23", None, as_of=AS_OF).at == END.replace(month=9, day=23)
    moment = moment_of("2011-09-23T09:00:00Z", "30", as_of=AS_OF)
    assert moment.at == datetime(2011, 9, 23, 9, tzinfo=UTC)
    assert moment.since == datetime(2011, 8, 24, 9, tzinfo=UTC)
    assert moment.on == date(2011, 9, 23)


def test_an_unknown_window_is_the_whole_time():
    moment = moment_of(None, "31", as_of=AS_OF)
    assert moment.window == 0
    assert moment.since.year == 1


def test_prepayments_come_from_outside():
    [ribbon] = share_out([], [leg("order_claim", 900)])
    assert (ribbon.source, ribbon.given, ribbon.made) == (None, D(900), D(900))


def test_several_materials_become_one_product_by_value():
    taken = [leg("materials", 300, "copper"), leg("materials", 100, "gold")]
    copper, gold = share_out(taken, [leg("production", 800)])
    assert (copper.given, copper.made) == (D(300), D(600))
    assert (gold.given, gold.made) == (D(100), D(200))


def test_what_is_released_takes_its_own_value_along():
    [ribbon] = share_out([leg("warehouse", 500)], [leg("end", 0, "released")])
    assert (ribbon.target, ribbon.given, ribbon.made) == (("end", "released"), D(500), D(500))


def test_a_substitution_gives_the_old_away_and_brings_the_new_from_outside():
    ribbons = share_out(
        [leg("materials", 200)], [leg("warehouse", 320, "store"), leg("end", 0, "released")]
    )
    assert [(r.source, r.target, r.made) for r in ribbons] == [
        (("materials", "n"), ("end", "released"), D(200)),
        (None, ("warehouse", "store"), D(320)),
    ]


values = st.lists(st.integers(1, 10**9), min_size=1, max_size=4)


@given(taken=values, made=values)
def test_shares_sum_to_the_whole_on_both_sides(taken, made):
    sources = [leg("materials", value, f"s{i}") for i, value in enumerate(taken)]
    targets = [leg("production", value, f"t{i}") for i, value in enumerate(made)]
    ribbons = share_out(sources, targets)

    cent = D("0.01")
    assert sum(r.given for r in ribbons).quantize(cent) == sum(taken)
    assert sum(r.made for r in ribbons).quantize(cent) == sum(made)

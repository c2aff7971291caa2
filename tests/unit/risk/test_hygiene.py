"""Which prices are believed: the feed traps of real series, as literal figures, and the rules."""

import csv
import math
from datetime import date, timedelta
from itertools import pairwise

import pytest

from risk.hygiene import agrees, judge, missing_days, repeated_share
from tests.factories.risk import weekdays_back


def told(judged):
    """Return what was not simply accepted."""
    return {one.on.isoformat(): (one.verdict.value, one.reason) for one in judged if one.reason}


def series(until, *prices):
    """Return the last prices by weekday, up to a day."""
    return dict(zip(weekdays_back(until, len(prices)), prices, strict=True))


def wobble(price, rows, size=0.01):
    """Return a quiet history: up and down by one per cent."""
    return [price * (1 + size * (row % 2)) for row in range(rows)]


CALM = series(date(2024, 5, 31), *wobble(100.0, 300))
MONDAY = date(2024, 6, 3)


def one(price, recorded=CALM, on=MONDAY, **given):
    [judged] = judge(recorded, {on: price}, **given)
    return (judged.verdict.value, judged.reason)


# WTI, Cushing spot, USD a barrel (EIA): the days around the first negative price.
WTI = series(
    date(2020, 4, 17),
    *[53, 52.1, 49.8, 48.7, 47.1, 44.8, 47.2, 46.8, 46.8, 45.9, 41.1, 31.1, 34.5, 33.1, 31.6, 31.7],
    *[28.7, 27.3, 20.5, 25.1, 22.6, 23.3, 23.3, 24.5, 21.8, 21.8, 14.1, 20.5, 20.3, 25.2, 28.4],
    *[26.2, 23.5, 25.1, 22.9, 22.4, 20.2, 19.96, 19.82, 18.31],
)


def test_the_negative_price_of_oil_is_held_and_the_next_ones_go_on_from_the_last_positive():
    after = series(date(2020, 4, 24), -36.98, 8.91, 13.64, 15.06, 15.99)
    judged = judge(WTI, after)
    assert told(judged)["2020-04-20"] == ("held", "non_positive")
    assert judged[0].previous == judged[1].previous == 18.31
    assert [one.verdict.value for one in judged[1:]] == ["accepted"] * 4


# Henry Hub spot, USD a MMBtu (EIA): the Texas freeze of February 2021.
GAS = series(date(2021, 2, 10), *wobble(2.7, 60, 0.04), 2.66, 3.01, 2.99, 3.49, 3.4, 3.35, 3.76)
FREEZE = {
    date(2021, 2, 11): 6.5,
    date(2021, 2, 12): 6.12,
    date(2021, 2, 16): 11.32,
    date(2021, 2, 17): 23.86,
    date(2021, 2, 18): 8.56,
    date(2021, 2, 19): 4.96,
    date(2021, 2, 22): 3.16,
}


def test_the_freeze_of_2021_as_it_came_rises_wait_and_falls_act_at_once():
    recorded, verdicts = dict(GAS), {}
    for day, price in FREEZE.items():
        [judged] = judge(recorded, {day: price})
        verdicts[day.isoformat()] = (judged.verdict.value, judged.reason)
        recorded[day] = price  # confirmed an hour later
    assert verdicts["2021-02-11"] == ("held", "rose_far")
    assert verdicts["2021-02-12"] == ("accepted", "")
    assert [verdicts[day][0] for day in ("2021-02-18", "2021-02-19", "2021-02-22")] == [
        "accepted",
        "accepted",
        "accepted",
    ]


def test_the_freeze_of_2021_in_one_history_is_borne_out_by_the_days_after_it():
    judged = {one.on: one for one in judge(GAS, FREEZE)}
    assert judged[date(2021, 2, 11)].verdict == "accepted"  # 6.12 the next day did not take it back
    assert math.isclose(judged[date(2021, 2, 17)].move, math.log(23.86 / 11.32))


# Sugar no. 11, value of a contract in USD, around an adjusted roll: the jump is taken back.
SUGAR = series(date(2016, 11, 22), *wobble(25659.0, 250, 0.012), 25659.0, 25659.0, 25659.0)


def test_a_jump_that_the_next_day_takes_back_is_held():
    after = {date(2016, 11, 23): 21930.0, date(2016, 11, 25): 25659.0, date(2016, 11, 28): 25333.0}
    judged = judge(SUGAR, after)
    assert told(judged) == {"2016-11-23": ("held", "reversed")}
    assert judged[1].previous == 25659.0


def test_at_the_edge_the_same_fall_acts_at_once_and_its_way_back_is_no_outlier_any_more():
    assert one(21930.0, SUGAR, date(2016, 11, 23)) == ("accepted", "fell_far")
    fallen = SUGAR | {date(2016, 11, 23): 21930.0}
    [back] = judge(fallen, {date(2016, 11, 24): 25659.0})
    assert (back.verdict, back.reason) == ("accepted", "")
    assert abs(back.move) < 8 * back.scale  # the fall has widened the scale


def test_an_unadjusted_roll_up_waits_and_one_down_acts():
    # Corn from the old crop's contract to the new one's, and back: 12 % in a day.
    assert one(112.0) == ("held", "rose_far")
    assert one(88.0) == ("accepted", "fell_far")
    assert one(107.0) == ("accepted", "")
    # Later prices at the new level bear the roll out.
    judged = judge(CALM, {MONDAY: 112.0, date(2024, 6, 4): 112.5})
    assert told(judged) == {}


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_zero_and_below_are_held(price):
    assert one(price) == ("held", "non_positive")


@pytest.mark.parametrize("price", [1000.0, 10.0, 505.5, 19.9])
def test_a_slipped_digit_is_held_up_or_down(price):
    assert one(price) == ("held", "factor")


def test_a_slipped_digit_does_not_widen_what_is_believed_after_it():
    judged = judge(CALM, {MONDAY: 1000.0, date(2024, 6, 4): 112.0})
    assert told(judged) == {
        "2024-06-03": ("held", "factor"),
        "2024-06-04": ("held", "rose_far"),
    }
    assert judged[1].previous == 101.0


def test_a_second_source_vouches_for_a_rise_and_for_nothing_else():
    def yes(_day, _price):
        return True

    assert one(112.0, vouched=yes) == ("accepted", "")
    assert one(1000.0, vouched=yes) == ("held", "factor")
    assert one(0.0, vouched=yes) == ("held", "non_positive")


def test_closed_days():
    saturday = date(2024, 6, 1)
    assert one(101.0, on=saturday) == ("refused", "closed_day_repeat")
    assert one(100.5, on=saturday) == ("held", "closed_day")

    def works(day):
        return day != MONDAY

    assert one(101.0, works=works) == ("refused", "closed_day_repeat")
    assert one(100.5, works=works) == ("accepted", "")  # a market may open on a holiday


def test_a_correction_is_judged_by_the_day_before_it_and_falls_back_on_what_was_recorded():
    friday, monday = date(2024, 5, 31), date(2024, 6, 3)
    recorded = CALM | {monday: 100.0}
    judged = judge(recorded, {friday: 1010.0})
    assert told(judged) == {"2024-05-31": ("held", "factor")}
    assert judged[0].previous == CALM[date(2024, 5, 30)]
    assert told(judge(recorded, {friday: 100.4})) == {}


def test_a_new_series_is_believed_but_for_slipped_digits():
    assert one(1.0, {}) == ("accepted", "")
    assert told(judge({}, series(MONDAY, 100.0, 130.0, 90.0, 900.0))) == {
        "2024-06-03": ("held", "factor")
    }


def test_a_series_that_hardly_moves_does_not_make_outliers_of_small_moves():
    flat = series(date(2024, 5, 31), *[100.0] * 100)
    assert one(101.9, flat) == ("accepted", "")
    assert one(102.1, flat) == ("held", "rose_far")


def test_two_sources_agree_within_two_per_cent_or_a_scale():
    assert agrees(100.0, 101.9)
    assert not agrees(100.0, 103.0)
    assert agrees(100.0, 103.0, scale=0.05)
    assert not agrees(-1.0, 1.0)
    assert agrees(-1.0, -1.0)


def test_repeated_prints():
    # Henry Hub, December 2001 to February 2002: one in seven days repeats.
    assert repeated_share([2.0] * 59) == 0.0
    assert repeated_share([2.0] * 61) == 1.0
    some = [2.0 + (row % 5 > 1) * row / 100 for row in range(61)]
    assert repeated_share(some) == pytest.approx(12 / 60)


def test_gaps_are_business_days_without_a_price():
    days = weekdays_back(date(2024, 7, 5), 20)
    gap = days.pop(-3)
    holiday = date(2024, 7, 4)

    def works(day):
        return day.weekday() < 5 and day != holiday

    assert missing_days(days, until=date(2024, 7, 8), works=works) == [gap, date(2024, 7, 8)]
    assert missing_days([], until=holiday, works=works, span=2) == [date(2024, 7, 3)]


def read(path):
    with path.open() as lines:
        rows = csv.DictReader(lines)
        return {date.fromisoformat(row["date"]): float(row["price"]) for row in rows}


def test_the_whole_real_series(shared_data):
    """On the twelve real series few prices are held, and the known traps are among them."""
    held = {}
    for path in sorted((shared_data / "prices").glob("*.csv")):
        for one in judge({}, read(path)):
            if one.verdict != "accepted":
                held[path.stem, one.on.isoformat()] = one.reason
    # Four of about 98,000 prices.
    assert held == {
        ("brent", "2020-04-21"): "reversed",
        ("sugar_ice", "2016-11-23"): "reversed",
        ("wti", "2020-04-20"): "non_positive",
        ("wti", "2020-04-21"): "reversed",
    }


def test_repeated_prints_of_real_gas(shared_data):
    prices = list(read(shared_data / "prices" / "henry_hub_gas.csv").values())
    shares = [repeated_share(prices[:row]) for row in range(61, len(prices), 10)]
    assert 0.30 < max(shares) < 0.50
    same = sum(one == other for one, other in pairwise(prices)) / len(prices)
    assert 0.09 < same < 0.13


def test_missing_days_count_from_the_first_price():
    assert missing_days([MONDAY], until=MONDAY + timedelta(days=1), works=lambda _d: True) == [
        MONDAY + timedelta(days=1)
    ]

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.daycounts import DayCount
from lending.rules import (
    Accrual,
    Debt,
    LimitUse,
    Share,
    counted_fraction,
    is_complete_waterfall,
    payable,
    share_out,
    total_owed,
    within_tolerance,
)
from lending.states import DEFAULT_WATERFALL, Component

D = Decimal
COSTS, FEES, PENALTY, INTEREST, PRINCIPAL = DEFAULT_WATERFALL

OLD = Debt(1, {COSTS: D(5), FEES: D(10), PENALTY: D(20), INTEREST: D(30), PRINCIPAL: D(100)})
NEW = Debt(2, {COSTS: D(1), FEES: D(0), PENALTY: D(2), INTEREST: D(3), PRINCIPAL: D(50)})


def test_components_come_in_order_and_within_one_the_older_loan():
    assert share_out(D(150), [OLD, NEW], DEFAULT_WATERFALL) == [
        Share(1, COSTS, D(5)),
        Share(2, COSTS, D(1)),
        Share(1, FEES, D(10)),
        Share(1, PENALTY, D(20)),
        Share(2, PENALTY, D(2)),
        Share(1, INTEREST, D(30)),
        Share(2, INTEREST, D(3)),
        Share(1, PRINCIPAL, D(79)),
    ]


def test_another_waterfall_pays_principal_first():
    assert share_out(D(120), [OLD, NEW], [PRINCIPAL, INTEREST, PENALTY, FEES, COSTS]) == [
        Share(1, PRINCIPAL, D(100)),
        Share(2, PRINCIPAL, D(20)),
    ]


def test_more_than_all_debts_is_an_error():
    with pytest.raises(ValueError, match=r"left over"):
        share_out(D("221.01"), [OLD, NEW], DEFAULT_WATERFALL)


cents = st.integers(0, 10**9).map(lambda n: D(n) / 100)
debts = st.lists(
    st.fixed_dictionaries(dict.fromkeys(Component, cents)), min_size=1, max_size=6
).map(lambda rows: [Debt(number, owed) for number, owed in enumerate(rows)])


@given(debts, st.integers(0, 10**6), st.permutations(DEFAULT_WATERFALL))
def test_shares_sum_to_the_amount_and_pay_no_debt_twice(rows, millionths, waterfall):
    amount = (total_owed(rows) * millionths / 10**6).quantize(D("0.01"))
    amount = min(amount, total_owed(rows))
    shares = share_out(amount, rows, waterfall)
    assert sum(share.amount for share in shares) == amount
    owed = {row.loan_id: row.owed for row in rows}
    assert all(0 < s.amount <= owed[s.loan_id][s.component] for s in shares)
    assert len({(s.loan_id, s.component) for s in shares}) == len(shares)
    # Whatever is left in part is the last thing that was paid.
    partly = [s for s in shares if s.amount < owed[s.loan_id][s.component]]
    assert partly in ([], shares[-1:])


def test_a_waterfall_passes_nothing_by():
    assert is_complete_waterfall(["principal", "costs", "fees", "penalty", "interest"])
    assert not is_complete_waterfall(["costs", "fees", "penalty", "interest"])
    assert not is_complete_waterfall([*DEFAULT_WATERFALL, "fees"])
    assert not is_complete_waterfall(["principal", "costs", "fees", "penalty", "rent"])


def make_accrual(**changes):
    terms = {
        "principal": D(1000),
        "annual_rate": D("0.10"),
        "penalty_rate": D("0.05"),
        "day_count": DayCount.ACT_360,
        "accrues_from": date(2015, 1, 1),
        "due_on": date(2020, 1, 1),
        "stops_on": None,
    }
    return Accrual(**(terms | changes))


@pytest.mark.parametrize(
    ("terms", "end", "expected"),
    [
        # Printed in many explanations of the method: 1,000 at 10 % over one year, actual/360.
        ({}, date(2016, 1, 1), "101.39"),
        # Association of Corporate Treasurers, "money market interest": 3 m for 90 days at 4 %.
        (
            {"principal": D(3_000_000), "annual_rate": D("0.04")},
            date(2015, 4, 1),
            "30000.00",
        ),
        # ISDA, "EMU and market conventions" (1998), regular semi-annual coupon of 10 % on 10,000:
        # 61/365 + 121/366 of a year.
        (
            {
                "principal": D(10_000),
                "day_count": DayCount.ACT_ACT,
                "accrues_from": date(2003, 11, 1),
            },
            date(2004, 5, 1),
            "497.72",
        ),
    ],
)
def test_published_examples(terms, end, expected):
    accrual = make_accrual(**terms)
    assert payable(accrual.interest_through(end), "USD") == D(expected)


def test_penalty_runs_from_the_due_date_on_principal():
    accrual = make_accrual(due_on=date(2015, 3, 2))
    due = accrual.due_on
    assert accrual.penalty_through(due) == 0
    assert payable(accrual.penalty_through(due + timedelta(days=1)), "USD") == D("0.14")
    assert accrual.penalty_through(due + timedelta(days=36)) == D("5")  # 1000 × 5 % × 36/360
    # The ordinary interest goes on beside it: 60 + 36 days.
    assert payable(accrual.interest_through(due + timedelta(days=36)), "USD") == D("26.67")


def test_nothing_accrues_after_the_stop_date():
    accrual = make_accrual(due_on=date(2015, 1, 11), stops_on=date(2015, 2, 6))
    for day in (date(2015, 2, 6), date(2015, 2, 7), date(2025, 1, 1)):
        assert accrual.interest_through(day) == D("10")
        assert payable(accrual.penalty_through(day), "USD") == D("3.61")


def test_a_period_not_yet_begun_counts_nothing():
    assert counted_fraction("30/360", date(2016, 3, 1), date(2016, 2, 1)) == Fraction(0)


@pytest.mark.parametrize(
    ("exact", "currency", "expected"),
    [("0.125", "USD", "0.13"), ("0.5", "JPY", "1"), ("1.0005", "KWD", "1.001")],
)
def test_halves_go_up_in_the_currency_s_own_decimals(exact, currency, expected):
    assert payable(D(exact), currency) == D(expected)


def test_room_under_the_limit():
    use = LimitUse(limit=D(100), exposure=D(70), undrawn=D(10))
    assert (use.above(D(20)), use.above(D("20.01"))) == (0, D("0.01"))


def test_tolerance_ends_at_its_own_amount():
    rest = Debt(1, {PRINCIPAL: D(49), INTEREST: D(1)})
    assert within_tolerance(rest, D(50))
    assert not within_tolerance(rest, D("49.99"))
    assert not within_tolerance(Debt(1, {PRINCIPAL: D(0)}), D(50))

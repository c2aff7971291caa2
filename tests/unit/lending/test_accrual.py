from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.daycounts import DayCount, interest
from common.rates import Rate
from ledger.models import Entry, Posting
from lending import hooks
from lending.models import Loan
from lending.queries import quote_payoff
from lending.refusals import AlreadyCounted
from lending.services.accrual import accrue
from lending.services.fees import charge_fee
from lending.services.loans import stop_interest
from outbox.models import Event
from parties.services.authority import NotAllowed
from tests.factories.lending import (
    START,
    accrue_through,
    make_desk,
    make_drawn_loan,
    make_loan,
    pay_out,
    receive,
)
from tests.factories.parties import NOW, SYSTEM, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal
DAY = timedelta(days=1)


def run(through, **scope):
    return accrue(through=through, actor=SYSTEM, now=NOW, **scope)


def daily(loan, word="interest"):
    """What was posted to the loan's interest, by day."""
    rows = Posting.objects.filter(debit_account__code=f"{word}:{loan.number}").order_by("id")
    return dict(rows.values_list("entry__booked_on", "amount"))


def test_thirty_days_at_act_360():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1_000_000))
    accrue_through(desk, date(2016, 3, 31))
    loan.refresh_from_db()
    assert (loan.owed_interest, loan.accrued_through) == (D("7500.00"), date(2016, 3, 31))
    assert set(daily(loan).values()) == {D("250.00")}
    assert list(daily(loan)) == [START + n * DAY for n in range(1, 31)]
    assert desk.fresh().exposure == D("1007500.00")


def test_the_isda_example_day_by_day():
    # ISDA, "EMU and market conventions" (1998): 10 % on 10,000 from 1 November 2003.
    desk = make_desk(day_count=DayCount.ACT_ACT, opened_on=date(2003, 1, 1))
    loan = make_drawn_loan(
        desk,
        principal=D(10_000),
        annual_rate=D("0.10"),
        on=date(2003, 11, 1),
        due_on=date(2004, 11, 1),
    )
    accrue_through(desk, date(2004, 5, 1))
    loan.refresh_from_db()
    assert loan.owed_interest == D("497.72") == sum(daily(loan).values())


def test_running_twice_and_catching_up_equal_running_every_day():
    desks = [make_desk(team=make_lender_team()) for _ in range(2)]
    loans = [make_drawn_loan(desk, principal=D("123456.78")) for desk in desks]
    daily_desk, late_desk = desks
    for offset in range(1, 40):
        accrue_through(daily_desk, START + offset * DAY)
        accrue_through(daily_desk, START + offset * DAY)
    accrue_through(late_desk, START + 39 * DAY)
    assert daily(loans[0]) == daily(loans[1])
    assert len(daily(loans[0])) == 39
    again = run(START + 39 * DAY)
    assert (again.days, again.loan_days, again.facility_ids) == (0, 0, [])


def test_one_entry_per_lender_currency_and_day():
    team = make_lender_team()
    for _ in range(3):
        make_drawn_loan(make_desk(team=team), principal=D(100_000))
    make_drawn_loan(make_desk(), principal=D(100_000))
    result = run(START + 2 * DAY)
    assert (result.days, result.loan_days, len(result.facility_ids)) == (2, 8, 4)
    entries = Entry.objects.filter(kind="accrual").order_by("booked_on", "tenant_id")
    assert [entry.postings.count() for entry in entries] == [3, 1, 3, 1]


def count_statements(through):
    with CaptureQueriesContext(connection) as captured:
        run(through)
    return len(captured)


def test_a_day_costs_the_same_statements_for_one_loan_and_for_forty():
    desk = make_desk(limit=D(100_000_000))
    make_drawn_loan(desk, principal=D(100_000))
    run(START + DAY)  # the accounts stand
    alone = count_statements(START + 2 * DAY)
    for _ in range(39):
        make_drawn_loan(desk, principal=D(100_000), on=START + 2 * DAY, due_on=START + 90 * DAY)
    run(START + 3 * DAY)
    assert Loan.objects.count() == 40
    assert count_statements(START + 4 * DAY) == alone
    # Nor does a loan grow dearer as it ages.
    run(START + 80 * DAY)
    assert count_statements(START + 81 * DAY) == alone
    # Of those, a further day of catching up costs:
    two, three = count_statements(START + 83 * DAY), count_statements(START + 86 * DAY)
    assert three - two == two - alone
    assert two - alone <= 9


def test_overdue_from_the_day_after_the_due_date():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000), due_on=date(2016, 3, 11))
    accrue_through(desk, date(2016, 3, 11))
    loan.refresh_from_db()
    assert (loan.state, loan.owed_interest, loan.owed_penalty) == ("drawn", D(900), D(0))
    accrue_through(desk, date(2016, 3, 12))
    loan.refresh_from_db()
    # 9 % goes on, 4.5 % comes on top: 90 and 45 a day.
    assert (loan.state, loan.owed_interest, loan.owed_penalty) == ("overdue", D(990), D(45))
    accrue_through(desk, date(2016, 3, 21))
    loan.refresh_from_db()
    assert (loan.owed_interest, loan.owed_penalty) == (D(1800), D(450))
    assert daily(loan, "penalty") == {date(2016, 3, 11) + n * DAY: D(45) for n in range(1, 11)}
    assert Event.objects.filter(topic="lending.loan_fell_overdue").count() == 1


def test_peer_scenario_9_no_interest_after_the_stop_date():
    desk = make_desk(annual_rate=D("0.135"))
    loan = make_drawn_loan(desk, principal=D(1_000_000), due_on=date(2016, 4, 10))
    stop_interest(
        loan=loan,
        stops_on=date(2016, 3, 31),
        reason="restructured",
        actor=desk.team.risk_officer,
        now=NOW,
    )
    accrue_through(desk, date(2016, 12, 31))
    loan.refresh_from_db()
    assert (loan.owed_interest, loan.owed_penalty) == (D("11250.00"), D(0))
    assert max(daily(loan)) == date(2016, 3, 31)
    assert loan.state == "overdue"
    with pytest.raises(AlreadyCounted):
        stop_interest(
            loan=loan,
            stops_on=date(2017, 1, 31),
            reason="again",
            actor=desk.team.risk_officer,
            now=NOW,
        )
    accrue_through(desk, date(2017, 1, 31))
    assert Loan.objects.get(pk=loan.pk).owed_interest == D("11250.00")


def test_a_stop_date_cannot_lie_in_counted_days():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1000))
    accrue_through(desk, START + 10 * DAY)
    with pytest.raises(AlreadyCounted) as refused:
        stop_interest(
            loan=loan,
            stops_on=START + 9 * DAY,
            reason="",
            actor=desk.team.risk_officer,
            now=NOW,
        )
    assert refused.value.numbers["earliest"] == START + 10 * DAY
    assert Loan.objects.get(pk=loan.pk).interest_stops_on is None


def test_yen_are_posted_whole():
    desk = make_desk(currency="JPY", limit=D(100_000_000))
    loan = make_drawn_loan(desk, principal=D(1_000_000))
    accrue_through(desk, START + 36 * DAY)
    posted = daily(loan)
    assert all(amount == amount.to_integral() for amount in posted.values())
    assert sum(posted.values()) == 9000 == Loan.objects.get(pk=loan.pk).owed_interest


def test_half_a_cent_is_the_same_in_sql_and_in_the_quote():
    desk = make_desk(annual_rate=D("0.06"))
    loan = make_drawn_loan(desk, principal=D("1.00"))
    on = START + 30 * DAY  # 1.00 × 6 % × 30/360 = 0.005, and 30/360 has no end as a decimal
    quote = quote_payoff(SYSTEM, loan, on)
    accrue_through(desk, on)
    assert Loan.objects.get(pk=loan.pk).owed_interest == D("0.01")
    assert quote.total == D("1.01") == quote_payoff(SYSTEM, loan, on).total


def test_what_is_settled_or_undrawn_accrues_nothing():
    desk = make_desk()
    make_loan(desk, principal=D(1000))
    done = make_drawn_loan(desk, principal=D(1000))
    receive(desk, D(1000), on=START, loans=[done])
    assert run(START + 30 * DAY).loan_days == 0
    assert not Entry.objects.filter(kind="accrual").exists()


def test_a_fee_bears_no_interest():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1000))
    charge_fee(
        loan=loan,
        amount=D(1_000_000),
        component="fees",
        on=START,
        narrative="arrangement",
        actor=desk.team.preparer,
        now=NOW,
    )
    accrue_through(desk, START + 4 * DAY)
    assert Loan.objects.get(pk=loan.pk).owed_interest == D("1.00")


def test_people_accrue_only_their_own_lender():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1_000_000))
    stranger = make_lender_team()
    for actor, tenant in [
        (stranger.operations, desk.team.lender.pk),
        (desk.team.operations, None),
        (desk.team.auditor, desk.team.lender.pk),
    ]:
        with pytest.raises(NotAllowed):
            accrue(through=START + DAY, tenant_id=tenant, actor=actor, now=NOW)
    own = accrue(
        through=START + DAY,
        tenant_id=desk.team.lender.pk,
        actor=desk.team.operations,
        now=NOW,
    )
    assert own.loan_days == 1


def test_the_rooms_above_are_told_once_a_run_with_fresh_exposure():
    heard = []

    def listen(*, facility_ids, cause, on, actor, now):
        heard.append((list(facility_ids), cause, on, desk.fresh().exposure))

    desk = make_desk()
    make_drawn_loan(desk, principal=D(360_000))
    hooks.on_exposure_changed(listen)
    run(START + 10 * DAY)
    assert heard == [([desk.facility.pk], "accrue", START + 10 * DAY, D(360_900))]


# --- the daily postings against the closed form -------------------------------------------------

changes = st.lists(st.tuples(st.integers(1, 25), st.integers(-100, 100)), min_size=1, max_size=5)


def closed_form(principals, rate, convention, end):
    """Interest of each stretch of constant principal, exactly, and summed."""
    days = sorted(principals)
    ends = [*days[1:], end]
    return sum(
        interest(principals[start], Rate(rate), convention, start, stop)
        for start, stop in zip(days, ends, strict=True)
    )


@pytest.mark.parametrize("convention", list(DayCount))
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.dates(date(2015, 12, 1), date(2016, 3, 5)),
    steps=changes,
    rate=st.integers(0, 40_000).map(lambda n: D(n) / 100_000),
    cents=st.integers(1, 10**9),
    last=st.integers(1, 35),
)
def test_daily_postings_sum_to_the_closed_form(convention, start, steps, rate, cents, last):
    """Random draws and repayments of principal; interest is never paid, so that it can be read."""
    desk = make_desk(
        team=make_lender_team(authority=D(10**12)),
        day_count=convention,
        limit=D(10**12),
        annual_rate=rate,
        opened_on=date(2015, 1, 1),
        waterfall=["principal", "costs", "fees", "penalty", "interest"],
    )
    loan = make_loan(desk, principal=D(10**11), on=start, due_on=date(2029, 1, 1))
    principal = D(cents) / 100
    pay_out(desk, loan, principal, on=start)
    principals, day = {start: principal}, start
    for gap, percent in steps:
        day += gap * DAY
        by = (principal * percent / 100).quantize(D("0.01"))
        if by > 0:
            pay_out(desk, loan, by, on=day)
        elif by < 0 and principal + by > 0:
            receive(desk, -by, on=day)
        else:
            continue
        principal += by
        principals[day] = principal
    end = day + last * DAY
    accrue_through(desk, end)
    exact = closed_form(principals, rate, convention, end)
    loan.refresh_from_db()
    posted = sum(daily(loan).values(), D(0))
    assert loan.owed_principal == principal
    assert posted == loan.owed_interest
    assert abs(posted - exact) <= D("0.01")
    assert all(amount > 0 for amount in daily(loan).values())


def test_thirty_360_counts_between_the_dates_whatever_the_rhythm():
    ends = defaultdict(set)
    for rhythm in (1, 31, 183):
        desk = make_desk(day_count=DayCount.THIRTY_360)
        loan = make_drawn_loan(desk, principal=D(360_000), on=date(2016, 1, 31))
        for offset in range(rhythm, 184, rhythm):
            accrue_through(desk, date(2016, 1, 31) + offset * DAY)
        for month in range(2, 7):
            day = date(2016, month, 28)
            ends[day].add(sum(amount for on, amount in daily(loan).items() if on <= day))
    # From 31 January: 28 days to 28 February, then 30 a month, at 90 a day.
    assert dict(ends) == {
        date(2016, month, 28): {D(90) * (28 + 30 * (month - 2))} for month in range(2, 7)
    }

"""Two people approve at the same instant against one limit: exactly one gets through."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.models import Entry
from lending import hooks
from lending.invariants import INVARIANTS
from lending.models import Disbursement, Facility, Loan
from lending.refusals import AboveLimit, MoreThanOwed
from lending.services.accrual import accrue
from lending.services.disbursements import approve_disbursement
from lending.services.fees import charge_fee
from lending.services.loans import agree_loan
from tests.concurrency.racing import race
from tests.factories.lending import (
    DUE,
    START,
    accrue_through,
    make_desk,
    make_drawn_loan,
    make_facility,
    make_loan,
    receive,
    request_payment,
)
from tests.factories.parties import NOW, SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal
ROUNDS = 200


@pytest.fixture(autouse=True)
def only_lending(monkeypatch):
    """The limit by itself: these loans have no cover, which the rooms above would refuse first."""
    monkeypatch.setattr(hooks, "_callbacks", [])


def breaches():
    return [breach for rule in INVARIANTS for breach in rule.breaches()]


def make_contest(desk):
    """Two payments that fit under a new facility's limit one at a time: a fee has taken room."""
    facility = make_facility(team=desk.team, borrower=desk.borrower, limit=D(1_000_000))
    contest = replace(desk, facility=facility)
    loans = [make_loan(contest, principal=D(500_000)) for _racer in range(2)]
    charge_fee(
        loan=loans[0],
        amount=D("0.01"),
        component="fees",
        on=START,
        narrative="",
        actor=desk.team.preparer,
        now=NOW,
    )
    return [request_payment(contest, loan, D(500_000)) for loan in loans]


def test_two_connections_one_limit_200_rounds_exactly_one_draws():
    desk = make_desk()
    contests = [make_contest(desk) for _ in range(ROUNDS)]

    def draw(racer, number):
        return approve_disbursement(
            disbursement=contests[number][racer], on=START, actor=desk.team.approver, now=NOW
        )

    rounds = race(2, draw, rounds=ROUNDS)
    assert len(rounds) == ROUNDS
    for outcomes in rounds:
        [refused] = [outcome.error for outcome in outcomes if not outcome.won]
        assert isinstance(refused, AboveLimit)
        assert refused.numbers["above"] == D("0.01")
    assert Disbursement.objects.filter(state="instructed").count() == ROUNDS
    exposures = Facility.objects.exclude(pk=desk.facility.pk).values_list("exposure", flat=True)
    assert set(exposures) == {D("500000.01")}
    assert breaches() == []


def test_two_connections_agree_one_of_two_loans():
    desk = make_desk()
    facilities = [
        make_facility(team=desk.team, borrower=desk.borrower, limit=D(1000)) for _ in range(20)
    ]

    def agree(racer, number):
        return agree_loan(
            facility=facilities[number],
            product="pledge",
            principal=D(600),
            due_on=DUE,
            on=START,
            actor=desk.team.preparer,
            now=NOW,
        )

    for outcomes in race(2, agree, rounds=20):
        assert [type(o.error) for o in outcomes if not o.won] == [AboveLimit]
    assert Loan.objects.count() == 20


def test_the_same_night_twice_at_once_counts_once():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(360_000))

    def run(_racer, number):
        return accrue(through=START.replace(day=2 + number), actor=SYSTEM, now=NOW).loan_days

    for outcomes in race(4, run, rounds=20):
        assert sorted(outcome.result for outcome in outcomes) == [0, 0, 0, 1]
    assert desk.fresh().exposure == D(360_000) + 20 * 90
    assert Entry.objects.filter(kind="accrual").count() == 20
    assert breaches() == []


def test_two_payments_for_one_debt():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(2_000))
    accrue_through(desk, START)

    def pay(racer, number):
        return receive(desk, D(51), on=START, reference=f"{racer}-{number}")

    outcomes = [outcome for round_ in race(2, pay, rounds=20) for outcome in round_]
    assert sum(outcome.won for outcome in outcomes) == 39
    assert [type(o.error) for o in outcomes if not o.won] == [MoreThanOwed]
    assert desk.fresh().exposure == D(2_000) - 39 * 51
    assert breaches() == []

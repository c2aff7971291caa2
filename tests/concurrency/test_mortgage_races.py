"""Goods that leave under a floating mortgage race each other, prices and draws."""

from datetime import date
from decimal import Decimal

import pytest

from lending.models import Loan
from logistics.models import Lot
from pledges.invariants import INVARIANTS
from pledges.measure import controlled_value
from pledges.services.controlled import BelowFloor
from pledges.services.cover import WouldUncover
from tests.concurrency.racing import race
from tests.factories.lending import START, make_drawn_loan, make_loan, pay_out
from tests.factories.mortgages import FLOOR, Yard, make_yard
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def yard() -> Yard:
    return make_yard(make_vault())


def breaches() -> list[tuple[str, tuple[str, str]]]:
    return [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()]


def controlled(yard: Yard) -> Decimal:
    return controlled_value(as_of=START, facility_id=yard.facility_id)


def test_two_outflows_race_for_the_last_of_the_floor_and_one_wins(yard: Yard) -> None:
    """2,200 kg at 500 USD over a floor of 1,000,000: one of two shipments of 200 kg each round."""
    lots = [yard.receive(5_000), yard.receive(5_000)]
    make_drawn_loan(yard.vault.desk, principal=D(100_000))
    yard.ship(lots[0], 3_900)
    yard.ship(lots[1], 3_900)
    assert controlled(yard) == 1_100_000

    [both] = race(2, lambda racer, _round: yard.ship(lots[racer], 200))

    [lost] = [outcome for outcome in both if not outcome.won]
    assert isinstance(lost.error, BelowFloor)
    assert controlled(yard) == FLOOR
    assert breaches() == []


def test_goods_that_leave_race_a_draw_and_the_lender_stays_covered(yard: Yard) -> None:
    lot = yard.receive(4_000)
    loan = make_loan(yard.vault.desk, principal=D(900_000))

    def leave_or_draw(racer: int, _round: int) -> object:
        if racer == 0:
            return yard.ship(Lot.objects.get(pk=lot.pk), 200)
        return pay_out(yard.vault.desk, Loan.objects.get(pk=loan.pk), D(90_000))

    rounds = race(2, leave_or_draw, rounds=10)

    errors = [one.error for outcomes in rounds for one in outcomes if not one.won]
    assert errors
    assert {type(error) for error in errors} <= {BelowFloor, WouldUncover}
    cover = yard.vault.cover()
    assert 0 < cover.exposure <= cover.lending_value
    assert breaches() == []


def test_goods_that_leave_race_a_falling_price(yard: Yard) -> None:
    lot = yard.receive(6_000)
    make_drawn_loan(yard.vault.desk, principal=D(600_000))
    prices = [D(500) - 10 * step for step in range(10)]

    def leave_or_tick(racer: int, number: int) -> object:
        if racer == 0:
            return yard.ship(Lot.objects.get(pk=lot.pk), 300)
        return make_tick({"alpha": prices[number]}, on=date(2016, 3, 2 + number))

    rounds = race(2, leave_or_tick, rounds=10)

    errors = [one.error for outcomes in rounds for one in outcomes if not one.won]
    assert {type(error) for error in errors} <= {BelowFloor}
    assert breaches() == []

"""Instructions on several connections: one execution, one promise, and never below the level."""

from datetime import date
from decimal import Decimal

import pytest

from common.states import TransitionRefused
from pledges.instruction_refusals import GoodsPromised
from pledges.instruction_states import InstructionState
from pledges.models import Conversion, Instruction, InstructionLine, Position
from pledges.services.approvals import withdraw_instruction
from tests.concurrency.racing import race
from tests.concurrency.test_rights_races import breaches, errors_of
from tests.factories.instructions import make_counter, minutes
from tests.factories.lending import make_drawn_loan, make_loan, pay_out
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick, noon

pytestmark = pytest.mark.django_db(transaction=True)
S = InstructionState
WED = date(2016, 3, 2)
ROUNDS = 12


@pytest.fixture
def counter():
    return make_counter(make_vault())


def known_orders(counter, count, quantity=1):
    """Return so many acknowledged releases of one position, and the position."""
    position = counter.vault.pledge(4_000)
    asked = [counter.ask_release(position, quantity) for _ in range(count)]
    return [counter.bring_to(one, S.ACKNOWLEDGED) for one in asked], position


def test_two_executions_at_once_release_once(counter):
    orders, position = known_orders(counter, ROUNDS)
    rounds = race(2, lambda _racer, n: counter.execute(orders[n]), rounds=ROUNDS)
    assert all(sum(one.won for one in outcomes) == 1 for outcomes in rounds)
    assert {type(error) for error in errors_of(rounds)} == {TransitionRefused}
    assert Position.objects.get(pk=position.pk).remaining == 4_000 - ROUNDS
    assert Conversion.objects.filter(kind="release").count() == ROUNDS
    assert breaches() == []


def test_withdrawn_or_executed_but_never_both(counter):
    orders, position = known_orders(counter, ROUNDS)

    def step(racer, n):
        if racer:
            return counter.execute(orders[n])
        return withdraw_instruction(
            instruction=orders[n], reason="not needed", actor=counter.asker, now=minutes(90)
        )

    rounds = race(2, step, rounds=ROUNDS)
    assert all(sum(one.won for one in outcomes) == 1 for outcomes in rounds)
    executed = Instruction.objects.filter(state=S.EXECUTED).count()
    assert Position.objects.get(pk=position.pk).remaining == 4_000 - executed
    assert Instruction.objects.filter(state=S.WITHDRAWN).count() == ROUNDS - executed
    assert breaches() == []


def test_the_same_goods_are_promised_once(counter):
    lots = [counter.vault.lot(10) for _ in range(ROUNDS)]
    rounds = race(3, lambda _racer, n: counter.ask_pledge(lots[n], 6), rounds=ROUNDS)
    assert all(sum(one.won for one in outcomes) == 1 for outcomes in rounds)
    assert {type(error) for error in errors_of(rounds)} == {GoodsPromised}
    assert InstructionLine.objects.count() == ROUNDS


def test_a_release_and_a_tick_never_leave_less_than_the_level(counter):
    orders, position = known_orders(counter, 1, quantity=1_600)
    make_drawn_loan(counter.vault.desk, principal=Decimal(540_000))

    def step(racer, _n):
        if racer:
            return counter.execute(orders[0], on=WED, now=noon(WED))
        return make_tick({"alpha": 499}, on=WED)

    [[tick, execution]] = race(2, step)
    assert tick.won
    assert execution.won
    left = Position.objects.get(pk=position.pk).remaining
    # Before the tick it was allowed, after it refused with nothing moved.
    assert (execution.result.state, left) in ((S.EXECUTED, 2_400), (S.FAILED, 4_000))
    assert breaches() == []


def test_a_release_and_a_draw_never_uncover_together(counter):
    orders, position = known_orders(counter, 1, quantity=1_600)
    make_drawn_loan(counter.vault.desk, principal=Decimal(540_000))
    loan = make_loan(counter.vault.desk, principal=Decimal(300_000))

    def step(racer, _n):
        if racer:
            return counter.execute(orders[0]).state
        return pay_out(counter.vault.desk, loan, Decimal(300_000))

    [[draw, execution]] = race(2, step)
    left = Position.objects.get(pk=position.pk).remaining
    # 840,000 owed needs 933,333 lent to release anything; 600,000 lent allows no such draw.
    assert (draw.won, execution.result, left) in (
        (True, S.FAILED, 4_000),
        (False, S.EXECUTED, 2_400),
    )
    assert breaches() == []

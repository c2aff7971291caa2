"""What is taken back at the instant that something else happens to it: one wins, books tie."""

from decimal import Decimal

import pytest

from factoring.models import Collection, Receivable
from factoring.refusals import AlreadyApplied, NothingToTakeBack
from factoring.services.collections import apply_collection
from factoring.services.undoing import unmatch_collection
from lending.models import Loan, Repayment, RepaymentReversal
from lending.refusals import RepaymentNotReversible
from lending.services.repayment_reversal import reverse_repayment
from orders.models import Delivery, DeliveryReversal
from orders.refusals import DeliveryNotReversible
from orders.services.undoing import reverse_delivery
from pledges.models import Conversion
from pledges.services.conversion import NotEnoughLeft, Take
from pledges.services.reversal import LaterConversionFirst
from tests.concurrency.racing import race
from tests.factories.factoring import DUE_ON, collect_amount, make_sale_desk, sell_phones
from tests.factories.lending import START, make_drawn_loan, receive
from tests.factories.orders import approve, deliver_goods, make_financing, make_order_desk
from tests.factories.parties import NOW
from tests.factories.pledges import make_vault
from tests.factories.transit import undo
from tests.proofs import breaches

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3
D = Decimal


def errors_of(rounds):
    return [outcome.error for outcomes in rounds for outcome in outcomes if not outcome.won]


def by_two(desk, on):
    return {
        "maker_id": desk.team.preparer.person_id,
        "reason": "mistake",
        "on": on,
        "actor": desk.team.approver,
        "now": NOW,
    }


def test_two_reversals_of_one_repayment_one_wins():
    shop = make_sale_desk()
    loan = make_drawn_loan(shop.desk, principal=D(1_000))
    paid = [receive(shop.desk, D(100), on=START, loans=[loan]) for _ in range(ROUNDS)]

    def act(_racer: int, number: int) -> object:
        repayment = Repayment.objects.get(pk=paid[number].pk)
        return reverse_repayment(repayment=repayment, **by_two(shop.desk, START))

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert [type(error) for error in errors] == [RepaymentNotReversible] * ROUNDS
    assert RepaymentReversal.objects.count() == ROUNDS
    assert Loan.objects.get(pk=loan.pk).owed_principal == 1_000
    assert breaches() == {}


def test_a_match_taken_back_while_its_money_is_used_one_wins():
    shop = make_sale_desk()
    debts = [
        sell_phones(shop, quantity=D(10), refinances=[make_drawn_loan(shop.desk, principal=D(500))])
        for _ in range(ROUNDS)
    ]
    money = [collect_amount(shop, debt, D(200)) for debt in debts]

    def act(racer: int, number: int) -> object:
        collection = Collection.objects.get(pk=money[number].pk)
        if racer:
            return unmatch_collection(collection=collection, **by_two(shop.desk, DUE_ON))
        return apply_collection(
            collection=collection, on=DUE_ON, actor=shop.desk.team.operations, now=NOW
        )

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} <= {LaterConversionFirst, AlreadyApplied}
    assert len(errors) == ROUNDS
    assert breaches() == {}


def test_a_match_taken_back_twice_while_more_is_collected():
    shop = make_sale_desk()
    debts = [sell_phones(shop, quantity=D(10)) for _ in range(ROUNDS)]
    money = [collect_amount(shop, debt, D(200)) for debt in debts]

    def act(racer: int, number: int) -> object:
        if racer == 2:
            return collect_amount(shop, Receivable.objects.get(pk=debts[number].pk), D(300))
        collection = Collection.objects.get(pk=money[number].pk)
        return unmatch_collection(collection=collection, **by_two(shop.desk, DUE_ON))

    errors = errors_of(race(3, act, rounds=ROUNDS))
    assert [type(error) for error in errors] == [NothingToTakeBack] * ROUNDS
    for debt in Receivable.objects.select_related("position"):
        assert debt.position is not None
        assert debt.position.remaining == debt.face - 300
    assert breaches() == {}


def test_a_pledge_reversed_while_its_goods_are_released_one_wins():
    vault = make_vault()
    goods = [vault.pledge(10) for _ in range(ROUNDS)]
    made = [one.legs.get(direction="produced").conversion for one in goods]

    def act(racer: int, number: int) -> object:
        if racer:
            return undo(vault, made[number])
        return vault.release(Take(goods[number].pk, D(10)))

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} <= {LaterConversionFirst, NotEnoughLeft}
    assert len(errors) == ROUNDS
    assert Conversion.objects.filter(kind__in=["release", "reverse"]).count() == ROUNDS
    assert breaches() == {}


def test_two_reversals_of_one_delivery_one_wins():
    shop = make_order_desk()
    financing = make_financing(shop)
    approve(shop, financing.stages.get(sequence=1))
    delivery = deliver_goods(shop, financing.order)

    def act(_racer: int, _number: int) -> object:
        again = Delivery.objects.get(pk=delivery.pk)
        return reverse_delivery(delivery=again, **by_two(shop.desk, START))

    errors = errors_of(race(2, act))
    assert [type(error) for error in errors] == [DeliveryNotReversible]
    assert DeliveryReversal.objects.count() == 1
    assert breaches() == {}

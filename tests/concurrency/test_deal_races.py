"""Two connections want the same invoice, entry, delivery or payment: one effect, in every round."""

from dataclasses import replace
from decimal import Decimal

import pytest

from common.states import TransitionRefused
from factoring.models import BankEntry, Collection, Rebate, Receivable
from factoring.refusals import (
    AlreadyApplied,
    InvoiceAlreadyFinanced,
    MoreThanOutstanding,
    NothingToRebate,
)
from factoring.services.collections import apply_collection, match_collection
from factoring.services.rebates import request_rebate
from factoring.services.sales import factor_sale
from lending.models import Repayment
from orders.models import Delivery
from orders.refusals import NotAwaitingGoods, OverDelivery
from orders.services.deliveries import record_delivery
from orders.services.stages import approve_stage_payment
from pledges.models import Position
from tests.concurrency.racing import race
from tests.factories.factoring import (
    DUE_ON,
    collect_amount,
    make_entry,
    make_pledge_loan,
    make_sale_desk,
    pay_invoice,
    sale_of,
    sell_phones,
)
from tests.factories.lending import START, make_facility
from tests.factories.logistics import unique
from tests.factories.orders import ask_for, make_financing, make_order, make_order_desk
from tests.factories.parties import NOW, make_lender_team
from tests.proofs import breaches

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal
ONE = D(1)


@pytest.fixture(autouse=True)
def invariants_hold(transactional_db):
    yield
    assert breaches() == {}


def second_lenders_desk(shop):
    """A desk at another lender, for the same seller's phones in another warehouse."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=shop.desk.borrower)
    return make_sale_desk(desk=replace(shop.desk, team=team, facility=facility), phone=shop.phone)


def one_won(outcomes, *refusals):
    """Whether exactly one racer won and all others were refused for one of these reasons."""
    lost = [outcome.error for outcome in outcomes if not outcome.won]
    return len(lost) == len(outcomes) - 1 and all(isinstance(error, refusals) for error in lost)


def test_one_invoice_offered_to_two_lenders_at_once_100_times():
    first = make_sale_desk()
    shops = [first, second_lenders_desk(first)]
    sales = [
        [sale_of(shop, quantity=ONE, invoice_number=f"INV-2016-{number}") for number in range(100)]
        for shop in shops
    ]
    rounds = race(2, lambda racer, number: factor_sale(**sales[racer][number]), rounds=100)
    assert all(one_won(outcomes, InvoiceAlreadyFinanced) for outcomes in rounds)
    assert Receivable.objects.count() == 100
    # Whoever lost has let nothing go.
    left = sum(shop.fresh().remaining for shop in shops)
    assert left == D(20_000) - 100


def test_one_invoice_offered_twice_to_one_lender_at_once():
    shop = make_sale_desk()
    sales = [
        [sale_of(shop, quantity=ONE, invoice_number=f"inv {number}") for number in range(25)]
        for _racer in range(2)
    ]
    rounds = race(2, lambda racer, number: factor_sale(**sales[racer][number]), rounds=25)
    assert all(one_won(outcomes, InvoiceAlreadyFinanced) for outcomes in rounds)
    assert shop.fresh().remaining == D(10_000) - 25


def test_two_payments_race_for_the_rest_of_an_invoice():
    shop = make_sale_desk()
    clerk = shop.desk.team.operations
    receivables = [sell_phones(shop, quantity=ONE) for _ in range(25)]  # 160 each
    entries = [[make_entry(shop, D(100)) for _ in receivables] for _racer in range(2)]

    def match(racer, number):
        return match_collection(
            entry=entries[racer][number],
            receivable=receivables[number],
            on=DUE_ON,
            actor=clerk,
            now=NOW,
        )

    rounds = race(2, match, rounds=25)
    assert all(one_won(outcomes, MoreThanOutstanding) for outcomes in rounds)
    assert Collection.objects.count() == 25
    assert BankEntry.objects.filter(state="booked").count() == 25


def test_the_same_entry_recorded_and_matched_by_two_at_once_is_one():
    shop = make_sale_desk()
    receivables = [sell_phones(shop, quantity=ONE) for _ in range(25)]

    def record_and_match(_racer, number):
        entry = make_entry(shop, D(160), entry_reference=f"E-{number}")
        return match_collection(
            entry=entry,
            receivable=receivables[number],
            on=DUE_ON,
            actor=shop.desk.team.operations,
            now=NOW,
        ).pk

    for first, second in race(2, record_and_match, rounds=25):
        assert first.result == second.result
    assert BankEntry.objects.count() == Collection.objects.count() == 25


def test_one_collection_applied_by_two_at_once_repays_once():
    shop = make_sale_desk()
    loan = make_pledge_loan(shop, principal=D(100_000))
    collections = []
    for _ in range(15):
        receivable = sell_phones(shop, quantity=D(10), refinances=[loan])
        collections.append(collect_amount(shop, receivable, receivable.face))

    def apply(_racer, number):
        return apply_collection(
            collection=collections[number],
            on=DUE_ON,
            actor=shop.desk.team.operations,
            now=NOW,
        )

    rounds = race(2, apply, rounds=15)
    assert all(one_won(outcomes, AlreadyApplied) for outcomes in rounds)
    assert Repayment.objects.filter(source="proceeds").count() == 15


def test_one_rebate_asked_for_by_two_at_once():
    shop = make_sale_desk()
    receivables = [sell_phones(shop, quantity=ONE) for _ in range(15)]
    for receivable in receivables:
        pay_invoice(shop, receivable)

    def ask(_racer, number):
        return request_rebate(
            receivable=receivables[number], actor=shop.desk.team.preparer, now=NOW
        )

    rounds = race(2, ask, rounds=15)
    assert all(one_won(outcomes, NothingToRebate) for outcomes in rounds)
    assert Rebate.objects.count() == 15


def test_two_deliveries_race_for_what_is_still_awaited():
    shop = make_order_desk(limit=D(50_000_000))
    orders = [
        make_financing(shop, order=make_order(shop, lines=[(shop.foil, D(100), D(10))])).order
        for _ in range(25)
    ]

    def deliver(racer, number):
        return record_delivery(
            order=orders[number],
            receipts=[(shop.foil, unique("LOT"), D(60), D(0))],
            reference=f"GRN-{racer}-{number}",
            occurred_at=NOW,
            on=START,
            actor=shop.clerk,
            now=NOW,
        )

    rounds = race(2, deliver, rounds=25)
    assert all(one_won(outcomes, OverDelivery, NotAwaitingGoods) for outcomes in rounds)
    assert Delivery.objects.count() == 25


def test_the_same_report_from_two_at_once_is_one_delivery():
    shop = make_order_desk(limit=D(50_000_000))
    orders = [make_financing(shop).order for _ in range(15)]

    def deliver(_racer, number):
        return record_delivery(
            order=orders[number],
            receipts=[(shop.foil, f"LOT-{number}", D(60), D(0))],
            reference=f"GRN-{number}",
            occurred_at=NOW,
            on=START,
            actor=shop.clerk,
            now=NOW,
        ).pk

    for first, second in race(2, deliver, rounds=15):
        assert first.result == second.result
    assert Delivery.objects.count() == 15


def test_one_stage_approved_by_two_at_once_is_paid_once():
    shop = make_order_desk(limit=D(50_000_000))
    stages = [ask_for(shop, make_financing(shop).stages.get(sequence=1)) for _ in range(15)]

    def approve(_racer, number):
        return approve_stage_payment(
            stage=stages[number], on=START, actor=shop.desk.team.approver, now=NOW
        )

    rounds = race(2, approve, rounds=15)
    assert all(one_won(outcomes, TransitionRefused) for outcomes in rounds)
    assert Position.objects.filter(right="order_claim").count() == 15
    assert shop.desk.fresh().exposure == 15 * D(42_000)

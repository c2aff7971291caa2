from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.states import TransitionRefused
from lending.models import Loan
from lending.refusals import AboveLimit, NotYourFacility, ProductNotAllowed
from lending.states import LoanState, Product
from orders.models import OrderFinancing, PaymentStage
from orders.refusals import FractionsDoNotSum, NotTheBuyersFacility, ShareAboveAdvanceRate
from orders.services.financing import finance_order
from orders.states import StageTrigger
from tests.factories.lending import DUE, START, make_facility
from tests.factories.orders import (
    SHARE,
    THIRTY_SEVENTY,
    make_financing,
    make_order,
    make_order_desk,
)
from tests.factories.parties import NOW, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def shop():
    return make_order_desk()


def test_thirty_seventy_of_200_000_at_70_per_cent(shop):
    financing = make_financing(shop)
    stages = [
        (s.sequence, s.trigger, s.amount, s.lender_amount, s.own_amount, s.state)
        for s in financing.stages.all()
    ]
    assert stages == [
        (1, "on_order", D(60_000), D(42_000), D(18_000), "planned"),
        (2, "on_receipt", D(140_000), D(98_000), D(42_000), "planned"),
    ]
    loan = financing.loan
    assert (loan.product, loan.principal, loan.state) == (Product.ORDER, 140_000, LoanState.AGREED)
    assert financing.order.state == "financed"
    assert financing.facility.exposure == 0


def test_odd_cents_stay_in_the_sum(shop):
    order = make_order(shop, lines=[(shop.foil, D(1), D("100.01"))])
    thirds = [
        (StageTrigger.ON_ORDER, D("0.33333333")),
        (StageTrigger.ON_ORDER, D("0.33333333")),
        (StageTrigger.ON_RECEIPT, D("0.33333334")),
    ]
    financing = make_financing(shop, order=order, stages=thirds)
    stages = list(financing.stages.all())
    assert [s.amount for s in stages] == [D("33.33"), D("33.33"), D("33.35")] or sum(
        s.amount for s in stages
    ) == D("100.01")
    assert sum(s.lender_amount for s in stages) == financing.loan.principal


def nothing_financed(order):
    order.refresh_from_db()
    return (
        order.state == "placed"
        and OrderFinancing.objects.count() == PaymentStage.objects.count() == 0
        and Loan.objects.count() == 0
    )


@pytest.mark.parametrize(
    "fractions", [("0.3", "0.6"), ("0.3", "0.8"), ("1.3", "-0.3"), ("1", "0"), ()]
)
def test_fractions_that_are_no_whole_are_refused(shop, fractions):
    order = make_order(shop)
    stages = [(StageTrigger.ON_ORDER, D(fraction)) for fraction in fractions]
    with pytest.raises(FractionsDoNotSum) as refused:
        finance_order(
            order=order,
            facility=shop.desk.facility,
            share=SHARE,
            stages=stages,
            due_on=DUE,
            on=START,
            actor=shop.desk.team.preparer,
            now=NOW,
        )
    assert refused.value.numbers["total"] == sum(map(D, fractions))
    assert nothing_financed(order)


@pytest.mark.parametrize("share", [D(0), D("-0.1"), D("0.80000001"), D(2)])
def test_a_share_is_above_zero_and_at_most_the_advance_rate(shop, share):
    order = make_order(shop)
    with pytest.raises(ShareAboveAdvanceRate) as refused:
        make_financing(shop, order=order, share=share)
    assert refused.value.numbers == {"rate": D("0.8"), "share": share}
    assert nothing_financed(order)


def test_the_advance_rate_itself_is_a_possible_share(shop):
    assert make_financing(shop, share=D("0.8")).loan.principal == D(160_000)


def test_an_order_above_the_limit_is_refused_with_the_numbers():
    shop = make_order_desk(limit=D(139_999))
    order = make_order(shop)
    with pytest.raises(AboveLimit) as refused:
        make_financing(shop, order=order)
    assert refused.value.numbers == {
        "limit": D(139_999),
        "exposure": D(0),
        "asked": D(140_000),
        "above": D(1),
    }
    assert nothing_financed(order)


def test_two_orders_share_one_limit():
    shop = make_order_desk(limit=D(200_000))
    make_financing(shop)
    with pytest.raises(AboveLimit) as refused:
        make_financing(shop)
    assert refused.value.numbers["undrawn"] == D(140_000)
    assert refused.value.numbers["above"] == D(80_000)


def test_a_facility_of_another_borrower_or_without_order_finance(shop):
    order = make_order(shop)
    other = make_facility(team=shop.desk.team)
    with pytest.raises(NotTheBuyersFacility):
        finance(shop, order, facility=other)
    plain = make_facility(
        team=shop.desk.team, borrower=shop.desk.borrower, products=(Product.PLEDGE,)
    )
    with pytest.raises(ProductNotAllowed):
        finance(shop, order, facility=plain)
    with pytest.raises(NotYourFacility):
        finance(shop, order, actor=make_lender_team().preparer)
    assert nothing_financed(order)


def finance(shop, order, **changes):
    request = {
        "facility": shop.desk.facility,
        "share": SHARE,
        "stages": THIRTY_SEVENTY,
        "due_on": DUE,
        "on": START,
        "actor": shop.desk.team.preparer,
        "now": NOW,
    }
    return finance_order(order=order, **(request | changes))


def test_an_order_is_financed_once_and_the_same_key_is_the_same_financing(shop):
    order = make_order(shop)
    first = finance(shop, order, idempotency_key="k")
    assert finance(shop, order, idempotency_key="k").pk == first.pk
    with pytest.raises(TransitionRefused):
        finance(shop, order)
    assert Loan.objects.count() == 1


def test_the_database_keeps_the_plan(shop):
    make_financing(shop)
    for sql in (
        "UPDATE orders_orderfinancing SET share = 0.1",
        "DELETE FROM orders_orderfinancing",
        "UPDATE orders_paymentstage SET lender_amount = 60000, own_amount = 0",
        "UPDATE orders_paymentstage SET state = 'paid', paid_on = '2016-03-01'",
        "UPDATE orders_paymentstage SET state = 'requested'",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

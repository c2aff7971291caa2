from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.idempotency import IdempotencyKeyReused
from common.states import TransitionRefused
from logistics.refusals import QuantityNotPossible
from orders.models import OrderLine, PurchaseOrder
from orders.queries import get_order, get_progress, list_late_orders, list_orders
from orders.refusals import (
    AmountsDoNotTie,
    GoodsReceived,
    NotYourOrder,
    OrderNumberTaken,
    OrderUnsound,
    PriceNotPossible,
)
from orders.services.placing import cancel_order, close_order
from orders.states import OrderState
from outbox.models import Event
from parties.roles import Role
from tests.factories.lending import START
from tests.factories.orders import deliver_goods, make_financing, make_order, make_order_desk
from tests.factories.parties import NOW, make_actor, make_lender_team, make_supplier

pytestmark = pytest.mark.django_db

D = Decimal
LATE_LINE = """
INSERT INTO orders_orderline (order_id, item_id, quantity, unit_price, amount, received)
SELECT order_id, item_id + 1000, 1, 1, 1, 0 FROM orders_orderline LIMIT 1
"""


@pytest.fixture
def shop():
    return make_order_desk()


def test_lines_make_the_amount(shop):
    order = make_order(
        shop,
        number=" PO-2016-001 ",
        lines=[(shop.foil, D("12.5"), D("8.33333333")), (shop.wire, D(3), D("0.335"))],
    )
    assert order.number == "PO-2016-001"
    assert [line.amount for line in order.lines.all()] == [D("104.17"), D("1.01")]
    assert (order.amount, order.state, order.placed_on) == (D("105.18"), "placed", START)
    event = Event.objects.get(topic="orders.order_placed")
    assert event.payload["amount"] == "105.18"


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"lines": []}, OrderUnsound, "lines"),
        ({"number": "  "}, OrderUnsound, "lines"),
        ({"deliver_by": date(2016, 2, 1)}, OrderUnsound, "deliver_by"),
        ({"amount": D("199999.99")}, AmountsDoNotTie, "amount"),
    ],
)
def test_what_an_order_cannot_be(shop, changes, refusal, field):
    with pytest.raises(refusal) as refused:
        make_order(shop, **changes)
    assert refused.value.field == field
    assert PurchaseOrder.objects.count() == OrderLine.objects.count() == 0


def test_amounts_that_do_not_tie_are_told_with_the_difference(shop):
    with pytest.raises(AmountsDoNotTie) as refused:
        make_order(shop, amount=D("199999.99"))
    assert str(refused.value) == (
        "the lines make 200,000.00 USD, the order says 199,999.99 USD: off by 0.01 USD"
    )
    assert refused.value.numbers == {
        "lines": D(200_000),
        "stated": D("199999.99"),
        "off": D("-0.01"),
    }


def test_an_item_is_named_once_with_a_quantity_and_a_price(shop):
    with pytest.raises(OrderUnsound):
        make_order(shop, lines=[(shop.foil, D(1), D(1)), (shop.foil, D(2), D(1))])
    with pytest.raises(QuantityNotPossible):
        make_order(shop, lines=[(shop.foil, D(0), D(1))])
    with pytest.raises(PriceNotPossible):
        make_order(shop, lines=[(shop.foil, D(1), D("0.000000001"))])
    with pytest.raises(OrderUnsound):
        make_order(shop, lines=[(shop.foil, D("0.000001"), D("0.01"))])
    assert PurchaseOrder.objects.count() == 0


def test_nobody_orders_from_themselves(shop):
    with pytest.raises(OrderUnsound) as refused:
        make_order(shop, supplier=shop.desk.borrower)
    assert refused.value.field == "supplier"


def test_a_number_is_the_buyers_once(shop):
    make_order(shop, number="PO-1")
    with pytest.raises(OrderNumberTaken):
        make_order(shop, number="PO-1")
    assert PurchaseOrder.objects.count() == 1


def test_the_same_key_places_one_order(shop):
    first = make_order(shop, number="PO-1", idempotency_key="k")
    assert make_order(shop, number="PO-1", idempotency_key="k").pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        make_order(shop, number="PO-2", idempotency_key="k")
    assert PurchaseOrder.objects.count() == 1


def test_strangers_place_no_orders_but_a_lender_may_write_one_down(shop):
    stranger = make_actor(organisation=make_supplier(), roles=[Role.PREPARER])
    with pytest.raises(NotYourOrder):
        make_order(shop, actor=stranger)
    assert make_order(shop, actor=shop.desk.team.preparer).state == "placed"


def test_the_database_keeps_a_placed_order_as_it_is(shop):
    order = make_order(shop)
    for sql in (
        "UPDATE orders_purchaseorder SET amount = 1",
        "UPDATE orders_purchaseorder SET state = 'closed'",
        "UPDATE orders_orderline SET quantity = 1",
        "UPDATE orders_orderline SET received = 999999",
        LATE_LINE,
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    order.refresh_from_db()
    assert (order.amount, order.state) == (D(200_000), OrderState.PLACED)


def test_an_order_is_called_off_before_goods_come(shop):
    order = cancel_order(order=make_order(shop), reason="design", actor=shop.buyer, now=NOW)
    assert order.state == OrderState.CANCELLED
    begun = make_order(shop)
    deliver_goods(shop, begun, (shop.foil, D(1)))
    with pytest.raises(GoodsReceived):
        cancel_order(order=begun, reason="late", actor=shop.buyer, now=NOW)
    financed = make_financing(shop).order
    with pytest.raises(TransitionRefused):
        cancel_order(order=financed, reason="late", actor=shop.buyer, now=NOW)


def test_an_order_paid_by_the_buyer_alone_is_received_and_closed(shop):
    order = make_order(shop)
    deliver_goods(shop, order)
    order.refresh_from_db()
    assert order.state == OrderState.DELIVERED
    assert close_order(order=order, actor=shop.buyer, now=NOW).state == OrderState.CLOSED


def test_who_sees_an_order(shop):
    order = make_financing(shop).order
    sees = [shop.buyer, shop.clerk, shop.desk.team.auditor]
    sees.append(make_actor(organisation=shop.desk.supplier))
    for actor in sees:
        assert [seen.pk for seen in list_orders(actor=actor)] == [order.pk]
    for stranger in (make_lender_team().preparer, make_actor(organisation=make_supplier())):
        assert not list_orders(actor=stranger).exists()
        with pytest.raises(PurchaseOrder.DoesNotExist):
            get_order(actor=stranger, order_id=order.pk)
        with pytest.raises(PurchaseOrder.DoesNotExist):
            get_progress(actor=stranger, order=order)


def test_late_orders_say_what_is_awaited(shop):
    order = make_order(shop)
    deliver_goods(shop, order, (shop.foil, D(1_200)))
    assert not list_late_orders(actor=shop.buyer, on=date(2016, 4, 15)).exists()
    [late] = list_late_orders(actor=shop.buyer, on=date(2016, 4, 16))
    assert late.awaited == D(188_000)


def test_orders_are_read_in_a_constant_number_of_queries(shop, django_assert_num_queries):
    for _ in range(3):
        make_financing(shop)
    with django_assert_num_queries(1):
        assert len([order.financing.loan for order in list_orders(actor=shop.buyer)]) == 3

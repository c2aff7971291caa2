from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.idempotency import IdempotencyKeyReused
from logistics.models import Lot, StockAct
from logistics.refusals import LotRepeated, QuantityNotPossible
from logistics.services.stock import receive_goods
from orders.models import Delivery, DeliveryLine, OrderLine
from orders.refusals import NotAwaitingGoods, NotYourOrder, OverDelivery, UnknownItem
from orders.services.deliveries import record_delivery
from orders.states import StageTrigger
from pledges.models import Conversion, CoverRecord, Position
from pledges.services.cover import WouldUncover
from tests.factories.lending import START
from tests.factories.orders import (
    approve,
    deliver_goods,
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


@pytest.fixture
def order(shop):
    """An order of 200,000 whose first 60,000 are paid: a claim of 60,000."""
    financing = make_financing(shop)
    approve(shop, financing.stages.get(sequence=1))
    return financing.order


def claim_of(order):
    return Position.objects.get(order_claim__stage__financing__order=order)


def deliver(shop, order, receipts, **changes):
    report = {
        "reference": "GRN-1",
        "occurred_at": NOW,
        "on": START,
        "actor": shop.clerk,
        "now": NOW,
    }
    return record_delivery(order=order, receipts=receipts, **(report | changes))


def test_all_goods_at_once_take_the_whole_claim(shop, order):
    delivery = deliver_goods(shop, order)
    order.refresh_from_db()
    claim = claim_of(order)
    assert (order.state, claim.remaining) == ("delivered", 0)
    mortgages = Position.objects.filter(right="floating_mortgage").order_by("-quantity")
    assert [(p.quantity, p.unit, p.lot.owner) for p in mortgages] == [
        (D(12_000), "KGM", shop.desk.borrower),
        (D(400), "KGM", shop.desk.borrower),
    ]
    assert all(p.lot.site == shop.site and p.lot.claimed == p.quantity for p in mortgages)
    assert [line.value for line in delivery.lines.all()] == [D(120_000), D(80_000)]
    conversion = Conversion.objects.get(kind="deliver")
    assert conversion.evidence["kind"] == "goods_received"
    assert conversion.evidence["reference"] == delivery.reference
    assert {p.parent for p in mortgages} == {claim}


def test_part_deliveries_discharge_in_proportion_and_the_last_takes_the_rest(shop, order):
    deliver_goods(shop, order, (shop.foil, D(4_000)))  # 40,000 of 200,000
    assert claim_of(order).remaining == D(48_000)
    deliver_goods(shop, order, (shop.foil, D(1_000)), (shop.wire, D(1)))  # 10,200 of 160,000
    assert claim_of(order).remaining == D(44_940)
    deliver_goods(shop, order, (shop.foil, D(7_000)), (shop.wire, D(399)))
    order.refresh_from_db()
    assert (claim_of(order).remaining, order.state) == (0, "delivered")
    assert [line.received for line in order.lines.all()] == [D(12_000), D(400)]


def test_odd_thirds_leave_no_cent_behind(shop):
    order = make_order(shop, lines=[(shop.foil, D(7), D("14.29"))])  # 100.03
    financing = make_financing(shop, order=order)
    approve(shop, financing.stages.get(sequence=1))
    assert claim_of(order).quantity == D("30.01")
    remaining = []
    for _ in range(7):
        deliver_goods(shop, order, (shop.foil, D(1)))
        remaining.append(claim_of(order).remaining)
    assert remaining[-1] == 0
    assert sorted(remaining, reverse=True) == remaining
    values = DeliveryLine.objects.filter(line__order=order).values_list("value", flat=True)
    assert sum(values) == D("100.03")


def test_two_claims_are_discharged_side_by_side(shop):
    stages = [(StageTrigger.ON_ORDER, D("0.3")), (StageTrigger.ON_ORDER, D("0.2"))]
    financing = make_financing(shop, stages=[*stages, (StageTrigger.ON_RECEIPT, D("0.5"))])
    for number in (1, 2):
        approve(shop, financing.stages.get(sequence=number))
    deliver_goods(shop, financing.order, (shop.foil, D(6_000)))  # 60,000 of 200,000
    claims = Position.objects.filter(right="order_claim").order_by("-quantity")
    assert [claim.remaining for claim in claims] == [D(42_000), D(28_000)]


def test_several_lots_of_one_item(shop, order):
    delivery = deliver(
        shop,
        order,
        [(shop.foil, "A-1", D(5_000), D(0)), (shop.foil, "A-2", D(7_000), D("0.05"))],
    )
    assert [(line.lot.number, line.value) for line in delivery.lines.all()] == [
        ("A-1", D(50_000)),
        ("A-2", D(70_000)),
    ]
    with pytest.raises(LotRepeated):
        deliver(
            shop,
            order,
            [(shop.wire, "B-1", D(1), D(0)), (shop.wire, "b 1", D(1), D(0))],
            reference="GRN-2",
        )


def stands_still(order):
    order.refresh_from_db()
    return (
        claim_of(order).remaining == D(60_000)
        and order.state == "financed"
        and not OrderLine.objects.filter(order=order, received__gt=0).exists()
        and Delivery.objects.count() == Lot.objects.count() == StockAct.objects.count() == 0
        and not Conversion.objects.filter(kind="deliver").exists()
    )


def test_over_delivery_is_refused_with_the_numbers(shop, order):
    with pytest.raises(OverDelivery) as refused:
        deliver(
            shop,
            order,
            [(shop.wire, "W-1", D(300), D(0)), (shop.wire, "W-2", D("100.5"), D(0))],
        )
    assert str(refused.value) == (
        f"{shop.wire}: ordered 400 kg, received before 0 kg, now 400.5 kg, over by 0.5 kg"
    )
    assert refused.value.numbers["over"] == D("0.5")
    assert stands_still(order)


def test_what_was_not_ordered_is_refused(shop, order):
    other = make_order_desk().foil
    with pytest.raises(UnknownItem):
        deliver(shop, order, [(shop.foil, "A", D(1), D(0)), (other, "B", D(1), D(0))])
    with pytest.raises(QuantityNotPossible):
        deliver(shop, order, [(shop.foil, "A", D(0), D(0))])
    assert stands_still(order)


def test_goods_that_would_uncover_are_refused_whole(shop, order):
    # Worth a tenth, all the goods lend 16,000 against 42,000 that are drawn.
    with pytest.raises(WouldUncover) as refused:
        deliver_goods(shop, order, quality_deduction=D("0.9"))
    assert refused.value.numbers["short"] == D(26_000)
    assert stands_still(order)


def test_nothing_comes_after_everything(shop, order):
    deliver_goods(shop, order)
    with pytest.raises(NotAwaitingGoods):
        deliver_goods(shop, order, (shop.foil, D(1)))


def test_only_the_site_or_the_lender_report(shop, order):
    receipts = [(shop.foil, "A", D(1), D(0))]
    for actor in (shop.buyer, make_lender_team().preparer):
        with pytest.raises(NotYourOrder):
            deliver(shop, order, receipts, actor=actor)
    assert stands_still(order)
    assert deliver(shop, order, receipts, actor=shop.desk.team.operations).pk


def test_the_same_report_twice_is_one_delivery(shop, order):
    receipts = [(shop.foil, "A", D(1_200), D(0))]
    first = deliver(shop, order, receipts)
    readings = CoverRecord.objects.count()
    assert deliver(shop, order, receipts).pk == first.pk
    assert claim_of(order).remaining == D(56_400)
    with pytest.raises(IdempotencyKeyReused):
        deliver(shop, order, [(shop.foil, "A", D(1_300), D(0))])
    with pytest.raises(IdempotencyKeyReused):
        deliver(shop, order, receipts, occurred_at=NOW - timedelta(hours=1))
    assert (Delivery.objects.count(), CoverRecord.objects.count()) == (1, readings)


def test_goods_that_the_site_told_of_before_are_taken_as_they_lie(shop, order):
    lot = receive_goods(
        site=shop.site,
        item=shop.foil,
        owner=shop.desk.borrower,
        lot_number="A",
        quantity=D(500),
        source=shop.site.operator,
        reference="GRN-1",
        occurred_at=NOW,
        actor=shop.clerk,
        now=NOW,
    )
    deliver(shop, order, [(shop.foil, "A", D(500), D(0))])
    lot.refresh_from_db()
    assert (lot.on_hand, lot.claimed) == (D(500), D(500))


def test_goods_of_an_order_without_a_lender_stay_free(shop):
    order = make_order(shop)
    deliver_goods(shop, order, (shop.foil, D(500)))
    assert [(lot.on_hand, lot.claimed) for lot in Lot.objects.all()] == [(D(500), D(0))]
    assert Position.objects.count() == CoverRecord.objects.count() == 0


def test_the_database_keeps_deliveries_as_they_were(shop, order):
    deliver_goods(shop, order, (shop.foil, D(500)))
    for sql in (
        "UPDATE orders_delivery SET reference = 'x'",
        "DELETE FROM orders_deliveryline",
        "UPDATE orders_orderline SET received = 0",
        "UPDATE orders_orderclaim SET stage_id = stage_id + 1",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

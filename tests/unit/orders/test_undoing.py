"""A delivery reported by mistake is taken back: goods, claims and quantities as before it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from lending.refusals import ReasonMissing
from logistics.refusals import NotFree
from logistics.services.stock import ship_goods
from orders.models import DeliveryReversal, OrderClaim, OrderLine
from orders.queries import get_progress
from orders.refusals import DeliveryNotReversible, NotYourOrder, StandsOnDelivery
from orders.services.undoing import reverse_delivery
from parties.roles import Role
from parties.services.authority import NotAllowed, SamePerson
from pledges.models import Conversion, Position
from pledges.services.cover import covering
from pledges.services.reversal import ReversedOtherwise, reverse
from tests.factories.lending import START
from tests.factories.orders import (
    approve,
    deliver_goods,
    make_financing,
    make_order,
    make_order_desk,
    pay_stage,
)
from tests.factories.parties import NOW, make_actor, make_lender_team
from tests.proofs import breaches

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def invariants_hold(db):
    yield
    assert breaches() == {}


@pytest.fixture
def shop():
    return make_order_desk()


@pytest.fixture
def order(shop):
    """An order of 200,000 whose first 60,000 are paid: a claim of 60,000."""
    financing = make_financing(shop)
    approve(shop, financing.stages.get(sequence=1))
    return financing.order


def take_back(shop, delivery, **changes):
    said = {
        "maker_id": shop.desk.team.preparer.person_id,
        "reason": "counted the neighbour's crates",
        "on": START,
        "actor": shop.desk.team.approver,
        "now": NOW,
    }
    return reverse_delivery(delivery=delivery, **(said | changes))


def picture(shop, order):
    order.refresh_from_db()
    progress = get_progress(actor=shop.desk.team.auditor, order=order)
    live = Position.objects.live().filter(facility=shop.desk.facility)
    return {
        "state": order.state,
        "received": list(order.lines.order_by("id").values_list("received", flat=True)),
        "progress": (progress.received, progress.claimed),
        "claims": sum(live.filter(right="order_claim").values_list("remaining", flat=True)),
        "goods": sum(live.filter(right="floating_mortgage").values_list("remaining", flat=True)),
    }


def test_a_whole_delivery_taken_back_leaves_the_order_as_before_it(shop, order):
    before = picture(shop, order)
    delivery = deliver_goods(shop, order)
    assert picture(shop, order)["state"] == "delivered"
    reversal = take_back(shop, delivery)
    assert picture(shop, order) == before
    for line in delivery.lines.select_related("lot"):
        assert (line.lot.on_hand, line.lot.claimed) == (0, 0)
    row = Conversion.objects.get(kind="reverse")
    assert (row.reverses.kind, row.exposure_after) == ("deliver", row.exposure_before)
    assert (reversal.maker_id, reversal.checker_id) == (
        shop.desk.team.preparer.person_id,
        shop.desk.team.approver.person_id,
    )


def test_a_part_taken_back_and_the_right_goods_complete_the_order(shop, order):
    deliver_goods(shop, order, (shop.foil, D(4_000)))
    between = picture(shop, order)
    take_back(shop, deliver_goods(shop, order, (shop.foil, D(3_333)), (shop.wire, D(7))))
    assert picture(shop, order) == between
    deliver_goods(shop, order, (shop.foil, D(8_000)), (shop.wire, D(400)))
    done = picture(shop, order)
    assert (done["state"], done["claims"], done["goods"]) == ("delivered", 0, D(12_400))
    assert done["progress"] == (D(200_000), 0)


def test_restored_claims_belong_to_their_stage(shop, order):
    stage = order.financing.stages.get(sequence=1)
    for _round in range(2):
        take_back(shop, deliver_goods(shop, order, (shop.foil, D(4_000))))
    # Each part that came back is a claim of its own: of the first, then of it and of the rest.
    assert OrderClaim.objects.filter(stage=stage).count() == 4
    assert picture(shop, order)["claims"] == D(60_000)


def test_the_last_goes_back_first(shop, order):
    first = deliver_goods(shop, order, (shop.foil, D(4_000)))
    second = deliver_goods(shop, order, (shop.foil, D(1_000)), reference="GRN-2")
    before = picture(shop, order)
    with pytest.raises(StandsOnDelivery) as refused:
        take_back(shop, first)
    assert refused.value.numbers == {f"{shop.foil.code}.later": D(1_000)}
    assert "GRN-2" in str(refused.value)
    assert picture(shop, order) == before
    take_back(shop, second)
    take_back(shop, first)
    assert picture(shop, order)["received"] == [0, 0]


def test_a_payment_on_receipt_stands_on_it(shop, order):
    delivery = deliver_goods(shop, order)
    pay_stage(shop, order.financing.stages.get(sequence=2))
    before = picture(shop, order)
    with pytest.raises(StandsOnDelivery) as refused:
        take_back(shop, delivery)
    assert refused.value.numbers == {"stage": 2, "amount": D(140_000)}
    assert picture(shop, order) == before


def test_goods_that_went_on_stay(shop, order):
    delivery = deliver_goods(shop, order, (shop.foil, D(4_000)))
    [conversion] = Conversion.objects.filter(kind="deliver")
    take_back(shop, delivery)
    with pytest.raises(DeliveryNotReversible):
        take_back(shop, delivery)
    assert conversion.reversal.kind == "reverse"
    assert DeliveryReversal.objects.count() == 1


def test_an_order_without_a_lender_is_the_operators_matter(shop):
    order = make_order(shop)
    delivery = deliver_goods(shop, order)
    other = make_actor(organisation=shop.site.operator, roles=[Role.PARTNER])
    with pytest.raises(NotYourOrder):
        take_back(shop, delivery)
    take_back(shop, delivery, maker_id=shop.clerk.person_id, actor=other)
    order.refresh_from_db()
    assert (order.state, sum(order.lines.values_list("received", flat=True))) == ("placed", 0)
    again = deliver_goods(shop, order)
    lot = again.lines.first().lot
    ship_goods(
        lot=lot,
        quantity=D(1),
        source=shop.site.operator,
        reference="CMR-9",
        occurred_at=NOW,
        actor=shop.clerk,
        now=NOW,
    )
    with pytest.raises(NotFree):
        take_back(shop, again, maker_id=shop.clerk.person_id, actor=other)


def test_the_rights_engine_leaves_it_to_the_order(shop, order):
    deliver_goods(shop, order)
    with (
        pytest.raises(ReversedOtherwise),
        covering(
            facility_id=shop.desk.facility.pk,
            cause="reverse",
            actor=shop.desk.team.approver,
            on=START,
            now=NOW,
        ) as act,
    ):
        reverse(
            act=act,
            conversion_id=Conversion.objects.get(kind="deliver").pk,
            maker_id=shop.desk.team.preparer.person_id,
            reason="mistake",
        )


def test_two_persons_of_the_lender_and_a_reason(shop, order):
    delivery = deliver_goods(shop, order)
    before, team = picture(shop, order), shop.desk.team
    for refusal, changes in (
        (SamePerson, {"maker_id": team.approver.person_id}),
        (NotAllowed, {"actor": team.operations}),
        (NotYourOrder, {"actor": make_lender_team().approver}),
        (ReasonMissing, {"reason": "  "}),
        (DeliveryNotReversible, {"on": START - timedelta(days=1)}),
    ):
        with pytest.raises(refusal):
            take_back(shop, delivery, **changes)
    assert picture(shop, order) == before


def test_the_database_lets_nothing_else_undo_a_delivery(shop, order):
    first = deliver_goods(shop, order, (shop.foil, D(4_000)))
    deliver_goods(shop, order, (shop.foil, D(1_000)))
    maker, checker = shop.desk.team.preparer.person_id, shop.desk.team.approver.person_id

    def insert(delivery, who, why="mistake"):
        return (
            "INSERT INTO orders_deliveryreversal (delivery_id, reversed_on, reason, maker_id, "
            f"checker_id, recorded_at) VALUES ({delivery.pk}, '{START}', '{why}', {maker}, {who}, "
            "now())"
        )

    last = order.deliveries.latest("pk")
    for sql, constraint in (
        ("UPDATE orders_orderline SET received = 0", "orderline_received_falls_with_its_delivery"),
        (insert(first, checker), "deliveryreversal_undoes_the_last_delivery"),
        (insert(last, maker), "delivery_reversal_checked_by_another_person"),
        (insert(last, checker, ""), "delivery_reversal_says_why"),
    ):
        with (
            pytest.raises(IntegrityError) as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert constraint_name(caught.value) == constraint
    assert OrderLine.objects.filter(received=D(5_000)).count() == 1


@pytest.mark.tampers
def test_a_word_without_the_deed_is_found(shop, order):
    delivery = deliver_goods(shop, order)
    with transaction.atomic():
        DeliveryReversal.objects.create(
            delivery=delivery,
            reversed_on=START,
            reason="mistake",
            maker_id=shop.desk.team.preparer.person_id,
            checker_id=shop.desk.team.approver.person_id,
            recorded_at=NOW,
        )
        found = breaches()
        assert set(found) == {"taken_back_with_its_goods", "received_is_the_sum_of_deliveries"}
        assert delivery.reference in str(found["taken_back_with_its_goods"])
        transaction.set_rollback(True)

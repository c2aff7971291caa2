"""A conversion that touches a room's books goes back with them, on its page, by two persons."""

from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from orders.models import DeliveryReversal
from parties.models import Person
from pledges.models import ActRequest, Conversion, Position
from portal.proofs import prove_all
from tests.factories.factoring import (
    DUE_ON,
    make_pledge_loan,
    make_sale_desk,
    pay_invoice,
    sell_phones,
)
from tests.factories.orders import approve, deliver_goods, make_financing, make_order_desk
from tests.factories.parties import NOW
from tests.factories.risk import noon
from tests.unit.portal.desk import browser, offered, send

pytestmark = pytest.mark.django_db


def reversed_on_page(team, kind):
    """Let one ask for the reversal of the latest conversion of a kind, and another do it."""
    made = Conversion.objects.filter(kind=kind, reversal__isnull=True).latest("occurred_at", "pk")
    page = f"/conversions/{made.pk}/"
    maker, checker = browser(team.preparer), browser(team.approver)
    assert send(maker, page, "ask", reason="the bank called it back").status_code == 303
    asked = ActRequest.objects.latest("pk")
    assert send(maker, page, "reverse", request=asked.pk).status_code == 422
    assert send(checker, page, "reverse", request=asked.pk).status_code == 303
    assert offered(maker, page) == []
    undone = Conversion.objects.get(reverses=made)
    assert {undone.maker_id, undone.person_id} == {
        Person.objects.get(pk=one.person_id).pk for one in (team.preparer, team.approver)
    }


def test_the_use_of_a_payment_goes_back_and_then_its_match():
    shop = make_sale_desk()
    sold = sell_phones(shop, refinances=[make_pledge_loan(shop)])
    collection = pay_invoice(shop, sold)
    with using_clock(SetClock(noon(DUE_ON))):
        reversed_on_page(shop.desk.team, "apply")
        collection.refresh_from_db()
        sold.loan.refresh_from_db()
        assert (collection.repayment, sold.loan.state) == (None, "drawn")
        reversed_on_page(shop.desk.team, "collect")
    collection.entry.refresh_from_db()
    collection.refresh_from_db()
    assert (collection.entry.state, collection.taken_back_at) == ("booked", noon(DUE_ON))
    assert all(proof.holds for proof in prove_all())


def test_a_match_in_use_says_what_must_go_back_first():
    shop = make_sale_desk()
    pay_invoice(shop, sell_phones(shop, refinances=[make_pledge_loan(shop)]))
    made = Conversion.objects.get(kind="collect")
    page, team = f"/conversions/{made.pk}/", shop.desk.team
    with using_clock(SetClock(noon(DUE_ON))):
        send(browser(team.preparer), page, "ask", reason="wrong invoice")
        asked = ActRequest.objects.get()
        assert send(browser(team.approver), page, "reverse", request=asked.pk).status_code == 422
    asked.refresh_from_db()
    assert asked.state == "asked"
    assert not Conversion.objects.filter(kind="reverse").exists()


def test_a_delivery_on_an_order_goes_back_with_the_orders_quantities():
    shop = make_order_desk()
    financing = make_financing(shop)
    approve(shop, financing.stages.get(sequence=1))
    delivery = deliver_goods(shop, financing.order)
    with using_clock(SetClock(NOW)):
        reversed_on_page(shop.desk.team, "deliver")
    assert DeliveryReversal.objects.get().delivery == delivery
    received = financing.order.lines.values_list("received", flat=True)
    assert set(received) == {Decimal(0)}
    live = Position.objects.live().filter(facility=shop.desk.facility)
    assert set(live.values_list("right", flat=True)) == {"order_claim"}
    assert all(proof.holds for proof in prove_all())

"""One deal, from the order to the settled invoice: where the claim and the cents are at each step.

200,000 USD of foil and wire are bought with 70 % of the lender's money, 30 % on order. They are
made into 2,000 units, pledged, sold at 150 on 60 days, and paid in two transfers.
"""

from datetime import date
from decimal import Decimal

import pytest

from factoring.queries import suggest_matches
from factoring.services.collections import apply_collection, match_collection, record_bank_entry
from factoring.services.rebates import pay_rebate, request_rebate
from factoring.services.sales import factor_sale
from ledger.queries import balance
from lending.models import Loan
from lending.services.accrual import accrue
from lending.services.loans import agree_loan
from lending.services.refinancing import refinance
from lending.states import Product
from orders.models import PaymentStage
from orders.services.placing import close_order
from pledges.measure import measure
from pledges.models import Position
from pledges.queries import lineage_of
from pledges.services.conversion import Take
from pledges.services.cover import covering
from pledges.services.production import transform
from pledges.services.warehouse import Arrival, pledge_mortgaged
from tests.factories.logistics import make_bill, make_site
from tests.factories.orders import (
    deliver_goods,
    make_financing,
    make_order,
    make_order_desk,
    make_plain_item,
    pay_stage,
)
from tests.factories.parties import NOW, SYSTEM, make_buyer, make_carrier
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
ORDERED, RECEIVED = date(2016, 3, 1), date(2016, 3, 31)
MADE, SOLD, DUE = date(2016, 4, 30), date(2016, 5, 30), date(2016, 7, 29)


class Deal:
    """The deal and who takes part in it."""

    def __init__(self):
        self.shop = make_order_desk()
        self.desk, self.team = self.shop.desk, self.shop.desk.team
        self.order = make_order(self.shop)
        self.unit = make_plain_item(
            owner=self.desk.borrower, price=D(120), rate=D("0.7"), unit="C62"
        )
        make_bill(product=self.unit, lines=[(self.shop.foil, D(6)), (self.shop.wire, D("0.2"))])
        self.warehouse = make_site()
        self.buyer, self.carrier = make_buyer(), make_carrier()

    def act(self, cause, on):
        return covering(
            facility_id=self.desk.facility.pk, cause=cause, actor=self.team.approver, on=on, now=NOW
        )

    def live(self, right):
        return list(Position.objects.filter(right=right, remaining__gt=0).order_by("-quantity"))

    def cover(self, on):
        facility_id = self.desk.facility.pk
        accrue(through=on, facility_ids=[facility_id], actor=SYSTEM, now=NOW)
        cover = measure(as_of=on, facility_ids=[facility_id])[facility_id]
        assert cover.band == "covered"
        assert breaches() == {}
        return cover.exposure, cover.lending_value

    def books(self, code):
        return balance(tenant_id=self.team.lender.pk, code=code, currency="USD")


def test_the_claim_follows_the_goods_and_every_cent_comes_back():
    deal = Deal()
    order_loan = pay_the_supplier_in_advance(deal)
    receive_the_goods_and_pay_the_rest(deal)
    pledge_what_was_made(deal)
    pledge_loan = refinance_the_order(deal, order_loan)
    receivable = sell_to_the_buyer(deal, pledge_loan)
    take_in_the_buyers_money(deal, receivable)
    give_the_reserve_back(deal, receivable)


def pay_the_supplier_in_advance(deal):
    financing = make_financing(deal.shop, order=deal.order)
    pay_stage(deal.shop, financing.stages.get(sequence=1), on=ORDERED)
    [claim] = deal.live("order_claim")
    assert claim.remaining == D(60_000)
    assert deal.cover(ORDERED) == (D(42_000), D(48_000))
    return financing.loan


def receive_the_goods_and_pay_the_rest(deal):
    deliver_goods(deal.shop, deal.order, on=RECEIVED)
    assert deal.live("order_claim") == []
    assert [p.remaining for p in deal.live("floating_mortgage")] == [D(12_000), D(400)]
    stage = PaymentStage.objects.get(financing__order=deal.order, sequence=2)
    pay_stage(deal.shop, stage, on=RECEIVED)
    # 42,000 at 9 % for 30 days of 360: 315.
    assert deal.cover(RECEIVED) == (D(140_315), D(160_000))
    assert close_order(order=deal.order, actor=deal.shop.buyer, now=NOW).state == "closed"


def pledge_what_was_made(deal):
    materials = [Take(p.pk, p.remaining) for p in deal.live("floating_mortgage")]
    with deal.act("transform", MADE) as act:
        made = transform(
            act=act,
            materials=materials,
            site=deal.shop.site,
            product=deal.unit,
            lot_number="RUN-1",
            quantity=D(2_000),
            source=deal.shop.site.operator,
            reference="PROD-1",
            occurred_at=NOW,
        )
    with deal.act("pledge", MADE) as act:
        pledge_mortgaged(
            act=act,
            goods=Take(made.pk, made.remaining),
            arrival=Arrival(deal.warehouse, "RUN-1", deal.warehouse.operator, "WR-1", NOW),
        )
    [pledge] = deal.live("pledge")
    assert (pledge.remaining, deal.live("floating_mortgage")) == (D(2_000), [])
    # 315 and 140,000 at 9 % for 30 days: 1,050.
    assert deal.cover(MADE) == (D(141_365), D(168_000))


def refinance_the_order(deal, order_loan):
    agreed = agree_loan(
        facility=deal.desk.facility,
        product=Product.PLEDGE,
        principal=D(141_365),
        due_on=date(2016, 12, 1),
        refinances=[order_loan],
        on=MADE,
        actor=deal.team.preparer,
        now=NOW,
    )
    refinance(
        new_loan=agreed,
        amount=D(141_365),
        old_loans=[order_loan],
        on=MADE,
        maker=deal.team.preparer,
        actor=deal.team.approver,
        now=NOW,
    )
    order_loan.refresh_from_db()
    assert order_loan.state == "repaid"
    assert deal.cover(MADE) == (D(141_365), D(168_000))
    return Loan.objects.get(pk=agreed.pk)


def sell_to_the_buyer(deal, pledge_loan):
    [pledge] = deal.live("pledge")
    receivable = factor_sale(
        facility=deal.desk.facility,
        debtor=deal.buyer,
        invoice_number="INV-2016-0530",
        buyer_order="CHAIN-77",
        lines=[(deal.unit, D(2_000), D(150))],
        issued_on=SOLD,
        due_on=DUE,
        goods=[(pledge, D(2_000))],
        carrier=deal.carrier,
        delivery_reference="BL-1",
        refinances=[pledge_loan],
        maker=deal.team.preparer,
        actor=deal.team.approver,
        on=SOLD,
        now=NOW,
    )
    # 141,365 at 9 % for 30 days: 1,060.2375.
    assert receivable.loan.drawn == D("142425.24")
    assert (deal.live("pledge"), receivable.position.remaining) == ([], D(300_000))
    assert deal.cover(SOLD) == (D("142425.24"), D(240_000))
    return receivable


def take_in_the_buyers_money(deal, receivable):
    for number, (amount, remittance) in enumerate(
        [(D(100_000), "part of inv-2016-0530"), (D(200_000), "CHAIN-77, rest")], start=1
    ):
        entry = record_bank_entry(
            facility=deal.desk.facility,
            account_number="95588110042011",
            entry_reference=f"CR-{number}",
            amount=amount,
            currency="USD",
            booked_on=DUE,
            payer_name=deal.buyer.name,
            remittance=remittance,
            actor=deal.team.operations,
            now=NOW,
        )
        [found] = suggest_matches(actor=deal.team.operations, entry=entry)
        assert found.receivable == receivable
        collection = match_collection(
            entry=entry, receivable=receivable, on=DUE, actor=deal.team.operations, now=NOW
        )
        apply_collection(collection=collection, on=DUE, actor=deal.team.operations, now=NOW)
    receivable.refresh_from_db()
    assert (receivable.state, receivable.loan.owed_total) == ("collected", 0)
    # 142,425.24 at 9 % for 60 days: 2,136.3786.
    assert deal.cover(DUE) == (0, D(300_000) - D("142425.24") - D("2136.38"))


def give_the_reserve_back(deal, receivable):
    rebate = request_rebate(receivable=receivable, actor=deal.team.preparer, now=NOW)
    assert rebate.amount == D("155438.38")
    pay_rebate(rebate=rebate, bank_reference="RB-1", on=DUE, actor=deal.team.approver, now=NOW)
    receivable.refresh_from_db()
    assert receivable.state == "settled"
    assert deal.cover(DUE) == (0, 0)
    interest = D(315) + D(1_050) + D("1060.24") + D("2136.38")
    # 140,000 went to the supplier; it came back with its interest, and nothing stands anywhere.
    assert deal.books("cash") == deal.books("interest_income") == interest
    facility = deal.desk.facility.code
    for code in ("clearing", f"collection:{facility}", f"proceeds:{facility}", "suspense"):
        assert deal.books(code) == 0
    paid_back = Position.objects.filter(right="repaid").order_by("opened_at", "id")
    assert sum(p.quantity for p in paid_back) == D("144561.62")
    first = Position.objects.get(right="order_claim")
    assert {first.pk} | {p.pk for p in paid_back} <= lineage_of([receivable.position_id]).all

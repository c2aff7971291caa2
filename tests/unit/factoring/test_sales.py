from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.idempotency import IdempotencyKeyReused
from factoring.models import Receivable, ReceivableLine
from factoring.queries import get_receivable, get_standing, list_receivables
from factoring.refusals import (
    AdvanceTooHigh,
    InvoiceAlreadyFinanced,
    InvoiceDoesNotAdd,
    InvoiceDoesNotTie,
    InvoicePastDue,
    InvoiceUnsound,
)
from factoring.services.sales import factor_sale
from ledger.models import Posting
from lending.models import Disbursement, Loan, Repayment
from lending.refusals import AboveLimit, NotYourFacility, ProductNotAllowed
from lending.services.disbursements import approve_disbursement, request_disbursement
from lending.states import Product
from logistics.models import Lot, StockAct
from outbox.models import Event
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.measure import measure
from pledges.models import Conversion, CoverRecord, Position
from pledges.services.conversion import NotEnoughLeft, NothingToConvert, WrongRight
from pledges.services.cover import WouldUncover
from tests.factories.factoring import (
    DUE_ON,
    FACE,
    SOLD,
    SOLD_ON,
    SaleDesk,
    make_pledge_loan,
    make_sale_desk,
    pledge_goods,
    sale_of,
    sell_phones,
)
from tests.factories.lending import make_desk, make_facility
from tests.factories.logistics import make_site
from tests.factories.orders import (
    deliver_goods,
    make_financing,
    make_order_desk,
    make_plain_item,
)
from tests.factories.parties import (
    NOW,
    make_actor,
    make_buyer,
    make_carrier,
    make_lender_team,
)

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def shop():
    return make_sale_desk()


@pytest.fixture
def loan(shop):
    """A pledge loan of 500,000 drawn on the first of March."""
    return make_pledge_loan(shop)


def cover(shop, on=SOLD_ON):
    facility_id = shop.desk.facility.pk
    return measure(as_of=on, facility_ids=[facility_id])[facility_id]


def counts():
    """All that a sale writes, events of refusals aside."""
    tables = (
        Receivable,
        ReceivableLine,
        Position,
        Conversion,
        CoverRecord,
        StockAct,
        Loan,
        Repayment,
        Posting,
    )
    return [model.objects.count() for model in tables]


def test_property_right_becomes_creditors_right_in_one_act(shop, loan):
    receivable = sell_phones(shop, refinances=[loan])
    position = receivable.position
    assert (position.right, position.quantity, position.unit) == ("receivable", FACE, "USD")
    assert (receivable.state, receivable.face) == ("assigned", FACE)
    assert position.parent == shop.pledged
    left = shop.fresh()
    assert left.remaining == D(6_000)
    lot = Lot.objects.get(pk=left.lot_id)
    assert (lot.on_hand, lot.held) == (D(6_000), D(6_000))
    # 6,000 phones lend 420,000, the receivable 80 % of 640,000.
    assert cover(shop).lending_value == D(420_000) + D(512_000)
    conversion = Conversion.objects.get(kind="sell")
    assert conversion.evidence["reference"] == receivable.invoice_number
    assert (conversion.lending_value_before, conversion.lending_value_after) == (
        D(700_000),
        D(932_000),
    )


def test_the_advance_repays_the_pledge_loan_interest_first(shop, loan):
    receivable = sell_phones(shop, refinances=[loan])
    loan.refresh_from_db()
    advance = receivable.loan
    # 500,000 at 9 % for 30 days of 360: 3,750.
    assert (advance.product, advance.principal, advance.drawn) == (
        Product.FACTORING,
        D(503_750),
        D(503_750),
    )
    assert (advance.owed_total, advance.due_on) == (D(503_750), DUE_ON)
    assert (loan.state, loan.owed_total) == ("repaid", 0)
    assert shop.desk.fresh().exposure == D(503_750)
    assert Repayment.objects.get().source == "refinance"
    assert Disbursement.objects.filter(loan=advance).count() == 0


def test_a_sale_of_some_of_the_goods_repays_as_far_as_the_invoice_reaches(shop, loan):
    receivable = sell_phones(shop, quantity=D(1_000), refinances=[loan])
    loan.refresh_from_db()
    assert receivable.loan.drawn == D(128_000)  # 80 % of 160,000
    assert loan.owed_total == D(375_750)
    assert shop.desk.fresh().exposure == D(503_750)


def test_a_larger_advance_may_be_drawn_later_by_the_seller(shop, loan):
    receivable = sell_phones(shop, refinances=[loan], advance=D(510_000))
    assert (receivable.loan.principal, receivable.loan.drawn) == (D(510_000), D(503_750))
    desk = shop.desk
    asked = request_disbursement(
        loan=receivable.loan,
        payee=desk.borrower,
        account=desk.borrower_account,
        amount=D(6_250),
        purpose="rest of the advance",
        actor=desk.team.preparer,
        now=NOW,
    )
    approve_disbursement(disbursement=asked, on=SOLD_ON, actor=desk.team.approver, now=NOW)
    assert desk.fresh().exposure == D(510_000)


def test_without_loans_or_advance_the_receivable_only_secures(shop):
    receivable = sell_phones(shop)
    assert receivable.loan is None
    assert (receivable.state, Loan.objects.count()) == ("assigned", 0)


def test_two_lots_of_two_items_leave_under_one_bill_of_lading(shop, loan):
    desk = shop.desk
    charger = make_plain_item(owner=desk.borrower, price=D(5), rate=D("0.5"), unit="C62")
    chargers = pledge_goods(desk, charger, shop.warehouse, D(4_000))
    more = pledge_goods(desk, shop.phone, make_site(), D(500))
    receivable = sell_phones(
        shop,
        lines=[
            (shop.phone, D(4_000), D(160)),
            (charger, D(4_000), D("9.99")),
            (shop.phone, D(100), D(150)),
        ],
        goods=[(shop.pledged, D(3_600)), (more, D(500)), (chargers, D(4_000))],
        refinances=[loan],
    )
    assert receivable.face == D(640_000) + D(39_960) + D(15_000)
    assert StockAct.objects.filter(kind="shipped").count() == 1
    [more_now, chargers_now] = [Position.objects.get(pk=p.pk) for p in (more, chargers)]
    assert (more_now.remaining, chargers_now.remaining) == (0, 0)
    assert receivable.position.parent is None


def test_an_invoice_backs_one_advance_however_it_is_spelt(shop, loan):
    sell_phones(shop, invoice_number="INV 2016-001", quantity=D(1_000), refinances=[loan])
    before = counts()
    for number in ("inv2016-001", "ＩＮＶ２０１６－００１", " INV 2016–001"):
        with pytest.raises(InvoiceAlreadyFinanced) as refused:
            sell_phones(shop, invoice_number=number, quantity=D(1_000), refinances=[loan])
        assert refused.value.field == "invoice_number"
    assert counts() == before
    assert shop.fresh().remaining == D(9_000)


def test_a_second_lender_hears_no_name_and_both_are_alerted(shop):
    other = make_sale_desk(desk=_desk_of_another_lender(shop), phone=shop.phone)
    first = sell_phones(shop, invoice_number="INV-1")
    before = counts()
    with pytest.raises(InvoiceAlreadyFinanced) as refused:
        sell_phones(other, invoice_number="INV-1")
    lender = shop.desk.team.lender
    told = str(refused.value) + str(refused.value.as_dict())
    assert lender.name not in told
    assert shop.desk.facility.code not in told
    assert counts() == before
    alerts = Event.objects.filter(topic="factoring.invoice_offered_twice")
    assert {alert.tenant_id for alert in alerts} == {lender.pk, other.desk.team.lender.pk}
    for alert in alerts:
        assert alert.payload == {"seller": first.seller.code, "invoice": "INV-1"}


def _desk_of_another_lender(shop):
    """A desk of another lender with the same borrower."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=shop.desk.borrower)
    return replace(shop.desk, team=team, facility=facility)


def test_another_seller_may_use_the_same_number(shop):
    sell_phones(shop, invoice_number="INV-1")
    assert sell_phones(make_sale_desk(), invoice_number="INV-1").state == "assigned"


def test_lines_that_do_not_tie_to_the_goods_are_refused_with_the_numbers(shop, loan):
    before = counts()
    with pytest.raises(InvoiceDoesNotTie) as refused:
        sell_phones(shop, goods=[(shop.pledged, D(3_999))], refinances=[loan])
    assert str(refused.value) == (f"{shop.phone}: invoiced 4,000, leaving 3,999, 1 too many")
    assert refused.value.numbers == {f"{shop.phone.code}.off": D(1)}
    with pytest.raises(InvoiceDoesNotTie, match="1 too few"):
        sell_phones(shop, goods=[(shop.pledged, D(4_001))], refinances=[loan])
    assert counts() == before


def test_goods_of_another_kind_do_not_tie(shop, loan):
    desk = shop.desk
    charger = make_plain_item(owner=desk.borrower, price=D(5), rate=D("0.5"), unit="C62")
    with pytest.raises(InvoiceDoesNotTie) as refused:
        sell_phones(shop, lines=[(charger, SOLD, D(160))], refinances=[loan])
    assert set(refused.value.numbers.values()) == {SOLD, -SOLD}


def test_a_face_that_the_lines_do_not_make_is_refused(shop, loan):
    with pytest.raises(InvoiceDoesNotAdd) as refused:
        sell_phones(shop, face=D("640000.01"), refinances=[loan])
    assert refused.value.numbers["off"] == D("0.01")
    assert sell_phones(shop, face=FACE, refinances=[loan]).face == FACE


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"invoice_number": " \u200b"}, InvoiceUnsound),
        ({"invoice_number": "9" * 61}, InvoiceUnsound),
        ({"lines": []}, InvoiceUnsound),
        ({"issued_on": date(2016, 4, 1)}, InvoiceUnsound),
        ({"due_on": date(2016, 3, 30), "issued_on": date(2016, 3, 31)}, InvoiceUnsound),
        ({"due_on": SOLD_ON}, InvoicePastDue),
        ({"advance": D("512000.01")}, AdvanceTooHigh),
    ],
)
def test_what_an_invoice_cannot_be(shop, loan, changes, refusal):
    before = counts()
    with pytest.raises(refusal):
        sell_phones(shop, refinances=[loan], **changes)
    assert counts() == before
    assert shop.fresh().remaining == D(10_000)


def test_nobody_factors_a_sale_to_themselves_or_for_nothing(shop):
    with pytest.raises(InvoiceUnsound):
        sell_phones(shop, debtor=shop.desk.borrower)
    with pytest.raises(InvoiceUnsound):
        sell_phones(shop, lines=[(shop.phone, SOLD, D(0))])


def test_goods_that_are_not_there_cannot_be_sold(shop, loan):
    before = counts()
    with pytest.raises(NotEnoughLeft):
        sell_phones(shop, quantity=D(10_001), refinances=[loan])
    with pytest.raises(NothingToConvert):
        sell_phones(shop, goods=[(shop.pledged, D(2_000)), (shop.pledged, D(2_000))])
    receivable = sell_phones(shop, quantity=D(10), refinances=[loan])
    with pytest.raises(InvoiceDoesNotTie):
        sell_phones(shop, goods=[(receivable.position, D(4_000))])
    after = counts()
    assert after[0] == before[0] + 1


def test_mortgaged_materials_are_not_sold_from_the_line():
    sale = _sale_of_mortgaged_foil()
    with pytest.raises(WrongRight):
        factor_sale(**sale)
    assert Receivable.objects.count() == 0


def _sale_of_mortgaged_foil():
    orders = make_order_desk()
    deliver_goods(orders, make_financing(orders).order)
    mortgage = Position.objects.get(right="floating_mortgage", lot__item=orders.foil)
    sale = SaleDesk(orders.desk, orders.site, orders.foil, mortgage, make_buyer(), make_carrier())
    return sale_of(sale, quantity=D(100))


def test_maker_and_checker_are_two_people_of_the_lender(shop, loan):
    team, before = shop.desk.team, counts()
    both = make_actor(organisation=team.lender, roles=[Role.PREPARER, Role.APPROVER])
    with pytest.raises(SamePerson):
        sell_phones(shop, maker=both, actor=both, refinances=[loan])
    with pytest.raises(NotAllowed):
        sell_phones(shop, actor=team.operations, refinances=[loan])
    with pytest.raises(NotAllowed):
        sell_phones(shop, maker=team.operations, refinances=[loan])
    with pytest.raises(NotYourFacility):
        sell_phones(shop, actor=make_lender_team().approver, refinances=[loan])
    junior = make_actor(organisation=team.lender, roles=[Role.APPROVER])
    with pytest.raises(BeyondAuthority):
        sell_phones(shop, actor=junior, refinances=[loan])
    assert counts() == before
    receivable = sell_phones(shop, refinances=[loan])
    assert (receivable.maker_id, receivable.checker_id) == (
        team.preparer.person_id,
        team.approver.person_id,
    )


def test_a_facility_without_factoring_refuses():
    shop = make_sale_desk(products=(Product.PLEDGE,))
    with pytest.raises(ProductNotAllowed):
        sell_phones(shop)


def test_a_sale_below_cost_that_would_uncover_is_refused_whole(shop):
    loan = make_pledge_loan(shop, principal=D(690_000))
    before = counts()
    with pytest.raises(WouldUncover) as refused:
        sell_phones(shop, lines=[(shop.phone, SOLD, D(50))], refinances=[loan])
    # 695,175 owed; 6,000 phones lend 420,000 and the invoice 160,000.
    assert refused.value.numbers == {
        "exposure": D(695_175),
        "lending_value": D(580_000),
        "short": D(115_175),
    }
    assert counts() == before
    assert shop.fresh().remaining == D(10_000)


def test_an_advance_beside_the_limit_is_refused():
    shop = make_sale_desk(limit=D(600_000))
    make_pledge_loan(shop)
    with pytest.raises(AboveLimit):
        sell_phones(shop, advance=D(100_001))
    assert Receivable.objects.count() == 0


def test_the_same_click_twice_is_one_sale(shop, loan):
    sale = sale_of(shop, refinances=[loan], idempotency_key="click")
    first = factor_sale(**sale)
    assert factor_sale(**sale).pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        factor_sale(**(sale | {"advance": D(1)}))
    assert Receivable.objects.count() == 1


def test_who_sees_a_receivable(shop):
    receivable = sell_phones(shop)
    seeing = [shop.desk.borrower, shop.debtor, shop.desk.team.lender]
    for organisation in seeing:
        actor = make_actor(organisation=organisation)
        assert get_receivable(actor=actor, receivable_id=receivable.pk) == receivable
    for organisation in (shop.carrier, make_desk().borrower):
        actor = make_actor(organisation=organisation)
        assert not list_receivables(actor=actor).exists()
        with pytest.raises(Receivable.DoesNotExist):
            get_standing(actor=actor, receivable=receivable)


def test_the_database_keeps_an_assigned_receivable_as_it_is(shop, loan):
    sell_phones(shop, refinances=[loan])
    for sql in (
        "UPDATE factoring_receivable SET face = 1",
        "UPDATE factoring_receivable SET loan_id = NULL",
        "UPDATE factoring_receivable SET state = 'settled'",
        "UPDATE factoring_receivable SET state = 'verified'",
        "UPDATE factoring_receivableline SET quantity = 1",
        "DELETE FROM factoring_receivableline",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

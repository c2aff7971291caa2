"""`return`: goods a buyer sends back are pledged again, and the buyer owes so much less."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from factoring.invariants import INVARIANTS
from factoring.models import CreditNote, Receivable
from factoring.queries import get_dilution, get_standing, list_credit_notes
from factoring.refusals import (
    CreditNoteDiffers,
    CreditNoteUnsound,
    MoreThanOutstanding,
    NotSoldOnIt,
)
from factoring.rules import Dilution, months_before
from factoring.services.collections import apply_collection
from factoring.services.rebates import pay_rebate, request_rebate
from ledger.models import Posting
from lending.models import Facility
from lending.refusals import NotYourFacility
from logistics.models import Lot
from logistics.services.shipments import Title
from logistics.states import SiteKind
from pledges.models import Conversion, ConversionLeg, MarginCall, Position
from pledges.services.conversion import Take
from pledges.services.cover import BelowReleaseLevel, covering
from pledges.services.transit import Loading, ship
from pledges.services.warehouse import release
from tests.factories.factoring import (
    DUE_ON,
    FACE,
    SOLD,
    SOLD_ON,
    collect_amount,
    make_pledge_loan,
    make_sale_desk,
    return_phones,
    sell_phones,
)
from tests.factories.lending import accrue_through
from tests.factories.logistics import make_lot, make_site, unique
from tests.factories.parties import NOW, make_actor, make_lender_team
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db

D = Decimal
ADVANCE = D(503_750)
INTEREST = D("7556.25")  # 503,750 at 9 % for 60 days of 360


@pytest.fixture
def shop():
    return make_sale_desk()


def fresh(receivable):
    return Receivable.objects.select_related("position", "loan").get(pk=receivable.pk)


def standing(shop, receivable):
    return get_standing(actor=shop.desk.team.approver, receivable=receivable)


def test_a_return_in_part_shrinks_the_debt_and_pledges_the_goods(shop):
    make_pledge_loan(shop)
    receivable = sell_phones(shop, refinances=list(shop.desk.facility.loans.all()))
    before = Posting.objects.count()
    note = return_phones(shop, receivable, 500)
    [line] = note.lines.all()
    assert (note.amount, line.quantity) == (80_000, 500)
    pledge = line.position
    assert (pledge.right, pledge.quantity, pledge.unit) == ("pledge", 500, "C62")
    assert pledge.parent_id == receivable.position_id
    assert pledge.lot_id == shop.pledged.lot_id
    debt = fresh(receivable)
    assert (debt.state, debt.position.remaining) == ("assigned", FACE - 80_000)
    lot = Lot.objects.get(pk=pledge.lot_id)
    assert (lot.on_hand, lot.held) == (6_500, 6_500)
    now = standing(shop, receivable)
    assert (now.face, now.credited, now.outstanding) == (FACE, 80_000, 560_000)
    assert (now.advanced, now.reserve) == (ADVANCE, FACE - ADVANCE)
    assert now.rebate == FACE - ADVANCE - 80_000
    # Nothing was paid and nothing lent: the books stay as they are.
    assert Posting.objects.count() == before
    row = Conversion.objects.get(kind="return")
    assert row.evidence["invoice"] == receivable.invoice_number
    legs = ConversionLeg.objects.filter(conversion=row).order_by("direction")
    assert list(legs.values_list("direction", "quantity", "market_value")) == [
        ("consumed", 80_000, 80_000),
        ("produced", 500, 50_000),
    ]
    assert row.lending_value_after - row.lending_value_before == 500 * 70 - 80_000 * D("0.8")


def test_a_return_of_everything_ends_the_debt(shop):
    receivable = sell_phones(shop)
    return_phones(shop, receivable, SOLD)
    debt = fresh(receivable)
    # Nothing is owed on it, advanced on it or held for it: it is over.
    assert (debt.state, debt.position.remaining) == ("settled", 0)
    assert Lot.objects.get(pk=shop.pledged.lot_id).on_hand == 10_000


def test_a_return_of_everything_leaves_the_advance_owed(shop):
    make_pledge_loan(shop)
    receivable = sell_phones(shop, refinances=list(shop.desk.facility.loans.all()))
    return_phones(shop, receivable, SOLD)
    debt = fresh(receivable)
    assert (debt.state, debt.loan.owed_principal) == ("collected", ADVANCE)


def test_what_is_collected_later_is_matched_against_the_reduced_face(shop):
    make_pledge_loan(shop)
    receivable = sell_phones(shop, refinances=list(shop.desk.facility.loans.all()))
    return_phones(shop, receivable, 500)
    with pytest.raises(MoreThanOutstanding) as caught:
        collect_amount(shop, receivable, FACE)
    assert caught.value.numbers["above"] == 80_000
    accrue_through(shop.desk, DUE_ON)
    collection = collect_amount(shop, receivable, FACE - 80_000)
    apply_collection(collection=collection, on=DUE_ON, actor=shop.desk.team.operations, now=NOW)
    assert fresh(receivable).state == "collected"
    rebate = request_rebate(receivable=receivable, actor=shop.desk.team.preparer, now=NOW)
    assert rebate.amount == FACE - 80_000 - ADVANCE - INTEREST
    pay_rebate(
        rebate=rebate, bank_reference="RB-1", on=DUE_ON, actor=shop.desk.team.approver, now=NOW
    )
    assert fresh(receivable).state == "settled"


def test_a_return_that_uncovers_is_recorded_and_called(shop):
    """Drawn to what the debt lends; the goods that come back lend less than their price."""
    make_pledge_loan(shop)
    loans = list(shop.desk.facility.loans.all())
    receivable = sell_phones(shop, refinances=loans)
    with covering(
        facility_id=shop.desk.facility.pk,
        cause="release",
        actor=shop.desk.team.approver,
        on=SOLD_ON,
        now=NOW,
    ) as act:
        release(
            act=act,
            goods=[Take(shop.pledged.pk, D(5_000))],
            maker_id=shop.desk.team.preparer.person_id,
            reference="RO-1",
            reason="sold for cash",
        )
    return_phones(shop, receivable, SOLD)
    row = Conversion.objects.get(kind="return")
    assert row.lending_value_before == 1_000 * 70 + 512_000
    assert row.lending_value_after == 5_000 * 70
    assert row.exposure_after == ADVANCE
    assert row.band_after == "close_out"
    assert MarginCall.objects.get().cash_needed == ADVANCE - 350_000


def test_goods_sold_under_way_come_home_by_their_carrier(shop):
    carrier = shop.carrier
    vehicle = make_site(kind=SiteKind.VEHICLE, operator=carrier)
    with covering(
        facility_id=shop.desk.facility.pk,
        cause="ship",
        actor=shop.desk.team.approver,
        on=SOLD_ON,
        now=NOW,
    ) as act:
        shipment, [moving] = ship(
            act=act,
            goods=[Take(shop.pledged.pk, SOLD)],
            loading=Loading(
                title=Title(
                    bill_number="BL-1",
                    carrier=carrier,
                    vehicle=vehicle,
                    destination=make_site(),
                    holder=shop.desk.facility.tenant,
                ),
                source=carrier,
                reference="LOAD-1",
                occurred_at=NOW,
            ),
        )
    receivable = sell_phones(shop, goods=[(moving, SOLD)])
    shipment.refresh_from_db()
    assert shipment.state == "ended"
    note = return_phones(shop, receivable, 500, goods=[(moving.lot, D(500))])
    pledge = note.lines.get().position
    assert pledge.lot.site == shop.warehouse
    assert pledge.lot.number == "BL-1/1"
    shipment.refresh_from_db()
    assert shipment.state == "ended"


def test_the_same_note_again_is_the_first_and_another_content_is_refused(shop):
    receivable = sell_phones(shop)
    note = return_phones(shop, receivable, 500, number="CN-2016/7")
    assert return_phones(shop, receivable, 500, number="cn-2016/７") == note
    with refusal(CreditNoteDiffers):
        return_phones(shop, receivable, 400, number="CN-2016/7")
    assert CreditNote.objects.count() == 1


def test_a_note_number_is_used_once_by_a_seller_even_past_the_service(shop):
    receivable = sell_phones(shop)
    note = return_phones(shop, receivable, 500)
    values = {
        field.attname: getattr(note, field.attname)
        for field in CreditNote._meta.concrete_fields
        if field.name != "id"
    }
    with pytest.raises(IntegrityError, match="credit_note_issued_once"), transaction.atomic():
        CreditNote.objects.create(**values)
    other = make_sale_desk()
    theirs = sell_phones(other)
    again = return_phones(other, theirs, 10, number=note.number)
    assert again.pk != note.pk


def test_no_more_is_credited_than_is_outstanding(shop):
    receivable = sell_phones(shop)
    collect_amount(shop, receivable, FACE - 1_000, on=SOLD_ON)
    with refusal(MoreThanOutstanding) as caught:
        return_phones(shop, receivable, 10)
    assert caught[0].numbers == {"outstanding": 1_000, "credited": 1_600, "above": 600}


def test_a_paid_invoice_takes_nothing_back(shop):
    receivable = sell_phones(shop)
    collect_amount(shop, receivable, FACE, on=SOLD_ON)
    with refusal(MoreThanOutstanding):
        return_phones(shop, receivable, 10)


def test_only_what_was_sold_on_the_invoice_comes_back(shop):
    receivable = sell_phones(shop, quantity=D(100))
    return_phones(shop, receivable, 60)
    with refusal(NotSoldOnIt) as caught:
        return_phones(shop, receivable, 41, amount=D(1))
    assert caught[0].numbers == {"left": 40, "asked": 41, "over": 1}
    stranger = make_lot(quantity=D(5), site=shop.warehouse, owner=shop.desk.borrower)
    with refusal(NotSoldOnIt):
        return_phones(shop, receivable, 1, goods=[(stranger, D(1))])


@pytest.mark.parametrize(
    "change",
    [
        {"number": " "},
        {"reason": " "},
        {"goods": []},
        {"issued_on": SOLD_ON - timedelta(days=1)},
        {"issued_on": SOLD_ON + timedelta(days=1)},
    ],
)
def test_an_unsound_note_is_refused(shop, change):
    receivable = sell_phones(shop)
    with refusal(CreditNoteUnsound):
        return_phones(shop, receivable, 10, **change)


def test_another_lender_does_not_enter_it(shop):
    receivable = sell_phones(shop)
    stranger = make_lender_team()
    desk = shop.desk
    with refusal(NotYourFacility):
        return_phones(
            type(shop)(
                desk=type(desk)(
                    team=stranger,
                    facility=desk.facility,
                    borrower=desk.borrower,
                    borrower_account=desk.borrower_account,
                    supplier=desk.supplier,
                    supplier_account=desk.supplier_account,
                ),
                warehouse=shop.warehouse,
                phone=shop.phone,
                pledged=shop.pledged,
                debtor=shop.debtor,
                carrier=shop.carrier,
            ),
            receivable,
            10,
        )


def test_dilution_is_what_was_credited_of_what_was_sold_in_three_months(shop):
    receivable = sell_phones(shop)
    return_phones(shop, receivable, 500)
    actor, facility = shop.desk.team.approver, shop.desk.facility
    found = get_dilution(actor=actor, facility=facility, on=SOLD_ON)
    assert found == Dilution(sold=FACE, credited=D(80_000))
    assert found.share == D("0.125")
    later = get_dilution(actor=actor, facility=facility, on=SOLD_ON + timedelta(days=100))
    assert (later.sold, later.credited, later.share) == (0, 0, 0)
    with pytest.raises(Facility.DoesNotExist):
        get_dilution(actor=make_lender_team().approver, facility=facility, on=SOLD_ON)


def test_three_months_before_a_long_months_last_day():
    assert [str(months_before(SOLD_ON, 3)), str(months_before(SOLD_ON, 1))] == [
        "2015-12-31",
        "2016-02-29",
    ]


def test_seller_lender_and_buyer_see_a_note_and_nobody_else(shop):
    note = return_phones(shop, sell_phones(shop), 500)
    for organisation in (shop.desk.borrower, shop.desk.facility.tenant, shop.debtor):
        assert list(list_credit_notes(actor=make_actor(organisation=organisation))) == [note]
    assert not list_credit_notes(actor=make_lender_team().approver).exists()


def test_a_return_never_makes_a_chosen_act_pass(shop):
    """The act that joins the return is judged by the stricter rule: a release stays refused."""
    make_pledge_loan(shop)
    receivable = sell_phones(shop, refinances=list(shop.desk.facility.loans.all()))
    with pytest.raises(BelowReleaseLevel):
        release_and_return(shop, receivable)
    assert not CreditNote.objects.exists()


def release_and_return(shop, receivable):
    with covering(
        facility_id=shop.desk.facility.pk,
        cause="release",
        actor=shop.desk.team.approver,
        on=SOLD_ON,
        now=NOW,
    ) as act:
        release(
            act=act,
            goods=[Take(shop.pledged.pk, D(6_000))],
            maker_id=shop.desk.team.preparer.person_id,
            reference=unique("RO"),
            reason="x",
        )
        return_phones(shop, receivable, SOLD)


def test_tampered_note_is_found(shop):
    note = return_phones(shop, sell_phones(shop), 500)
    rules = {rule.name: rule for rule in INVARIANTS}
    assert rules["credited_for_what_came_back"].breaches() == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE factoring_creditnote SET amount = 79999 WHERE id = %s", [note.pk])
        [(name, told)] = rules["credited_for_what_came_back"].breaches()
        assert (name, told) == (
            f"credit note {note.number}",
            "of 79999.0000, returned on the receivable 80000.000000, goods tie: true",
        )
        [(name, _told)] = rules["collected_within_the_face"].breaches()
        assert name == f"invoice {note.receivable.invoice_number}"
        cursor.execute("UPDATE factoring_creditnote SET amount = 80000 WHERE id = %s", [note.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert Position.objects.filter(right="pledge", remaining=500).exists()

"""Warehouse receipts: one number, one holder, parts that sum to the whole, goods that stay."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from common.states import TransitionRefused
from logistics.invariants import INVARIANTS
from logistics.models import ReceiptEntry, SerialUnit, WarehouseReceipt
from logistics.refusals import (
    NotTheCustodian,
    NotTheHolder,
    PartsDiffer,
    ReceiptNumberNotPossible,
    ReceiptNumberTaken,
    ReceiptOutstanding,
    ReceiptsBeyondGoods,
    SerialsDiffer,
)
from logistics.services.receipt_parts import merge_receipts, split_receipt
from logistics.services.receipts import (
    ReceiptTerms,
    cancel_receipt,
    issue_receipt,
    surrender_receipt,
    transfer_receipt,
)
from logistics.services.serials import record_serials
from logistics.services.stock import Received, receive_delivery, ship_goods
from logistics.states import Negotiability, ReceiptAct
from parties.roles import Role
from tests.factories.logistics import make_item, make_lot, make_receipt, make_site, unique
from tests.factories.parties import NOW, SYSTEM, make_actor, make_lender
from tests.unit.logistics.helpers import LATER, refused, told

pytestmark = pytest.mark.django_db

D = Decimal
ACT = {"actor": SYSTEM, "now": LATER}
TODAY = {**ACT, "on": NOW.date()}


@pytest.fixture(autouse=True)
def invariants_hold(request, db):
    yield
    if not request.node.get_closest_marker("tampers"):
        assert [(one.name, found) for one in INVARIANTS if (found := one.breaches())] == []


@pytest.fixture
def lot():
    return make_lot(quantity=D(100), number="CU-1")


def acts_of(receipt):
    return [entry.act for entry in receipt.entries.all()]


def test_a_receipt_keeps_what_the_operator_wrote(lot):
    receipt = make_receipt(
        lot=lot,
        number="WR-2016 001",
        negotiability=Negotiability.TO_HOLDER,
        operator_licence="SZ-WH-88",
        packages=40,
        marks="AURORA 1-40",
        grade="A",
        keeps_until=date(2018, 1, 1),
        market_value=D(90_000),
        currency="USD",
        operator_lien=D(120),
        insurer="Ping",
        insured_sum=D(100_000),
        insured_until=date(2017, 1, 1),
        signature_hash="ab" * 32,
        fungible=True,
    )
    receipt.refresh_from_db()
    assert (receipt.normal_number, receipt.quantity, receipt.state) == ("WR2016001", 100, "issued")
    assert receipt.operator == lot.site.operator
    assert receipt.holder == receipt.depositor == lot.owner
    assert (receipt.operator_lien, receipt.grade, receipt.packages) == (120, "A", 40)
    assert acts_of(receipt) == [ReceiptAct.ISSUED]


@pytest.mark.parametrize("spelling", ["wr 1", "WR-1", "ＷＲ－１", " w r 1 ", "Wr—1"])
def test_a_number_is_one_in_every_spelling(lot, spelling):
    make_receipt(lot=lot, quantity=D(10), number="WR1")
    with refused(ReceiptNumberTaken):
        make_receipt(lot=lot, quantity=D(10), number=spelling)


def test_another_operator_may_use_the_number(lot):
    make_receipt(lot=lot, number="WR1")
    assert make_receipt(lot=make_lot(), number="wr-1").normal_number == "WR1"


def test_a_number_says_something(lot):
    with refused(ReceiptNumberNotPossible):
        make_receipt(lot=lot, number=" - ")


def test_receipts_stand_for_no_more_than_lies_there(lot):
    make_receipt(lot=lot, quantity=D(70))
    with refused(ReceiptsBeyondGoods, "CU-1: 30 kg under no receipt, asked 31 kg, short 1 kg"):
        make_receipt(lot=lot, quantity=D(31))
    make_receipt(lot=lot, quantity=D(30))


def test_only_the_operator_writes_receipts(lot):
    stranger = make_actor(organisation=make_site().operator, roles=[Role.PARTNER])
    with refused(NotTheCustodian):
        issue_receipt(
            lot=lot,
            quantity=D(1),
            number="X1",
            terms=ReceiptTerms(description="foil"),
            on=NOW.date(),
            actor=stranger,
            now=NOW,
        )
    keeper = make_actor(organisation=lot.site.operator, roles=[Role.PARTNER])
    issue_receipt(
        lot=lot,
        quantity=D(1),
        number="X1",
        terms=ReceiptTerms(description="foil"),
        on=NOW.date(),
        actor=keeper,
        now=NOW,
    )


def test_parts_sum_to_the_whole(lot):
    whole = make_receipt(lot=lot, number="W", operator_lien=D(50), grade="A", packages=4)
    parts = split_receipt(receipt=whole, parts=[("W-1", D(60)), ("W-2", D(40))], **TODAY)
    whole.refresh_from_db()

    assert (whole.state, acts_of(whole)) == ("split", ["issued", "split", "split"])
    assert [(part.number, part.quantity, part.grade, part.packages) for part in parts] == [
        ("W-1", 60, "A", None),
        ("W-2", 40, "A", None),
    ]
    assert {part.operator_lien for part in parts} == {50}

    joined = merge_receipts(receipts=parts, number="W-9", **TODAY)
    assert (joined.quantity, joined.operator_lien) == (100, 50)
    assert [part.state for part in WarehouseReceipt.objects.filter(number__in=["W-1", "W-2"])] == [
        "merged",
        "merged",
    ]


@pytest.mark.parametrize(
    "parts", [[("A", D(60)), ("B", D(39))], [("A", D(100))], [("A", D(60)), ("B", D(41))]]
)
def test_parts_that_do_not_sum_are_refused(lot, parts):
    whole = make_receipt(lot=lot)
    with refused(PartsDiffer):
        split_receipt(receipt=whole, parts=parts, **TODAY)


def test_receipts_for_different_goods_are_not_joined(lot):
    with refused_after(lambda: [make_receipt(lot=lot), make_receipt(lot=make_lot())]) as both:
        merge_receipts(receipts=both, number="M", **TODAY)


def refused_after(make):
    made = make()

    class _Block:
        def __enter__(self):
            self.inner = refused(PartsDiffer)
            self.inner.__enter__()
            return made

        def __exit__(self, *error):
            return self.inner.__exit__(*error)

    return _Block()


def test_the_journal_keeps_every_holder(lot):
    receipt, bank = make_receipt(lot=lot), make_lender()
    owner = make_actor(organisation=lot.owner, roles=[Role.PREPARER])
    transfer_receipt(receipt=receipt, to=bank, reason="pledged", actor=owner, now=LATER)
    receipt.refresh_from_db()

    assert receipt.holder == bank
    entry = ReceiptEntry.objects.get(act="transferred")
    assert (entry.from_holder, entry.to_holder) == (lot.owner, bank)
    with refused(NotTheHolder):
        transfer_receipt(receipt=receipt, to=lot.owner, reason="", actor=owner, now=LATER)


def test_what_has_ended_stays_ended(lot):
    receipt = make_receipt(lot=lot)
    cancel_receipt(receipt=receipt, reason="lost", **ACT)
    for again in (
        lambda: cancel_receipt(receipt=receipt, reason="", **ACT),
        lambda: surrender_receipt(receipt=receipt, reason="", **ACT),
        lambda: transfer_receipt(receipt=receipt, to=lot.owner, reason="", **ACT),
        lambda: split_receipt(receipt=receipt, parts=[("A", D(1)), ("B", D(99))], **TODAY),
    ):
        with refused(TransitionRefused):
            again()


def test_goods_leave_when_their_receipt_is_given_back(lot):
    receipt = make_receipt(lot=lot, quantity=D(80))
    keeper = lot.site.operator
    ship_goods(lot=lot, quantity=D(20), **told(keeper))
    with refused(
        ReceiptOutstanding,
        "CU-1: surrender or divide its receipts first, 5 kg stand under them",
    ):
        ship_goods(lot=lot, quantity=D(5), **told(keeper))
    surrender_receipt(receipt=receipt, reason="delivered", **ACT)
    ship_goods(lot=lot, quantity=D(80), **told(keeper))


def test_what_was_written_never_changes(lot):
    receipt = make_receipt(lot=lot)
    for change in ({"quantity": 5}, {"normal_number": "X"}, {"operator_lien": 1}, {"marks": "x"}):
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            WarehouseReceipt.objects.filter(pk=receipt.pk).update(**change)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        ReceiptEntry.objects.all().delete()


def test_pieces_come_with_their_serial_numbers():
    site, phone = make_site(), make_item(unit="C62")
    [lot] = receive_delivery(
        site=site,
        lines=[Received(item=phone, lot_number="P1", quantity=D(3), serials=["sn 1", "SN-2"])],
        owner=phone.owner,
        source=site.operator,
        reference=unique("GRN"),
        occurred_at=NOW,
        actor=SYSTEM,
        now=NOW,
    )
    assert [unit.normal_serial for unit in lot.serials.all()] == ["SN1", "SN2"]
    with refused(SerialsDiffer):
        record_serials(lot=lot, serials=["ＳＮ1"], **ACT)
    with refused(SerialsDiffer):
        record_serials(lot=lot, serials=["SN3", "SN4"], **ACT)
    record_serials(lot=lot, serials=["SN3"], **ACT)
    assert SerialUnit.objects.get(normal_serial="SN3").key == f"{phone.code}:SN3"


def test_operator_side_clock_is_passed_in(lot):
    receipt = make_receipt(lot=lot, now=NOW + timedelta(days=1))
    assert receipt.issued_on == date(2016, 3, 2)
    assert replace(ReceiptTerms(description="x"), grade="B").as_columns()["grade"] == "B"

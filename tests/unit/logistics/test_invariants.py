"""The room's invariants hold after every act, and name the row when one is broken."""

import uuid
from decimal import Decimal

import pytest
from django.db import connection

from logistics.invariants import INVARIANTS
from logistics.models import Hold, Lot, StockAct, StockEvent, WarehouseReceipt
from logistics.services.reversal import reverse_act
from logistics.services.shipments import Title, load_shipment
from logistics.services.stock import adjust_count, move_goods, return_goods, ship_goods
from logistics.states import SiteKind
from tests.factories.logistics import make_hold, make_lot, make_receipt, make_site
from tests.factories.parties import NOW, SYSTEM, make_carrier, make_lender
from tests.unit.logistics.helpers import told
from tests.unit.logistics.test_production import Run

pytestmark = pytest.mark.django_db

D = Decimal


def breaches():
    return {one.name: found for one in INVARIANTS if (found := one.breaches())}


@pytest.fixture
def lot():
    return make_lot(quantity=D(10), number="CU-1")


@pytest.fixture
def unguarded():
    """Switch the triggers off, as only the tables' owner can."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def act(kind, lot):
    return StockAct.objects.create(
        kind=kind,
        source=lot.site.operator,
        reference=f"bad {kind}",
        request_hash="",
        occurred_at=NOW,
        recorded_at=NOW,
        actor_label="test",
    )


def test_names_are_unique_and_sentences_are_sentences():
    assert len({one.name for one in INVARIANTS}) == len(INVARIANTS) == 12
    assert all(one.sentence.endswith(".") for one in INVARIANTS)


def test_all_hold_after_every_kind_of_act(lot):
    keeper = lot.site.operator
    make_hold(lot=lot, quantity=D(2))
    move_goods(lot=lot, to_site=make_site(), quantity=D(1), **told(keeper))
    ship_goods(lot=lot, quantity=D(3), **told(keeper))
    return_goods(lot=lot, quantity=D(2), **told(keeper))
    adjust_count(lot=lot, counted=D(7), **told(keeper))
    adjust_count(lot=lot, counted=D(7), **told(keeper))
    run = Run()
    run.record(foil=D("3673.469388"), wire=D(680))
    run.record(quantity=D(1), foil=D("0.183673"), wire=D("0.034"))
    assert breaches() == {}


def test_a_lot_off_its_events_and_holds_is_named(lot, unguarded):
    Lot.objects.filter(pk=lot.pk).update(on_hand=11, claimed=1)
    assert breaches() == {
        "stock_adds_up": [("CU-1", "on hand 11.000000, events 10.000000")],
        "claims_add_up": [("CU-1", "claimed 1.000000, holds 0; held 0.000000, pledges 0")],
    }


def test_a_hold_nobody_counted_is_named(lot, unguarded):
    Hold.objects.create(lot=lot, kind="pledge", quantity=3, reference=uuid.uuid4(), placed_at=NOW)
    assert breaches() == {
        "claims_add_up": [
            ("CU-1", "claimed 0.000000, holds 3.000000; held 0.000000, pledges 3.000000")
        ]
    }


@pytest.mark.parametrize(
    ("kind", "legs", "said"),
    [
        ("moved", [("moved_out", -2)], "moved has moved_out legs that add up to -2.000000"),
        ("received", [], "received has no legs that add up to 0"),
        ("produced", [("consumed", -1)], "produced has consumed legs that add up to -1.000000"),
        ("counted", [("shipped", -1)], "counted has shipped legs that add up to -1.000000"),
    ],
)
def test_an_act_without_its_legs_is_named(lot, kind, legs, said):
    bad = act(kind, lot)
    for leg, quantity in legs:
        StockEvent.objects.create(act=bad, lot=lot, kind=leg, quantity=quantity)
    assert breaches()["acts_are_whole"] == [(f"bad {kind}", said)]


@pytest.mark.parametrize(
    ("foil", "said"),
    [
        (D("3673.469389"), "copper-foil: bill 3600.000000000000000000, consumed 3673.469389"),
        (D("3599.999999"), "copper-foil: bill 3600.000000000000000000, consumed 3599.999999"),
    ],
)
def test_a_production_off_its_bill_by_a_millionth_is_named(foil, said):
    run = Run()
    phones = make_lot(item=run.phone, site=run.site, quantity=D(1))
    bad = act("produced", phones)
    StockEvent.objects.bulk_create(
        StockEvent(act=bad, lot=lot, kind=kind, quantity=quantity)
        for lot, kind, quantity in [
            (run.foil_lot, "consumed", -foil),
            (run.wire_lot, "consumed", D(-680)),
            (phones, "produced", D(20000)),
        ]
    )
    assert breaches() == {"production_ties_to_bill": [("bad produced", said)]}


def test_a_material_outside_the_bill_and_a_missing_one_are_named():
    run = Run()
    phones = make_lot(item=run.phone, site=run.site, quantity=D(1))
    paste = make_lot(site=run.site, quantity=D(1))
    bad = act("produced", phones)
    StockEvent.objects.bulk_create(
        StockEvent(act=bad, lot=lot, kind=kind, quantity=quantity)
        for lot, kind, quantity in [
            (run.foil_lot, "consumed", D(-180)),
            (paste, "consumed", D(-1)),
            (phones, "produced", D(1000)),
        ]
    )
    said = [text for _reference, text in breaches()["production_ties_to_bill"]]
    assert said == [
        "gold-wire: bill 34.000000000000000000, consumed 0",
        f"{paste.item.code}: bill 0, consumed 1.000000",
    ]


def test_more_returned_than_shipped_is_named(lot):
    bad = act("returned", lot)
    StockEvent.objects.create(act=bad, lot=lot, kind="returned", quantity=1)
    assert breaches() == {"returns_within_shipments": [("CU-1", "shipped 0, returned 1.000000")]}


def load(lot):
    """Load part of a lot into a vehicle under the document BL-7."""
    carrier = make_carrier()
    title = Title(
        bill_number="BL-7",
        carrier=carrier,
        vehicle=make_site(kind=SiteKind.VEHICLE, operator=carrier),
        destination=make_site(),
        holder=make_lender(),
    )
    return load_shipment(title=title, goods=[(lot, D(4))], **told(carrier))


def test_a_reversal_that_left_something_is_named(lot, unguarded):
    received = StockAct.objects.get(events__lot=lot)
    reversal = reverse_act(act=received, reason="test", actor=SYSTEM, now=NOW)
    StockEvent.objects.filter(act=reversal).update(quantity=-9)
    assert breaches()["reversals_are_opposite"] == [
        (received.reference, f"lot {lot.pk} is left with 1.000000")
    ]


def test_a_shipment_line_off_its_loading_is_named(lot, request):
    shipment = load(lot)
    request.getfixturevalue("unguarded")
    shipment.lines.update(quantity=5)
    assert breaches()["loaded_is_what_left"] == [
        ("BL-7", "line 1 of 5.000000: left 4.000000, came in 4.000000")
    ]


def test_a_shipment_that_ended_with_goods_under_way_is_named(lot, request):
    shipment = load(lot)
    assert breaches() == {}
    request.getfixturevalue("unguarded")
    type(shipment).objects.filter(pk=shipment.pk).update(state="ended", ended_at=NOW)
    assert breaches() == {
        "shipments_say_what_is_under_way": [
            ("BL-7", "is ended: loaded 4.000000, under way 4.000000")
        ]
    }


def test_receipts_off_their_goods_parts_and_journal_are_named(lot, unguarded):
    receipt = make_receipt(lot=lot, number="WR-1")
    WarehouseReceipt.objects.filter(pk=receipt.pk).update(quantity=11)
    assert breaches() == {
        "receipts_within_goods": [("CU-1", "on hand 10.000000, receipts 11.000000")]
    }
    WarehouseReceipt.objects.filter(pk=receipt.pk).update(quantity=10, state="split")
    assert breaches() == {
        "receipt_parts_sum_to_the_whole": [
            ("WR-1", "stands for 10.000000, went over 0, came over 0")
        ],
        "receipts_are_as_their_entries_say": [("WR-1", "is split, its journal ends with issued")],
    }

"""`ship` and `arrive`, whole, in part and short; `sell` under a document of title."""

from decimal import Decimal

import pytest

from logistics.models import Shipment, StockAct
from logistics.refusals import DocumentTaken, NotTheCarriersVehicle
from outbox.models import Alert
from pledges.models import Conversion, MarginCall, Position, Suspension
from pledges.services.conversion import NotEnoughLeft, Take, WrongRight
from pledges.services.cover import Requirement
from pledges.services.eligibility import restore, suspend
from pledges.services.sale import sell
from pledges.services.transit import NotTheHoldersDocument, Unloaded
from pledges.states import SuspensionReason
from tests.factories.lending import make_drawn_loan
from tests.factories.logistics import make_site, unique
from tests.factories.parties import NOW, make_carrier, make_lender
from tests.factories.pledges import EVIDENCE
from tests.factories.transit import last, load, make_vehicle, undo, unload, unload_short
from tests.unit.pledges.conftest import refusal
from tests.unit.pledges.reading import hold_of, kinds, legs, lines, remaining, stock

pytestmark = pytest.mark.django_db


def test_ship_whole_puts_the_hold_into_the_vehicle(vault):
    position = vault.pledge(100)
    vehicle = make_vehicle()
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)), vehicle=vehicle)
    assert (moving.right, moving.quantity, moving.parent_id) == ("in_transit", 100, position.pk)
    assert moving.lot.site == vehicle
    assert moving.lot.number == f"{shipment.bill_number}/1"
    assert stock(position.lot) == (0, 0, 0)
    assert stock(moving.lot) == (100, 100, 100)
    assert hold_of(moving) == ("pledge", 100)
    assert remaining(position) == 0
    assert lines(vault) == {("in_transit", "alpha"): (100, 100)}
    assert legs(last("ship")) == [
        ("consumed", "pledge", 100, 50_000, 25_000),
        ("produced", "in_transit", 100, 50_000, 25_000),
    ]
    conversion = last("ship")
    assert conversion.evidence == {
        "kind": "bill_of_lading",
        "reference": shipment.bill_number,
        "carrier": vehicle.operator.name,
        "vehicle": vehicle.name,
        "destination": vault.warehouse.name,
    }
    assert (conversion.lending_value_before, conversion.lending_value_after) == (25_000, 25_000)
    assert [one.act.kind for one in conversion.stock.all()] == ["moved"]
    assert (shipment.state, shipment.holder_id) == ("loaded", vault.desk.facility.tenant_id)


def test_ship_in_part_leaves_the_rest_pledged(vault):
    first, second = vault.pledge(100), vault.pledge(60, vault.goods.beta)
    shipment, moving = load(vault, Take(first.pk, Decimal(40)), Take(second.pk, Decimal(10)))
    assert sorted(one.quantity for one in moving) == [10, 40]
    assert (remaining(first), remaining(second)) == (60, 50)
    assert lines(vault) == {
        ("pledge", "alpha"): (60, 60),
        ("pledge", "beta"): (50, 50),
        ("in_transit", "alpha"): (40, 40),
        ("in_transit", "beta"): (10, 10),
    }
    assert sorted(shipment.lines.values_list("sequence", "quantity"))[0][0] == 1
    assert sorted(one.quantity for one in shipment.lines.all()) == [10, 40]


def test_arrive_whole_ends_the_shipment(vault):
    position = vault.pledge(100)
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    there = make_site()
    [stored] = unload(vault, Unloaded(moving.pk, Decimal(100)), site=there)
    assert (stored.right, stored.quantity, stored.parent_id) == ("pledge", 100, moving.pk)
    # In the warehouse the goods go by the number they were loaded from.
    assert (stored.lot.site, stored.lot.number) == (there, position.lot.number)
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}
    assert legs(last("arrive")) == [
        ("consumed", "in_transit", 100, 50_000, 25_000),
        ("produced", "pledge", 100, 50_000, 25_000),
    ]
    shipment.refresh_from_db()
    assert (shipment.state, shipment.ended_at) == ("ended", NOW)


def test_arrive_in_parts_keeps_the_rest_in_transit(vault):
    position = vault.pledge(100)
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    unload(vault, Unloaded(moving.pk, Decimal(30)))
    shipment.refresh_from_db()
    assert (shipment.state, shipment.ended_at) == ("partly_arrived", None)
    assert remaining(moving) == 70
    assert lines(vault) == {("pledge", "alpha"): (30, 30), ("in_transit", "alpha"): (70, 70)}
    [rest] = unload(vault, Unloaded(moving.pk, Decimal(70), lot_number="NEW-7"))
    assert rest.lot.number == "NEW-7"
    shipment.refresh_from_db()
    assert shipment.state == "ended"
    assert kinds(vault) == ["arrive", "arrive", "pledge", "ship"]


def test_a_short_arrival_writes_off_what_is_missing_and_calls(vault):
    """100 kg lend 25,000; 24,000 owed; 10 kg are not there: 22,500 of value is left."""
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(24_000))
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    [stored] = unload_short(vault, Unloaded(moving.pk, Decimal(90), missing=Decimal(10)))
    assert (stored.right, stored.quantity) == ("pledge", 90)
    assert remaining(moving) == 0
    [lost] = Position.objects.filter(right="written_off")
    assert (lost.quantity, lost.parent_id) == (10, moving.pk)
    assert legs(last("lose")) == [
        ("consumed", "in_transit", 10, 5_000, 2_500),
        ("produced", "written_off", 10, 0, 0),
    ]
    arrived, gone = last("arrive"), last("lose")
    assert arrived.lending_value_after == arrived.lending_value_before == 25_000
    assert (gone.lending_value_after, gone.exposure_after) == (22_500, 24_000)
    assert gone.band_after == "watch"
    assert MarginCall.objects.count() == 0
    shipment.refresh_from_db()
    assert shipment.state == "ended"
    [alert] = Alert.objects.filter(topic="pledges.goods_lost")
    assert alert.organisation_id == vault.desk.facility.tenant_id
    assert Decimal(alert.payload["quantity"]) == 10
    assert StockAct.objects.get(kind="counted").evidence["short_arrival"]


def test_nothing_arrived_and_all_is_lost(vault):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(24_000))
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    assert unload_short(vault, Unloaded(moving.pk, Decimal(0), missing=Decimal(100))) == []
    shipment.refresh_from_db()
    assert shipment.state == "ended"
    assert vault.band() == "close_out"
    assert MarginCall.objects.get().state == "escalated"


def test_sell_from_the_vehicle_under_the_document(vault):
    position = vault.pledge(100)
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    with vault.act(cause="sell") as act:
        receivable = sell(
            act=act,
            goods=[Take(moving.pk, Decimal(40))],
            face=Decimal(30_000),
            advance_rate=Decimal("0.8"),
            label="invoice 7",
            carrier=moving.lot.site.operator,
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=EVIDENCE,
        )
    assert receivable.parent_id == moving.pk
    assert stock(moving.lot) == (60, 60, 60)
    assert lines(vault) == {
        ("in_transit", "alpha"): (60, 60),
        ("receivable", "USD"): (30_000, 24_000),
    }
    shipment.refresh_from_db()
    assert shipment.state == "partly_arrived"


def test_more_than_is_pledged_is_not_shipped(vault):
    position = vault.pledge(100)
    vehicle = make_vehicle()
    with refusal(NotEnoughLeft):
        load(vault, Take(position.pk, Decimal(101)), vehicle=vehicle)


def test_a_document_of_title_is_issued_once_however_it_is_written(vault):
    position = vault.pledge(100)
    vehicle = make_vehicle()
    load(vault, Take(position.pk, Decimal(10)), vehicle=vehicle, bill_number="BL-2016-7")
    with refusal(DocumentTaken):
        load(vault, Take(position.pk, Decimal(10)), vehicle=vehicle, bill_number="ｂｌ 2016 ７")
    assert Shipment.objects.count() == 1


def test_goods_are_loaded_into_their_carriers_vehicle_only(vault):
    position = vault.pledge(100)
    vehicle, other = make_vehicle(), make_carrier()
    with refusal(NotTheCarriersVehicle):
        load(vault, Take(position.pk, Decimal(10)), vehicle=vehicle, carrier=other)
    with refusal(NotTheCarriersVehicle) as caught:
        load(vault, Take(position.pk, Decimal(10)), vehicle=vault.warehouse)
    assert vault.warehouse.name in caught[0].message


def test_the_lender_holds_the_document(vault):
    position = vault.pledge(100)
    vehicle, stranger = make_vehicle(), make_lender()
    with refusal(NotTheHoldersDocument):
        load(vault, Take(position.pk, Decimal(10)), vehicle=vehicle, holder=stranger)


def test_mortgaged_goods_are_not_shipped_and_pledged_ones_do_not_arrive(vault):
    mortgaged, pledged = vault.mortgage(10), vault.pledge(10)
    vehicle, there = make_vehicle(), make_site()
    with refusal(WrongRight):
        load(vault, Take(mortgaged.pk, Decimal(1)), vehicle=vehicle)
    with refusal(WrongRight):
        unload(vault, Unloaded(pledged.pk, Decimal(1)), site=there)


def test_two_positions_of_one_lot_travel_as_two_lines(vault):
    lot = vault.lot(100)
    first, second = vault.pledge_lot(lot, 60), vault.pledge_lot(lot, 40)
    shipment, moving = load(vault, Take(first.pk, Decimal(60)), Take(second.pk, Decimal(40)))
    assert [line.source_id for line in shipment.lines.all()] == [lot.pk, lot.pk]
    assert len({one.lot_id for one in moving}) == 2
    there = make_site()
    stored = unload(
        vault,
        *(Unloaded(one.pk, one.quantity) for one in moving),
        site=there,
    )
    # They came from one lot and are one again.
    assert len({one.lot_id for one in stored}) == 1
    assert Conversion.objects.filter(kind="arrive").count() == 1


def test_goods_that_count_for_nothing_go_on_so_under_way_and_in_store(vault):
    """A failed inspection is not cured by a journey; what the reversal restores stays in doubt."""
    position = vault.pledge(100)
    with vault.act(requirement=Requirement.NONE) as act:
        suspend(
            act=act,
            reason=SuspensionReason.INSPECTION,
            findings={position.pk: {"found": "rust"}},
        )
    _shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    [stored] = unload(vault, Unloaded(moving.pk, Decimal(60)))
    undo(vault, last("arrive"))
    assert vault.cover().lending_value == 0
    assert lines(vault) == {}
    assert set(
        Suspension.objects.filter(position=stored).values_list("reason", "detail__found")
    ) == {("inspection", "rust")}
    with vault.act() as act:
        restore(
            act=act,
            reason=SuspensionReason.INSPECTION,
            position_ids=Position.objects.live().values_list("pk", flat=True),
        )
    assert lines(vault) == {("in_transit", "alpha"): (100, 100)}

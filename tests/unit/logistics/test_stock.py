"""Receiving, moving, shipping, returning and counting: exact effects, refusals without any."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from logistics.hooks import only_hooks
from logistics.models import Lot, StockAct
from logistics.refusals import (
    CountBelowClaims,
    InTheFuture,
    LotDiffers,
    LotNumberNotPossible,
    LotRepeated,
    MoreThanShipped,
    NotFree,
    NothingToReport,
    NotTheCustodian,
    QuantityNotPossible,
    ReferenceMissing,
    ReferenceReused,
    ShareNotPossible,
    SpeaksForAnother,
)
from logistics.services.holds import reduce_hold
from logistics.services.stock import (
    Received,
    adjust_count,
    move_goods,
    receive_delivery,
    receive_goods,
    return_goods,
    ship_goods,
    ship_lots,
)
from logistics.states import StockActKind
from outbox.models import AuditEntry, Event
from parties.roles import Role
from parties.services.authority import NotAllowed
from tests.factories.logistics import make_hold, make_item, make_lot, make_site
from tests.factories.parties import (
    NOW,
    make_actor,
    make_borrower,
    make_carrier,
    make_lender,
    make_warehouse_operator,
)
from tests.unit.logistics.helpers import LATER, everything, refused, told

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def foil():
    return make_item(code="copper-foil", unit="TNE")


@pytest.fixture
def lot(site, foil):
    return make_lot(site=site, item=foil, quantity=D(25), number="CU-1")


def receive(site, item, **changes):
    given = {
        "site": site,
        "item": item,
        "owner": item.owner,
        "lot_number": "CU-1",
        "quantity": D("12.5"),
        **told(site.operator),
    }
    return receive_goods(**given | changes)


def legs(act):
    return list(act.events.order_by("pk").values_list("lot_id", "kind", "quantity"))


# Receiving


def test_goods_received_open_their_lot(site, foil):
    lot = receive(site, foil, lot_number=" cu-1 ", reference=" GRN-7 ", evidence={"ticket": "WB-9"})
    assert (lot.site, lot.item, lot.owner) == (site, foil, foil.owner)
    assert (lot.number, lot.normal_number) == ("cu-1", "CU1")
    assert (lot.on_hand, lot.claimed, lot.held, lot.free) == (D("12.5"), 0, 0, D("12.5"))
    assert (lot.quality_deduction, lot.received_on) == (0, NOW.date())
    act = StockAct.objects.get()
    assert (act.kind, act.source, act.reference) == ("received", site.operator, "GRN-7")
    assert (act.occurred_at, act.recorded_at) == (NOW, LATER)
    assert (act.actor_label, act.evidence) == ("test", {"ticket": "WB-9"})
    assert legs(act) == [(lot.pk, "received", D("12.5"))]


def test_an_act_is_told_to_the_outbox_and_the_journal(site, foil):
    lot = receive(site, foil, reference="GRN-7")
    act = StockAct.objects.get()
    said = {
        "kind": "received",
        "source": site.operator.pk,
        "reference": "GRN-7",
        "occurred_at": "2016-03-01T09:00:00Z",
        "events": [{"lot": lot.pk, "kind": "received", "quantity": "12.5"}],
    }
    event = Event.objects.get(topic="logistics.goods_received")
    assert (event.aggregate, event.aggregate_id) == ("logistics.stockact", str(act.pk))
    assert event.payload == said
    entry = AuditEntry.objects.get(action="receive_goods")
    assert (entry.object_id, entry.at, entry.business_date) == (str(act.pk), LATER, NOW.date())
    assert entry.detail == said


def test_a_second_receipt_under_another_spelling_adds_to_the_lot(site, foil):
    first = receive(site, foil)
    second = receive(site, foil, lot_number="cu 1", quantity=D("0.5"))
    assert second.pk == first.pk
    assert (second.on_hand, second.number) == (13, "CU-1")


def test_the_day_of_receipt_is_the_reporters_own(site, foil):
    shanghai = timezone(timedelta(hours=8))
    lot = receive(site, foil, occurred_at=datetime(2016, 3, 1, 7, tzinfo=shanghai))
    assert lot.received_on.isoformat() == "2016-03-01"  # 2016-02-29 23:00 in UTC


def test_a_delivery_is_one_act_of_many_lines(site, foil):
    wire = make_item(code="gold-wire", unit="GRM", owner=foil.owner)
    lots = receive_delivery(
        site=site,
        lines=[
            Received(item=wire, lot_number="A", quantity=D(700), quality_deduction=D("0.05")),
            Received(item=foil, lot_number="A", quantity=D(3)),
            Received(item=foil, lot_number="B", quantity=D("0.25")),
        ],
        owner=foil.owner,
        **told(site.operator, reference="DN-1"),
    )
    assert [(lot.item, lot.number, lot.on_hand) for lot in lots] == [
        (wire, "A", 700),
        (foil, "A", 3),
        (foil, "B", D("0.25")),
    ]
    assert lots[0].quality_deduction == D("0.05")
    assert legs(StockAct.objects.get()) == [
        (lots[0].pk, "received", 700),
        (lots[1].pk, "received", 3),
        (lots[2].pk, "received", D("0.25")),
    ]


def test_a_delivery_needs_lines_and_names_each_lot_once(site, foil):
    given = {"site": site, "owner": foil.owner, **told(site.operator)}
    with refused(NothingToReport):
        receive_delivery(lines=[], **given)
    lines = [Received(item=foil, lot_number=number, quantity=D(1)) for number in ("A-1", "a 1")]
    with refused(LotRepeated):
        receive_delivery(lines=lines, **given)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"quantity": D(0)}, QuantityNotPossible),
        ({"quantity": D(-1)}, QuantityNotPossible),
        ({"quantity": D("0.0000001")}, QuantityNotPossible),
        ({"quantity": D("1e18")}, QuantityNotPossible),
        ({"quantity": D("NaN")}, QuantityNotPossible),
        ({"quality_deduction": D("1.1")}, ShareNotPossible),
        ({"lot_number": " - "}, LotNumberNotPossible),
        ({"lot_number": "x" * 61}, LotNumberNotPossible),
        ({"occurred_at": LATER + timedelta(seconds=1)}, InTheFuture),
        ({"reference": "  "}, ReferenceMissing),
        ({"reference": "x" * 81}, ReferenceMissing),
    ],
)
def test_a_receipt_that_cannot_be_is_refused_by_name(site, foil, changes, kind):
    with refused(kind):
        receive(site, foil, **changes)


def test_half_a_phone_is_refused_with_the_number(site):
    phone = make_item(code="phone", unit="C62")
    with refused(QuantityNotPossible, "phone is counted in whole pieces, not 0.5"):
        receive(site, phone, quantity=D("0.5"))


def test_floats_and_instants_without_a_zone_are_mistakes_of_the_program(site, foil):
    before = everything()
    with pytest.raises(TypeError, match="quantity must be Decimal, not float"):
        receive(site, foil, quantity=12.5)
    with pytest.raises(ValueError, match="time zone"):
        receive(site, foil, occurred_at=datetime(2016, 3, 1))  # noqa: DTZ001
    assert everything() == before


def test_a_lot_number_stands_for_one_owner_and_one_quality(site, foil, lot):
    with refused(LotDiffers, f"cu1 is a lot of another owner at {site.name}"):
        receive(site, foil, owner=make_borrower(), lot_number="cu1")
    with refused(
        LotDiffers,
        f"CU-1 at {site.name} has a quality deduction of 0, not 0.05: "
        "goods of another quality are another lot",
    ):
        receive(site, foil, quality_deduction=D("0.05"))


# Told again, told differently


def test_a_report_told_again_gives_the_earlier_result_and_changes_nothing(site, foil):
    report = told(site.operator, reference="GRN-7")
    lot = receive(site, foil, **report)
    before = everything()
    again = receive(
        site,
        foil,
        **report | {"now": LATER + timedelta(days=40), "evidence": {"resent": True}},
        lot_number="CU 1",
        quantity=D("12.500"),
    )
    assert (again.pk, again.on_hand) == (lot.pk, D("12.5"))
    assert everything() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": D("12.6")},
        {"lot_number": "CU-2"},
        {"quality_deduction": D("0.1")},
        {"occurred_at": NOW - timedelta(hours=1)},
    ],
)
def test_a_reference_told_differently_is_refused(site, foil, changes):
    report = told(site.operator, reference="GRN-7")
    receive(site, foil, **report)
    with refused(ReferenceReused, f"{site.operator} used the reference GRN-7 for another report"):
        receive(site, foil, **report | changes)


def test_a_reference_of_one_kind_of_act_is_not_another_ones(lot):
    report = told(lot.site.operator, reference="R-1")
    ship_goods(lot=lot, quantity=D(1), **report)
    with refused(ReferenceReused):
        return_goods(lot=lot, quantity=D(1), **report)


def test_two_custodians_may_use_the_same_reference(site, foil):
    other = make_site()
    one = receive(site, foil, reference="1")
    two = receive(other, foil, reference="1")
    assert one.pk != two.pk
    assert StockAct.objects.filter(reference="1").count() == 2


def test_every_act_told_again_has_the_effect_of_one(lot):
    keeper, other = lot.site.operator, make_site()
    acts = [
        lambda: move_goods(lot=lot, to_site=other, quantity=D(5), **told(keeper, reference="M")),
        lambda: ship_goods(lot=lot, quantity=D(4), **told(keeper, reference="S")),
        lambda: return_goods(lot=lot, quantity=D(1), **told(keeper, reference="R")),
        lambda: adjust_count(lot=lot, counted=D(16), **told(keeper, reference="C")),
        lambda: adjust_count(lot=lot, counted=D(16), **told(keeper, reference="C2")),
    ]
    for act in acts:
        first = act()
        before = everything()
        again = act()
        assert (again.pk, again.on_hand) == (first.pk, first.on_hand)
        assert everything() == before
    lot.refresh_from_db()
    assert lot.on_hand == 16


# Moving


def test_goods_moved_keep_owner_quality_and_number(site, foil):
    lot = make_lot(site=site, item=foil, quantity=D(25), number="CU-1", quality_deduction=D("0.1"))
    there = make_site()
    moved = move_goods(lot=lot, to_site=there, quantity=D(10), **told(there.operator))
    assert (moved.site, moved.item, moved.owner, moved.number) == (there, foil, foil.owner, "CU-1")
    assert (moved.on_hand, moved.quality_deduction) == (10, D("0.1"))
    lot.refresh_from_db()
    assert lot.on_hand == 15
    act = StockAct.objects.get(kind=StockActKind.MOVED)
    assert legs(act) == [(lot.pk, "moved_out", -10), (moved.pk, "moved_in", 10)]
    more = move_goods(lot=lot, to_site=there, quantity=D(15), **told(there.operator))
    assert (more.pk, more.on_hand) == (moved.pk, 25)


def test_goods_may_be_renumbered_where_they_lie_but_not_moved_nowhere(lot):
    part = move_goods(
        lot=lot, to_site=lot.site, quantity=D(5), lot_number="CU-1/A", **told(lot.site.operator)
    )
    assert (part.number, part.on_hand, part.site) == ("CU-1/A", 5, lot.site)
    for number in (None, "cu 1"):
        with refused(NothingToReport, f"CU-1 is at {lot.site} already"):
            move_goods(
                lot=lot,
                to_site=lot.site,
                quantity=D(5),
                lot_number=number,
                **told(lot.site.operator),
            )


# What is not free


def test_what_is_not_free_stays_with_the_numbers(lot):
    make_hold(lot=lot, quantity=D("12.5"))
    message = "CU-1: free 12.5 t, asked 25 t, short 12.5 t"
    report, there = told(lot.site.operator), make_site()
    with refused(NotFree, message) as caught:
        ship_goods(lot=lot, quantity=D(25), **report)
    assert caught.value.field == "quantity"
    assert caught.value.numbers == {
        "lot": lot.pk,
        "unit": "TNE",
        "free": D("12.5"),
        "asked": D(25),
        "short": D("12.5"),
    }
    with refused(NotFree, message):
        move_goods(lot=lot, to_site=there, quantity=D(25), **report)
    shipped = ship_goods(lot=lot, quantity=D("12.5"), **report)
    assert (shipped.on_hand, shipped.claimed, shipped.free) == (D("12.5"), D("12.5"), 0)


def test_a_shipment_of_several_lots_goes_whole_or_not_at_all(site, foil, lot):
    other = make_lot(site=site, item=foil, quantity=D(3), number="CU-2")
    with refused(NotFree, "CU-2: free 3 t, asked 4 t, short 1 t"):
        ship_lots(goods=[(lot, D(5)), (other, D(4))], **told(site.operator))
    with refused(NothingToReport):
        ship_lots(goods=[], **told(site.operator))
    shipped = ship_lots(
        goods=[(other, D(1)), (lot, D(5)), (other, D(2))], **told(site.operator, reference="S-1")
    )
    assert [(one.pk, one.on_hand) for one in shipped] == [(lot.pk, 20), (other.pk, 0)]
    act = StockAct.objects.get(reference="S-1")
    assert legs(act) == [(lot.pk, "shipped", -5), (other.pk, "shipped", -3)]


# Coming back, counting


def test_no_more_comes_back_than_left(lot):
    keeper = lot.site.operator
    ship_goods(lot=lot, quantity=D(8), **told(keeper))
    assert return_goods(lot=lot, quantity=D("0.5"), **told(keeper)).on_hand == D("17.5")
    message = "CU-1: shipped 8 t, returned before 0.5 t, now 7.6 t, over by 0.1 t"
    with refused(MoreThanShipped, message):
        return_goods(lot=lot, quantity=D("7.6"), **told(keeper))
    assert return_goods(lot=lot, quantity=D("7.5"), **told(keeper)).on_hand == 25


def test_a_count_sets_the_quantity_on_hand(lot):
    keeper = lot.site.operator
    assert adjust_count(lot=lot, counted=D("24.9"), **told(keeper)).on_hand == D("24.9")
    assert adjust_count(lot=lot, counted=D("25.4"), **told(keeper)).on_hand == D("25.4")
    assert adjust_count(lot=lot, counted=D("25.4"), **told(keeper)).on_hand == D("25.4")
    counts = StockAct.objects.filter(kind=StockActKind.COUNTED).order_by("recorded_at", "reference")
    assert sorted(len(act.events.all()) for act in counts) == [0, 1, 1]
    assert list(
        lot.events.filter(kind="adjusted").order_by("pk").values_list("quantity", flat=True)
    ) == [D("-0.1"), D("0.5")]
    assert adjust_count(lot=lot, counted=D(0), **told(keeper)).on_hand == 0


def test_a_count_below_what_is_claimed_is_refused(lot):
    make_hold(lot=lot, quantity=D("12.5"))
    with refused(CountBelowClaims, "CU-1: counted 10 t, claimed 12.5 t, short 2.5 t"):
        adjust_count(lot=lot, counted=D(10), **told(lot.site.operator))
    with refused(QuantityNotPossible):
        adjust_count(lot=lot, counted=D(-1), **told(lot.site.operator))
    assert adjust_count(lot=lot, counted=D("12.5"), **told(lot.site.operator)).free == 0


# Whose word it is


def test_stock_is_reported_by_its_custodian(site, foil, lot):
    stranger = make_warehouse_operator()
    carrier, lender = make_carrier(), make_lender()
    for source in (stranger, foil.owner, carrier, lender):
        with refused(NotTheCustodian):
            receive(site, foil, **told(source))
    with refused(NotTheCustodian):
        ship_goods(lot=lot, quantity=D(1), **told(lender))
    with refused(NotTheCustodian):
        adjust_count(lot=lot, counted=D(1), **told(carrier))
    assert ship_goods(lot=lot, quantity=D(1), **told(carrier)).on_hand == 24
    assert adjust_count(lot=lot, counted=D(20), **told(lender)).on_hand == 20


def test_partners_speak_for_themselves_lenders_write_for_others(site, foil):
    keeper = make_actor(organisation=site.operator, roles=[Role.PARTNER])
    stranger = make_actor(organisation=make_warehouse_operator(), roles=[Role.PARTNER])
    lender = make_lender()
    operations = make_actor(organisation=lender, roles=[Role.OPERATIONS])
    auditor = make_actor(organisation=lender, roles=[Role.AUDITOR])
    assert receive(site, foil, actor=keeper).on_hand == D("12.5")
    assert receive(site, foil, actor=operations).on_hand == D("25")
    with refused(SpeaksForAnother):
        receive(site, foil, actor=stranger)
    with refused(NotAllowed):
        receive(site, foil, actor=auditor)


# The rooms above


def test_hooks_hear_of_goods_that_come_and_go(lot):
    heard = []

    def leaving(*, departure, actor, now):
        heard.append(("leaving", departure.kind, dict(departure.quantities), departure.reference))

    def received(*, act, events, actor, now):
        heard.append(("received", act.kind, [(event.lot_id, event.quantity) for event in events]))

    keeper, there = lot.site.operator, make_site()
    with only_hooks(leaving=[leaving], received=[received]):
        moved = move_goods(lot=lot, to_site=there, quantity=D(10), **told(keeper, reference="M-1"))
        ship_goods(lot=lot, quantity=D(5), **told(keeper, reference="S-1"))
        adjust_count(lot=lot, counted=D(9), **told(keeper, reference="C-1"))
        adjust_count(lot=lot, counted=D(11), **told(keeper, reference="C-2"))
        ship_goods(lot=lot, quantity=D(5), **told(keeper, reference="S-1"))
    assert heard == [
        ("leaving", "moved", {lot.pk: D(10)}, "M-1"),
        ("received", "moved", [(moved.pk, D(10))]),
        ("leaving", "shipped", {lot.pk: D(5)}, "S-1"),
        ("leaving", "counted", {lot.pk: D(1)}, "C-1"),
        ("received", "counted", [(lot.pk, D(2))]),
    ]


def test_a_hook_may_make_way_before_the_goods_are_tested(lot):
    hold = make_hold(lot=lot, quantity=D(25))

    def make_way(*, departure, actor, now):
        reduce_hold(reference=hold.reference, quantity=departure.quantities[lot.pk], now=now)

    with only_hooks(leaving=[make_way]):
        shipped = ship_goods(lot=lot, quantity=D(5), **told(lot.site.operator))
    assert (shipped.on_hand, shipped.claimed) == (20, 20)


def test_a_hook_that_refuses_keeps_everything_as_it_was(lot):
    def refuse(*, act, events, actor, now):
        raise NotFree(message="not here")

    before = everything()
    with only_hooks(received=[refuse]), refused(NotFree, "not here"):
        receive(lot.site, lot.item)
    assert everything() == before
    assert Lot.objects.get().on_hand == 25


def test_acts_cost_a_fixed_number_of_queries(site, foil, django_assert_max_num_queries):
    lines = [Received(item=foil, lot_number=f"L{n}", quantity=D(1)) for n in range(30)]
    with django_assert_max_num_queries(13):
        lots = receive_delivery(site=site, lines=lines, owner=foil.owner, **told(site.operator))
    with django_assert_max_num_queries(12):
        ship_lots(goods=[(lot, D(1)) for lot in lots], **told(site.operator))

"""Production: what was consumed ties to the bill, material by material."""

from decimal import Decimal

import pytest

from logistics.hooks import only_hooks
from logistics.models import StockAct
from logistics.refusals import (
    LotDiffers,
    MaterialElsewhere,
    MaterialOfAnother,
    NoBill,
    NotFree,
    NothingToReport,
    NotTheCustodian,
    ProductionDoesNotTie,
    QuantityNotPossible,
    ReferenceReused,
)
from logistics.services.holds import reduce_hold
from logistics.services.stock import record_production
from logistics.states import SiteKind
from outbox.models import AuditEntry, Event
from tests.factories.logistics import make_bill, make_hold, make_item, make_lot, make_site
from tests.factories.parties import make_borrower, make_contract_manufacturer
from tests.unit.logistics.helpers import everything, refused, told

pytestmark = pytest.mark.django_db

D = Decimal
FOIL, WIRE = D(3650), D(680)


class Run:
    """A contract manufacturer with materials for 20,000 phones and a bill with 2 % losses."""

    def __init__(self):
        self.owner = make_borrower()
        self.site = make_site(kind=SiteKind.FACTORY, operator=make_contract_manufacturer())
        self.foil = make_item(code="copper-foil", unit="KGM", owner=self.owner)
        self.wire = make_item(code="gold-wire", unit="GRM", owner=self.owner)
        self.phone = make_item(code="phone", unit="C62", owner=self.owner)
        make_bill(
            product=self.phone,
            lines=[(self.foil, D("0.18")), (self.wire, D("0.034"))],
            loss_tolerance=D("0.02"),
        )
        self.foil_lot = self.lot(self.foil, D(4000), "CU-1")
        self.wire_lot = self.lot(self.wire, D(700), "AU-1")

    def lot(self, item, quantity, number, **changes):
        given = {"item": item, "quantity": quantity, "number": number, "site": self.site}
        return make_lot(**given | changes)

    def record(self, *, foil=FOIL, wire=WIRE, **changes):
        given = {
            "site": self.site,
            "product": self.phone,
            "product_lot_number": "PH-1",
            "quantity": D(20000),
            "consumed": [(self.foil_lot, foil), (self.wire_lot, wire)],
            "owner": self.owner,
            **told(self.site.operator),
        }
        return record_production(**given | changes)


@pytest.fixture
def run():
    return Run()


def on_hand(lot):
    lot.refresh_from_db()
    return lot.on_hand


def test_materials_leave_and_products_arrive_in_one_act(run):
    lot = run.record(reference="PROD-1")
    assert (lot.item, lot.site, lot.owner) == (run.phone, run.site, run.owner)
    assert (lot.number, lot.on_hand, lot.claimed) == ("PH-1", 20000, 0)
    assert (on_hand(run.foil_lot), on_hand(run.wire_lot)) == (350, 20)
    act = StockAct.objects.get(reference="PROD-1")
    legs = act.events.order_by("pk").values_list("lot_id", "kind", "quantity")
    assert list(legs) == [
        (run.foil_lot.pk, "consumed", -3650),
        (run.wire_lot.pk, "consumed", -680),
        (lot.pk, "produced", 20000),
    ]
    assert Event.objects.filter(topic="logistics.production_recorded").count() == 1
    assert AuditEntry.objects.filter(action="record_production").count() == 1


def test_told_again_it_is_the_same_run_told_differently_it_is_refused(run):
    report = told(run.site.operator, reference="PROD-1")
    lot = run.record(**report)
    before = everything()
    assert run.record(**report).pk == lot.pk
    assert everything() == before
    with refused(ReferenceReused):
        run.record(**report, foil=D(3651))


def test_lots_of_one_material_count_together(run):
    more = run.lot(run.foil, D(1000), "CU-2")
    run.record(consumed=[(run.foil_lot, D(3000)), (more, D(600)), (run.wire_lot, D(680))])
    assert (on_hand(run.foil_lot), on_hand(more)) == (1000, 400)


def test_a_lot_named_twice_is_consumed_once_with_the_sum(run):
    run.record(consumed=[(run.foil_lot, D(3000)), (run.wire_lot, D(680)), (run.foil_lot, D(600))])
    assert on_hand(run.foil_lot) == 400


def test_a_second_run_may_enter_the_same_lot(run):
    run.record(quantity=D(1000), foil=D(180), wire=D(34))
    lot = run.record(quantity=D(2000), foil=D(360), wire=D(68))
    assert lot.on_hand == 3000
    with refused(LotDiffers):
        run.record(quantity=D(2000), foil=D(360), wire=D(68), quality_deduction=D("0.3"))


@pytest.mark.parametrize(
    ("foil", "wire", "message"),
    [
        (
            D(4000),
            D(680),
            (
                "copper-foil: bill 3,600.000 kg, allowed up to 3,673.469 kg, "
                "consumed 4,000.000 kg, over by 326.531 kg"
            ),
        ),
        (
            D(3599),
            D(680),
            "copper-foil: bill 3,600.000 kg, consumed 3,599.000 kg, short 1.000 kg",
        ),
        (
            D(3599),
            D(700),
            (
                "copper-foil: bill 3,600.000 kg, consumed 3,599.000 kg, short 1.000 kg; "
                "gold-wire: bill 680.000 g, allowed up to 693.878 g, consumed 700.000 g, "
                "over by 6.122 g"
            ),
        ),
    ],
)
def test_what_does_not_tie_is_refused_material_by_material(run, foil, wire, message):
    with refused(ProductionDoesNotTie, message):
        run.record(foil=foil, wire=wire)


def test_the_refusal_carries_the_numbers(run):
    with refused(ProductionDoesNotTie) as caught:
        run.record(foil=D(4000))
    assert caught.value.field == "consumed"
    assert caught.value.numbers == {
        "copper-foil.planned": D(3600),
        "copper-foil.allowed": D("3673.469388"),
        "copper-foil.consumed": D(4000),
    }


def test_a_material_left_out_and_one_not_in_the_bill_are_named(run):
    paste = run.lot(make_item(code="silver-paste", unit="KGM", owner=run.owner), D(9), "AG-1")
    message = (
        "gold-wire: bill 680.000 g, consumed 0.000 g, short 680.000 g; "
        "silver-paste: not in the bill, consumed 4.000 kg"
    )
    with refused(ProductionDoesNotTie, message):
        run.record(consumed=[(run.foil_lot, D(3600)), (paste, D(4))])


def test_materials_must_lie_there_and_belong_to_the_products_owner(run):
    elsewhere = make_lot(item=run.foil, quantity=D(4000), number="CU-9")
    with refused(MaterialElsewhere, f"CU-9 lies at {elsewhere.site}, not at {run.site}"):
        run.record(consumed=[(elsewhere, D(3600)), (run.wire_lot, D(680))])
    foreign = run.lot(run.foil, D(4000), "CU-8", owner=make_borrower())
    with refused(MaterialOfAnother, f"CU-8 does not belong to {run.owner}"):
        run.record(consumed=[(foreign, D(3600)), (run.wire_lot, D(680))])


def test_claimed_materials_are_not_consumed(run):
    make_hold(lot=run.foil_lot, quantity=D(1000))
    with refused(NotFree, "CU-1: free 3,000 kg, asked 3,650 kg, short 650 kg"):
        run.record()


def test_the_rooms_above_may_lift_their_claim_first(run):
    hold = make_hold(lot=run.foil_lot, quantity=D(4000))
    heard = []

    def make_way(*, departure, actor, now):
        heard.append(dict(departure.quantities))
        reduce_hold(
            reference=hold.reference, quantity=departure.quantities[run.foil_lot.pk], now=now
        )

    with only_hooks(leaving=[make_way]):
        run.record()
    assert heard == [{run.foil_lot.pk: D(3650), run.wire_lot.pk: D(680)}]
    run.foil_lot.refresh_from_db()
    assert (run.foil_lot.on_hand, run.foil_lot.claimed) == (350, 350)


def test_what_makes_no_production_is_refused_by_name(run):
    with refused(NothingToReport):
        run.record(consumed=[])
    with refused(QuantityNotPossible):
        run.record(quantity=D("0.5"))
    with refused(QuantityNotPossible):
        run.record(foil=D(0))
    tablet = make_item(code="tablet", unit="C62", owner=run.owner)
    with refused(NoBill, "tablet has no bill of materials"):
        run.record(product=tablet)
    stranger = make_contract_manufacturer()
    with refused(NotTheCustodian):
        run.record(source=stranger)

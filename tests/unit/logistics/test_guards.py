"""What the database refuses by itself, whoever asks and by whatever path."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from logistics.models import (
    BillLine,
    BillOfMaterials,
    Hold,
    Item,
    Lot,
    Site,
    StockAct,
    StockEvent,
)
from logistics.states import HoldKind
from tests.factories.logistics import make_bill, make_item, make_lot, make_site
from tests.factories.parties import NOW, make_borrower

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def lot():
    return make_lot(quantity=D(10))


def hold(lot, quantity, kind=HoldKind.PLEDGE):
    return Hold.objects.create(
        lot=lot, kind=kind, quantity=quantity, reference=uuid.uuid4(), placed_at=NOW
    )


def quantities(lot):
    return Lot.objects.values_list("on_hand", "claimed", "held").get(pk=lot.pk)


class Breach:
    """Expects a breach of a named constraint, in a savepoint."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def __exit__(self, kind, error, traceback):
        self.atomic.__exit__(kind, error, traceback)
        assert isinstance(error, IntegrityError), f"{self.name} was not breached"
        assert constraint_name(error) == self.name
        return True


def test_events_add_up_on_their_lots_in_one_statement(lot):
    other = make_lot(quantity=D(5), site=lot.site, item=lot.item)
    act = lot.events.get().act
    StockEvent.objects.bulk_create(
        StockEvent(act=act, lot=one, kind=kind, quantity=quantity)
        for one, kind, quantity in [
            (lot, "shipped", D("-2.5")),
            (other, "shipped", D(-1)),
            (other, "adjusted", D("0.000001")),
        ]
    )
    assert quantities(lot) == (D("7.5"), 0, 0)
    assert quantities(other) == (D("4.000001"), 0, 0)


def test_holds_are_counted_by_kind_and_lifted(lot):
    pledge, mortgage = hold(lot, D(4)), hold(lot, D("5.5"), HoldKind.MORTGAGE)
    assert quantities(lot) == (10, D("9.5"), 4)
    Hold.objects.filter(pk__in=[pledge.pk, mortgage.pk]).update(quantity=D("1.5"))
    assert quantities(lot) == (10, 3, D("1.5"))
    Hold.objects.filter(pk=pledge.pk).update(quantity=0, lifted_at=NOW)
    assert quantities(lot) == (10, D("1.5"), 0)


def test_holds_placed_together_are_counted_together(lot):
    other = make_lot(quantity=D(5))
    Hold.objects.bulk_create(
        Hold(lot=one, kind=kind, quantity=quantity, reference=uuid.uuid4(), placed_at=NOW)
        for one, kind, quantity in [
            (lot, "pledge", D(1)),
            (lot, "mortgage", D(2)),
            (other, "pledge", D(5)),
        ]
    )
    assert (quantities(lot), quantities(other)) == ((10, 3, 1), (5, 5, 5))


def test_one_claim_too_many_is_refused_even_without_any_lock(lot):
    hold(lot, D(10))
    with Breach("lot_claims_within_quantity_on_hand"):
        hold(lot, D("0.000001"), HoldKind.MORTGAGE)
    assert quantities(lot) == (10, 10, 10)


def test_goods_under_claim_cannot_leave(lot):
    hold(lot, D(8), HoldKind.MORTGAGE)
    act = lot.events.get().act
    with Breach("lot_claims_within_quantity_on_hand"):
        StockEvent.objects.create(act=act, lot=lot, kind="shipped", quantity=D("-2.000001"))
    StockEvent.objects.create(act=act, lot=lot, kind="shipped", quantity=D(-2))
    assert quantities(lot) == (8, 8, 0)


@pytest.mark.parametrize("change", [{"on_hand": 11}, {"claimed": 1}, {"claimed": 1, "held": 1}])
def test_nobody_writes_a_lots_quantities(lot, change):
    with Breach("lot_follows_events_and_holds"):
        Lot.objects.filter(pk=lot.pk).update(**change)
    stale = Lot.objects.get(pk=lot.pk)
    hold(lot, D(1))
    with Breach("lot_follows_events_and_holds"):
        stale.save()


def test_a_new_lot_starts_empty(lot):
    with Breach("lot_starts_empty"):
        Lot.objects.create(
            site=lot.site,
            item=lot.item,
            owner=lot.owner,
            number="X",
            normal_number="X",
            received_on=NOW.date(),
            on_hand=1,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"number": "other"},
        {"normal_number": "OTHER"},
        {"received_on": NOW.date() - timedelta(days=1)},
    ],
)
def test_a_lot_keeps_its_identity(lot, change):
    with Breach("lot_identity_frozen"):
        Lot.objects.filter(pk=lot.pk).update(**change)


def test_a_lot_keeps_its_place_item_and_owner(lot):
    for change in ({"site": make_site()}, {"item": make_item()}, {"owner": make_borrower()}):
        with Breach("lot_identity_frozen"):
            Lot.objects.filter(pk=lot.pk).update(**change)


def test_a_hold_keeps_its_identity_and_never_grows(lot):
    held = hold(lot, D(4))
    for change in (
        {"kind": "mortgage"},
        {"reference": uuid.uuid4()},
        {"placed_at": NOW + timedelta(days=1)},
        {"lot": make_lot()},
    ):
        with Breach("hold_identity_frozen"):
            Hold.objects.filter(pk=held.pk).update(**change)
    with Breach("hold_quantity_only_falls"):
        Hold.objects.filter(pk=held.pk).update(quantity=D("4.000001"))
    assert quantities(lot) == (10, 4, 4)


def test_a_lifted_hold_stays_lifted(lot):
    held = hold(lot, D(4))
    with Breach("hold_open_while_it_has_quantity"):
        Hold.objects.filter(pk=held.pk).update(quantity=0)
    with Breach("hold_open_while_it_has_quantity"):
        Hold.objects.filter(pk=held.pk).update(lifted_at=NOW)
    Hold.objects.filter(pk=held.pk).update(quantity=0, lifted_at=NOW)
    for change in ({"lifted_at": None}, {"quantity": 1, "lifted_at": None}):
        with Breach("hold_quantity_only_falls"):
            Hold.objects.filter(pk=held.pk).update(**change)


def test_holds_are_not_deleted_and_a_position_claims_once(lot):
    held = hold(lot, D(4))
    with Breach("hold_rows_kept"):
        held.delete()
    with Breach("hold_position_claims_once"):
        Hold.objects.create(
            lot=lot, kind="pledge", quantity=1, reference=held.reference, placed_at=NOW
        )


@pytest.mark.parametrize("model", [StockAct, StockEvent, BillOfMaterials, BillLine])
def test_the_journal_and_the_bills_are_only_added_to(lot, model):
    make_bill(product=make_item(), lines=[(lot.item, D(1))])
    row = model.objects.first()
    name = model._meta.model_name
    with Breach(f"{name}_rows_never_change"):
        model.objects.filter(pk=row.pk).update(**{_a_column(model): getattr(row, _a_column(model))})
    with Breach(f"{name}_rows_never_change"):
        model.objects.filter(pk=row.pk)._raw_delete(model.objects.db)


def _a_column(model):
    return {"StockAct": "reference", "BillOfMaterials": "loss_tolerance"}.get(
        model.__name__, "quantity"
    )


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [
        ("received", -1),
        ("produced", -1),
        ("moved_in", -1),
        ("returned", -1),
        ("consumed", 1),
        ("moved_out", 1),
        ("shipped", 1),
        ("adjusted", 0),
        ("received", 0),
    ],
)
def test_the_sign_of_an_event_follows_its_kind(lot, kind, quantity):
    act = lot.events.get().act
    with Breach("stock_event_sign_follows_kind"):
        StockEvent.objects.create(act=act, lot=make_lot(), kind=kind, quantity=quantity)


def test_a_custodians_reference_stands_for_one_act(lot):
    act = lot.events.get().act
    with Breach("stock_act_reported_once"):
        StockAct.objects.create(
            kind="shipped",
            source=act.source,
            reference=act.reference,
            request_hash="other",
            occurred_at=NOW,
            recorded_at=NOW,
            actor_label="x",
        )


def test_what_lots_are_counted_and_valued_in_is_frozen(lot):
    for change in ({"unit": "TNE"}, {"currency": "CNY"}, {"code": "other"}):
        with Breach("item_identity_frozen"):
            Item.objects.filter(pk=lot.item.pk).update(**change)
    with Breach("site_identity_frozen"):
        Site.objects.filter(pk=lot.site.pk).update(operator=make_borrower())


def test_no_session_can_wave_the_guards_away(lot):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pgtrigger.ignore = '{logistics_lot:follows_events_and_holds}'")
    with Breach("lot_follows_events_and_holds"):
        Lot.objects.filter(pk=lot.pk).update(on_hand=11)

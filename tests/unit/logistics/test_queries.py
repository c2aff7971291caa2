"""What each actor may read of goods and places."""

from decimal import Decimal

import pytest

from logistics.models import BillOfMaterials, Lot, StockAct
from logistics.queries import (
    get_act,
    get_bill,
    get_item,
    get_lot,
    get_lot_by_number,
    get_site,
    list_acts,
    list_items,
    list_lot_events,
    list_lots,
    list_sites,
    list_stock,
)
from logistics.services.stock import adjust_count, move_goods, ship_goods
from parties.actors import Actor
from parties.roles import Role
from tests.factories.logistics import make_bill, make_hold, make_item, make_lot, make_site
from tests.factories.parties import SYSTEM, make_actor, make_lender, make_platform
from tests.unit.logistics.helpers import told

pytestmark = pytest.mark.django_db

D = Decimal


class World:
    """One owner's goods in two custodians' hands, and people who look at them."""

    def __init__(self):
        self.lot = make_lot(quantity=D(25), number="CU-1")
        self.there = make_site()
        self.moved = move_goods(
            lot=self.lot, to_site=self.there, quantity=D(10), **told(self.lot.site.operator)
        )
        self.owner = self.person(self.lot.owner)
        self.custodian = self.person(self.lot.site.operator)
        self.receiver = self.person(self.there.operator)
        self.platform = self.person(make_platform())
        self.stranger = self.person(make_lender())
        self.nobody = Actor(label="nobody")

    def person(self, organisation):
        return make_actor(organisation=organisation, roles=[Role.OPERATIONS])


@pytest.fixture
def world():
    return World()


def test_owner_and_custodian_see_a_lot(world):
    seen = {
        name: set(list_lots(getattr(world, name)))
        for name in ("owner", "custodian", "receiver", "platform", "stranger", "nobody")
    }
    assert seen == {
        "owner": {world.lot, world.moved},
        "custodian": {world.lot},
        "receiver": {world.moved},
        "platform": {world.lot, world.moved},
        "stranger": set(),
        "nobody": set(),
    }
    assert set(list_lots(SYSTEM)) == {world.lot, world.moved}


def test_a_lot_that_may_not_be_seen_does_not_exist(world):
    assert get_lot(world.custodian, world.lot.pk) == world.lot
    for actor in (world.receiver, world.stranger, world.nobody):
        with pytest.raises(Lot.DoesNotExist):
            get_lot(actor, world.lot.pk)


def test_a_lot_is_found_by_its_number_in_any_spelling(world):
    found = {"site": world.lot.site, "item": world.lot.item}
    assert get_lot_by_number(world.owner, number=" cu 1", **found) == world.lot
    with pytest.raises(Lot.DoesNotExist):
        get_lot_by_number(world.receiver, number="CU-1", **found)
    with pytest.raises(Lot.DoesNotExist):
        get_lot_by_number(world.owner, number="CU-2", **found)


def test_lots_are_narrowed_by_site_item_and_stock(world):
    assert list(list_lots(world.owner, site=world.there)) == [world.moved]
    assert list(list_lots(world.owner, item=make_item())) == []
    adjust_count(lot=world.moved, counted=D(0), **told(world.there.operator))
    assert list(list_lots(world.owner, in_stock=True)) == [world.lot]


def test_stock_is_summed_per_site_and_item(world, django_assert_num_queries):
    make_lot(item=world.lot.item, site=world.lot.site, quantity=D("0.5"))
    make_hold(lot=world.lot, quantity=D(4))
    with django_assert_num_queries(1):
        lines = list_stock(world.custodian)
    item, site = world.lot.item, world.lot.site
    assert lines == [
        (site.pk, site.name, item.pk, item.name, "KGM", D("15.5"), D(4), D(4)),
    ]
    assert sum(line.on_hand for line in list_stock(world.owner)) == D("25.5")
    assert list_stock(world.stranger) == []


def test_the_history_of_a_lot_runs_with_its_balance(world, django_assert_num_queries):
    ship_goods(lot=world.lot, quantity=D(3), **told(world.lot.site.operator))
    with django_assert_num_queries(1):
        rows = [
            (event.kind, event.quantity, event.balance, event.act.source.pk)
            for event in list_lot_events(world.owner, world.lot)
        ]
    keeper = world.lot.site.operator.pk
    assert rows == [
        ("received", 25, 25, keeper),
        ("moved_out", -10, 15, keeper),
        ("shipped", -3, 12, keeper),
    ]
    assert not list_lot_events(world.stranger, world.lot)


def test_acts_are_seen_by_their_reporter_and_by_whoever_sees_a_lot_of_theirs(world):
    received = StockAct.objects.get(kind="received")
    moved = StockAct.objects.get(kind="moved")
    assert set(list_acts(world.custodian)) == {received, moved}
    assert set(list_acts(world.receiver)) == {moved}
    assert set(list_acts(world.owner)) == set(list_acts(SYSTEM)) == {received, moved}
    assert not list_acts(world.stranger)
    assert get_act(world.receiver, moved.pk) == moved
    with pytest.raises(StockAct.DoesNotExist):
        get_act(world.receiver, received.pk)


def test_the_catalogue_is_open_to_whoever_signed_in_bills_are_not(world):
    phone = make_item(code="phone", unit="C62", owner=world.lot.owner)
    bill = make_bill(product=phone, lines=[(world.lot.item, D("0.18"))])
    for actor in (world.owner, world.stranger):
        assert get_item(actor, "PHONE") == phone
        assert set(list_items(actor)) == {phone, world.lot.item}
        assert get_site(actor, world.there.code) == world.there
        assert set(list_sites(actor)) == {world.there, world.lot.site}
    assert not list_items(world.nobody)
    assert not list_sites(world.nobody)
    for actor in (world.owner, world.custodian, world.platform):
        assert get_bill(actor, phone) == bill
    for actor in (world.stranger, world.nobody):
        with pytest.raises(BillOfMaterials.DoesNotExist):
            get_bill(actor, phone)

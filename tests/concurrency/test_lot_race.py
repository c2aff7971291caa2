"""Several connections want the same goods at the same instant: never over-claimed, none lost."""

import uuid
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from common.errors import constraint_name
from logistics.invariants import INVARIANTS
from logistics.models import Hold, Lot, StockAct
from logistics.refusals import AlreadyClaimed, NotFree, ReferenceReused
from logistics.services.holds import place_hold, reduce_hold
from logistics.services.locking import lock_lots
from logistics.services.stock import move_goods, receive_goods, ship_goods
from logistics.states import HoldKind
from tests.concurrency.racing import race
from tests.factories.logistics import make_item, make_lot, make_site
from tests.factories.parties import NOW, SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)

D = Decimal


def claim(lot_id, quantity, kind=HoldKind.PLEDGE):
    """What a lender's act does: lock the lot, claim, commit."""
    with transaction.atomic():
        [lot] = lock_lots([lot_id])
        return place_hold(lot=lot, kind=kind, quantity=quantity, reference=uuid.uuid4(), now=NOW)


def claim_without_lock(lot_id, quantity):
    """What a careless act would do."""
    return Hold.objects.create(
        lot_id=lot_id, kind="pledge", quantity=quantity, reference=uuid.uuid4(), placed_at=NOW
    )


def told(source, reference):
    return {
        "source": source,
        "reference": reference,
        "occurred_at": NOW,
        "actor": SYSTEM,
        "now": NOW,
    }


def quantities(lot):
    return Lot.objects.values_list("on_hand", "claimed", "held").get(pk=lot.pk)


def assert_sound():
    assert {one.name: found for one in INVARIANTS if (found := one.breaches())} == {}


def test_two_lenders_claim_the_same_goods_one_wins_200_times():
    item, site = make_item(), make_site()
    lots = [make_lot(item=item, site=site, quantity=D(25)) for _ in range(200)]
    rounds = race(2, lambda _racer, number: claim(lots[number].pk, D(25)), rounds=200)
    assert len(rounds) == 200
    for outcomes in rounds:
        assert sorted(outcome.won for outcome in outcomes) == [False, True]
        [lost] = [outcome.error for outcome in outcomes if not outcome.won]
        assert type(lost) is AlreadyClaimed
        assert "free 0 kg, asked 25 kg, short 25 kg" in str(lost)
    assert set(map(quantities, lots)) == {(D(25), D(25), D(25))}
    assert Hold.objects.count() == 200
    assert_sound()


def test_without_a_lock_the_database_still_lets_one_win():
    lots = [make_lot(quantity=D(25)) for _ in range(50)]
    rounds = race(2, lambda _racer, number: claim_without_lock(lots[number].pk, D(25)), rounds=50)
    for outcomes in rounds:
        assert sorted(outcome.won for outcome in outcomes) == [False, True]
        [lost] = [outcome.error for outcome in outcomes if not outcome.won]
        assert isinstance(lost, DatabaseError)
        assert constraint_name(lost) == "lot_claims_within_quantity_on_hand"
    assert set(map(quantities, lots)) == {(D(25), D(25), D(25))}


def test_eight_connections_on_one_lot_200_rounds_never_over_claimed():
    """Each time eight ask for 3 of the 10 that are free: three get them, and give them back.

    The race's barrier parts three phases: all ask, all look, the winners give back.
    """
    lot = make_lot(quantity=D(10))
    held: dict[int, uuid.UUID] = {}

    def act(racer, number):
        phase = number % 3
        if phase == 0:
            kind = (HoldKind.PLEDGE, HoldKind.MORTGAGE)[number % 2]
            held[racer] = claim(lot.pk, D(3), kind=kind).reference
        elif phase == 2 and racer in held:
            with transaction.atomic():
                reduce_hold(reference=held.pop(racer), quantity=D(3), now=NOW)
        return quantities(lot)

    rounds = race(8, act, rounds=600)
    for number, (asked, looked, gave_back) in enumerate(
        zip(rounds[::3], rounds[1::3], rounds[2::3], strict=True)
    ):
        assert sum(outcome.won for outcome in asked) == 3
        refused = [outcome.error for outcome in asked if not outcome.won]
        assert {type(error) for error in refused} == {AlreadyClaimed}
        pledged = 9 if number % 2 == 0 else 0
        assert {outcome.result for outcome in looked} == {(D(10), D(9), D(pledged))}
        assert all(outcome.won for outcome in gave_back)
    assert quantities(lot) == (10, 0, 0)
    assert Hold.objects.filter(quantity=0, lifted_at=NOW).count() == Hold.objects.count() == 600
    assert_sound()


def test_goods_are_shipped_or_claimed_not_both():
    lots = [make_lot(quantity=D(10)) for _ in range(50)]

    def act(racer, number):
        lot = lots[number]
        if racer == 0:
            return claim(lot.pk, D(10))
        return ship_goods(lot=lot, quantity=D(10), **told(lot.site.operator, f"S-{number}"))

    for number, (claimed, shipped) in enumerate(race(2, act, rounds=50)):
        assert claimed.won != shipped.won
        assert isinstance((claimed if shipped.won else shipped).error, NotFree)
        expected = (10, 10, 10) if claimed.won else (0, 0, 0)
        assert quantities(lots[number]) == expected
    assert_sound()


def test_one_report_on_eight_connections_is_one_act_with_one_answer():
    item, site = make_item(), make_site()

    def act(_racer, number):
        return receive_goods(
            site=site,
            item=item,
            owner=item.owner,
            lot_number=f"L-{number}",
            quantity=D(5),
            **told(site.operator, f"GRN-{number}"),
        )

    for outcomes in race(8, act, rounds=25):
        assert len({outcome.result.pk for outcome in outcomes}) == 1
        assert {outcome.result.on_hand for outcome in outcomes} == {D(5)}
    assert StockAct.objects.count() == Lot.objects.count() == 25
    assert_sound()


def test_one_reference_with_two_contents_one_is_refused():
    item, site = make_item(), make_site()

    def act(racer, number):
        return receive_goods(
            site=site,
            item=item,
            owner=item.owner,
            lot_number=f"L-{number}",
            quantity=D(racer + 1),
            **told(site.operator, f"GRN-{number}"),
        )

    for outcomes in race(2, act, rounds=50):
        errors = [outcome.error for outcome in outcomes if not outcome.won]
        assert [type(error) for error in errors] == [ReferenceReused]
    assert StockAct.objects.count() == 50
    assert_sound()


def test_two_receipts_open_one_lot_together():
    item, site = make_item(), make_site()

    def act(racer, number):
        return receive_goods(
            site=site,
            item=item,
            owner=item.owner,
            lot_number=("cu {}", "CU-{}")[racer].format(number),
            quantity=D(5),
            **told(site.operator, f"GRN-{racer}-{number}"),
        )

    for one, two in race(2, act, rounds=50):
        assert one.result.pk == two.result.pk
    assert set(Lot.objects.values_list("on_hand")) == {(D(10),)}
    assert Lot.objects.count() == 50
    assert_sound()


def test_goods_moved_to_and_fro_at_once_do_not_deadlock():
    item, here, there = make_item(), make_site(), make_site()
    lots = [make_lot(item=item, site=site, quantity=D(100), number="L") for site in (here, there)]
    sites = (there, here)

    def act(racer, number):
        way = racer % 2
        report = told(sites[way].operator, f"M-{racer}-{number}")
        return move_goods(lot=lots[way], to_site=sites[way], quantity=D(1), **report)

    for outcomes in race(4, act, rounds=50):
        assert all(outcome.won for outcome in outcomes), outcomes
    assert [quantities(lot) for lot in lots] == [(100, 0, 0), (100, 0, 0)]
    assert_sound()

"""Conversions of the same goods or debt at the same instant: one wins, nothing is lost or doubled.

Each round of a race is two real connections; every invariant of every room is proved at the end.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from factoring.models import Collection, CreditNote, Receivable
from factoring.refusals import MoreThanOutstanding
from logistics.models import Lot, Shipment
from logistics.refusals import AlreadyClaimed, CountBelowClaims, DocumentTaken, NotFree
from pledges.invariants import INVARIANTS
from pledges.models import Conversion, Position
from pledges.services.conversion import NotEnoughLeft, Take
from pledges.services.cover import Requirement
from pledges.services.order_claims import deliver, revoke
from pledges.services.reversal import AlreadyReversed, LaterConversionFirst
from pledges.services.transit import Unloaded
from tests.concurrency.racing import race, rounds
from tests.factories.factoring import (
    PHONE_PRICE,
    SOLD_ON,
    collect_amount,
    make_entry,
    make_sale_desk,
    return_phones,
    sell_phones,
)
from tests.factories.lending import make_facility
from tests.factories.parties import make_lender_team
from tests.factories.pledges import EVIDENCE, Vault, make_product, make_vault
from tests.factories.transit import count, load, make_vehicle, undo, unload
from tests.proofs import breaches

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = rounds(8)


@pytest.fixture
def vault() -> Vault:
    return make_vault()


def errors_of(played):
    return [outcome.error for outcomes in played for outcome in outcomes if not outcome.won]


def kinds(*names):
    return [Conversion.objects.filter(kind=name).count() for name in names]


def test_a_return_and_a_collection_of_the_last_of_a_debt_one_wins():
    """Ten phones are outstanding each time: they come back, or they are paid."""
    shop = make_sale_desk()
    debts = [sell_phones(shop, quantity=Decimal(10)) for _ in range(ROUNDS)]
    make_entry(shop, Decimal(1))  # the account is known before the race

    def act(racer: int, number: int) -> object:
        debt = Receivable.objects.get(pk=debts[number].pk)
        if racer:
            return return_phones(shop, debt, 10)
        return collect_amount(shop, debt, 10 * PHONE_PRICE, on=SOLD_ON)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} == {MoreThanOutstanding}
    assert len(errors) == ROUNDS
    assert CreditNote.objects.count() + Collection.objects.count() == ROUNDS
    assert breaches() == {}


def test_a_production_and_a_pledge_of_the_same_material_one_wins(vault):
    """Ten kilograms at the factory each time: they become a product, or enter the warehouse."""
    product = make_product(vault.goods.alpha, per_piece=Decimal(10), loss=Decimal(0), code="alpha")
    material = [vault.mortgage(10) for _ in range(ROUNDS)]

    def act(racer: int, number: int) -> object:
        take = Take(material[number].pk, Decimal(10))
        if racer:
            return vault.assemble([take], product=product, quantity=1)
        return vault.bring_in(take)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} == {NotEnoughLeft}
    assert len(errors) == ROUNDS
    assert sum(kinds("transform", "pledge")) == ROUNDS
    assert vault.cover().market_value == ROUNDS * 5_000
    assert [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()] == []


def test_two_deliveries_and_a_return_of_one_payment_one_wins(vault):
    """What was paid in advance is delivered by one of two reports, or the bank sends it back."""
    claims = [vault.prepay(1_000) for _ in range(ROUNDS)]
    lots = [[vault.lot(10, site=vault.factory) for _ in range(2)] for _ in range(ROUNDS)]

    def act(racer: int, number: int) -> object:
        take = Take(claims[number].pk, Decimal(1_000))
        if racer == 2:
            with vault.act(cause="revoke", requirement=Requirement.NONE) as open_act:
                return revoke(act=open_act, claim=take, label="sent back", evidence=EVIDENCE)
        with vault.act(cause="deliver") as open_act:
            goods = [(lots[number][racer], Decimal(10))]
            return deliver(act=open_act, claims=[take], lots=goods, evidence=EVIDENCE)

    errors = errors_of(race(3, act, rounds=ROUNDS))
    assert {type(error) for error in errors} == {NotEnoughLeft}
    assert len(errors) == 2 * ROUNDS
    delivered, revoked = kinds("deliver", "revoke")
    assert delivered + revoked == ROUNDS
    assert Lot.objects.filter(claimed=10).count() == delivered
    assert [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()] == []


def test_a_loading_and_a_release_of_the_same_goods_one_wins(vault):
    goods = [vault.pledge(10) for _ in range(ROUNDS)]
    vehicle = make_vehicle()

    def act(racer: int, number: int) -> object:
        take = Take(goods[number].pk, Decimal(10))
        return load(vault, take, vehicle=vehicle) if racer else vault.release(take)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} == {NotEnoughLeft}
    assert len(errors) == ROUNDS
    assert sum(kinds("ship", "release")) == ROUNDS
    assert breaches() == {}


def test_two_arrivals_of_the_same_goods_one_wins(vault):
    moving = [load(vault, Take(vault.pledge(10).pk, Decimal(10)))[1][0] for _ in range(ROUNDS)]
    errors = errors_of(
        race(2, lambda _r, n: unload(vault, Unloaded(moving[n].pk, Decimal(10))), rounds=ROUNDS)
    )
    assert {type(error) for error in errors} == {NotEnoughLeft}
    assert kinds("arrive") == [ROUNDS]
    assert set(Shipment.objects.values_list("state", flat=True)) == {"ended"}
    assert breaches() == {}


def test_one_bill_of_lading_for_two_loadings_one_wins(vault):
    first, second = vault.pledge(100), vault.pledge(100)
    vehicle = make_vehicle()

    def act(racer: int, number: int) -> object:
        goods = (first, second)[racer]
        bill = (f"BL-{number}", f"bl {number}")[racer]
        return load(vault, Take(goods.pk, Decimal(1)), vehicle=vehicle, bill_number=bill)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} == {DocumentTaken}
    assert Shipment.objects.count() == len(errors) == ROUNDS
    assert breaches() == {}


def test_two_reversals_at_once_reverse_once(vault):
    position = vault.pledge(100)
    for _ in range(ROUNDS):
        vault.release(Take(position.pk, Decimal(1)))
    mistakes = list(Conversion.objects.filter(kind="release"))
    errors = errors_of(race(2, lambda _r, n: undo(vault, mistakes[n]), rounds=ROUNDS))
    assert {type(error) for error in errors} == {AlreadyReversed}
    assert kinds("reverse") == [len(errors)] == [ROUNDS]
    assert vault.cover().market_value == 50_000
    assert breaches() == {}


def test_a_reversal_and_what_follows_the_conversion_one_wins(vault):
    """A loading is reversed while its goods arrive: they are here, or there."""
    moving = [load(vault, Take(vault.pledge(10).pk, Decimal(10)))[1][0] for _ in range(ROUNDS)]
    loadings = [one.legs.get(direction="produced").conversion for one in moving]

    def act(racer: int, number: int) -> object:
        if racer:
            return undo(vault, loadings[number])
        return unload(vault, Unloaded(moving[number].pk, Decimal(10)))

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} <= {LaterConversionFirst, NotEnoughLeft}
    assert len(errors) == ROUNDS
    assert sum(kinds("arrive", "reverse")) == ROUNDS
    assert breaches() == {}


def test_a_reversed_release_and_another_lenders_pledge_one_wins(vault):
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    rival = replace(vault, desk=replace(vault.desk, team=team, facility=facility))
    goods = [vault.pledge(10) for _ in range(ROUNDS)]
    for one in goods:
        vault.release(Take(one.pk, Decimal(10)))
    mistakes = {one.pk: Conversion.objects.get(kind="release", legs__position=one) for one in goods}

    def act(racer: int, number: int) -> object:
        one = goods[number]
        if racer:
            return undo(vault, mistakes[one.pk])
        return rival.pledge_lot(Lot.objects.get(pk=one.lot_id), 10)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} <= {AlreadyClaimed, NotFree}
    assert len(errors) == ROUNDS
    assert breaches() == {}


def test_a_count_and_a_release_of_the_same_lot_lose_nothing_twice(vault):
    """Two lenders claim half a lot each; half of it burns while one half is released."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    rival = replace(vault, desk=replace(vault.desk, team=team, facility=facility))
    lots = [vault.lot(20) for _ in range(ROUNDS)]
    held = [(vault.pledge_lot(lot, 10), rival.pledge_lot(lot, 10)) for lot in lots]

    def act(racer: int, number: int) -> object:
        if racer:
            return vault.release(Take(held[number][0].pk, Decimal(10)))
        return count(Lot.objects.select_related("site__operator").get(pk=lots[number].pk), 10)

    errors = errors_of(race(2, act, rounds=ROUNDS))
    assert {type(error) for error in errors} <= {NotEnoughLeft, CountBelowClaims}
    lost = Position.objects.filter(right="written_off")
    assert {one.quantity for one in lost} <= {Decimal(5), Decimal(10)}
    assert breaches() == {}

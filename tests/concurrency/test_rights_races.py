"""Claims, ticks and draws on several connections: one winner, never uncovered in silence."""

import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from lending.models import Loan
from logistics.models import Lot
from logistics.refusals import AlreadyClaimed, NotFree
from logistics.services.stock import Received, receive_delivery
from pledges.invariants import (
    CALLED_MEANS_CALL_OPEN,
    HISTORY_ENDS_IN_THE_PRESENT,
    INVARIANTS,
    NEVER_UNCOVERED_IN_SILENCE,
    POOL_LINES_EQUAL_POSITIONS,
)
from pledges.models import Conversion, MarginCall, Position
from pledges.services.conversion import NotEnoughLeft, Take
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.margin_calls import escalate_expired
from pledges.services.sale import sell
from tests.concurrency.racing import race, rounds
from tests.factories.lending import make_drawn_loan, make_facility, make_loan, pay_out, receive
from tests.factories.logistics import unique
from tests.factories.parties import NOW, SYSTEM, make_carrier, make_lender_team
from tests.factories.pledges import EVIDENCE, Vault, make_vault
from tests.factories.risk import make_tick, noon

pytestmark = pytest.mark.django_db(transaction=True)

WED = date(2016, 3, 2)
AT = {"on": WED, "now": noon(WED)}


@pytest.fixture
def vault() -> Vault:
    return make_vault()


def rival_of(vault: Vault) -> Vault:
    """Return another lender's facility for the same borrower, on the same goods."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    return replace(vault, desk=replace(vault.desk, team=team, facility=facility))


def many_lots(vault: Vault, count: int, quantity: int) -> list[Lot]:
    """Return lots that came in one delivery."""
    return receive_delivery(
        site=vault.warehouse,
        lines=[
            Received(item=vault.goods.alpha, lot_number=unique("LOT"), quantity=Decimal(quantity))
            for _ in range(count)
        ],
        owner=vault.desk.borrower,
        source=vault.warehouse.operator,
        reference=unique("GRN"),
        occurred_at=NOW,
        actor=SYSTEM,
        now=NOW,
    )


def errors_of(played):
    return [outcome.error for outcomes in played for outcome in outcomes if not outcome.won]


def breaches(rules=INVARIANTS):
    return [(rule.name, row) for rule in rules for row in rule.breaches()]


def test_one_lot_and_two_lenders_200_rounds_one_wins_always(vault):
    lots = many_lots(vault, rounds(200), 10)
    lenders = [vault, rival_of(vault)]
    played = race(2, lambda racer, n: lenders[racer].pledge_lot(lots[n]), rounds=len(lots))
    for outcomes in played:
        [lost] = [outcome.error for outcome in outcomes if not outcome.won]
        assert isinstance(lost, AlreadyClaimed)
    held = Lot.objects.filter(pk__in=[lot.pk for lot in lots])
    assert {(lot.claimed, lot.held) for lot in held} == {(10, 10)}
    assert Position.objects.count() == len(lots)
    assert breaches() == []


def test_parts_of_one_lot_never_add_up_to_more_than_the_lot(vault):
    lot = vault.lot(60)
    lenders = [vault, rival_of(vault)]
    played = race(4, lambda racer, _n: lenders[racer % 2].pledge_lot(lot, 1), rounds=20)
    assert {type(error) for error in errors_of(played)} <= {AlreadyClaimed, NotFree}
    assert len(errors_of(played)) == 80 - 60
    lot.refresh_from_db()
    assert (lot.claimed, lot.held) == (60, 60)
    assert breaches() == []


def test_releases_at_once_stop_exactly_at_the_release_level():
    """A tenth of the goods may go: of 1,000 kg that lend 250,000, if 202,500 are owed."""
    times = rounds(75)
    allowed = times * 4 // 3
    vault = make_vault(limit=Decimal(10_000_000))
    position = vault.pledge(10 * allowed)
    make_drawn_loan(vault.desk, principal=Decimal(2_025 * allowed))
    played = race(2, lambda _r, _n: vault.release(Take(position.pk, Decimal(1))), rounds=times)
    errors = errors_of(played)
    assert {type(error) for error in errors} == {BelowReleaseLevel}
    assert len(errors) == 2 * times - allowed
    position.refresh_from_db()
    assert position.remaining == 9 * allowed
    assert breaches() == []


def test_the_last_goods_are_released_once(vault):
    goods = [vault.pledge_lot(lot) for lot in many_lots(vault, rounds(20), 5)]
    played = race(2, lambda _r, n: vault.release(Take(goods[n].pk, Decimal(5))), rounds=len(goods))
    assert {type(error) for error in errors_of(played)} == {NotEnoughLeft}
    assert len(errors_of(played)) == len(goods)
    assert Conversion.objects.filter(kind="release").count() == len(goods)


def test_draws_at_once_stop_exactly_at_the_lending_value(vault):
    """A kilogram lends 250: as many draws of 250 as there are kilograms, whoever makes them."""
    times = rounds(75)
    allowed = times * 4 // 3
    vault.pledge(allowed)
    loans = [make_loan(vault.desk, principal=Decimal(300 * allowed)) for _ in range(2)]

    def draw(racer: int, _number: int) -> None:
        with transaction.atomic():
            pay_out(vault.desk, Loan.objects.get(pk=loans[racer].pk), Decimal(250))

    played = race(2, draw, rounds=times)
    errors = errors_of(played)
    assert {type(error) for error in errors} == {WouldUncover}
    assert len(errors) == 2 * times - allowed
    assert vault.desk.fresh().exposure == vault.cover().lending_value == 250 * allowed
    assert breaches() == []


def test_a_swap_and_a_sale_of_the_same_goods_one_wins(vault):
    goods = [vault.pledge_lot(lot) for lot in many_lots(vault, rounds(60), 10)]
    beta, carrier = vault.lot(10 * len(goods), vault.goods.beta), make_carrier()

    def act(racer: int, number: int) -> None:
        give = Take(goods[number].pk, Decimal(10))
        if racer:
            vault.swap([give], [(beta, Decimal(10))])
            return
        with vault.act(cause="sell") as open_act:
            sell(
                act=open_act,
                goods=[give],
                face=Decimal(6_250),
                advance_rate=Decimal("0.8"),
                label="invoice",
                carrier=carrier,
                shipment_reference=f"CMR-{number}",
                occurred_at=NOW,
                evidence=EVIDENCE,
            )

    played = race(2, act, rounds=len(goods))
    assert {type(error) for error in errors_of(played)} == {NotEnoughLeft}
    assert len(errors_of(played)) == len(goods)
    swaps, sales = (Conversion.objects.filter(kind=kind).count() for kind in ("substitute", "sell"))
    assert swaps + sales == len(goods)
    assert breaches() == []


def test_two_lenders_swapping_lots_crosswise_never_deadlock(vault):
    """Each gives what the other brings: taken as met, the lots' locks would close a circle."""
    rival = rival_of(vault)
    times = rounds(100)
    first, second = vault.lot(10 * times), vault.lot(10 * times)
    given = [vault.pledge_lot(first, 5 * times), rival.pledge_lot(second, 5 * times)]
    brought = [second, first]
    houses = [vault, rival]

    def swap(racer: int, _number: int) -> None:
        houses[racer].swap([Take(given[racer].pk, Decimal(1))], [(brought[racer], Decimal(1))])

    assert errors_of(race(2, swap, rounds=times)) == []
    assert breaches() == []


SILENCE = (
    NEVER_UNCOVERED_IN_SILENCE,
    CALLED_MEANS_CALL_OPEN,
    HISTORY_ENDS_IN_THE_PRESENT,
    POOL_LINES_EQUAL_POSITIONS,
)


def test_a_tick_against_draws_and_releases_never_uncovers_in_silence(vault):
    """Owed 225,000 on a ton of alpha: at 450 fully drawn, at 500 there is room.

    Every other round the price falls while one draws and one releases. Each act is refused, or
    the tick sees what it left behind; the invariants are proved after every round.
    """
    steps = rounds(60)
    position = vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(225_000))
    spare = make_loan(vault.desk, principal=Decimal(1_000 * steps))

    def play(racer: int, number: int) -> list[object]:
        step, phase = divmod(number, 3)
        if phase == 1:  # everybody stands still and one looks
            return breaches(SILENCE) if racer == 0 else []
        if racer == 0:
            price = 450 if phase == 0 else 500
            time.sleep(step % 10 * 0.04)  # so that each side comes first in some rounds
            make_tick({"alpha": price}, on=WED, reference=f"{step} {phase}")
        elif racer == 1 and phase == 0:
            with transaction.atomic():
                pay_out(vault.desk, Loan.objects.get(pk=spare.pk), Decimal(1_000), on=WED)
        elif racer == 1:
            give_back_what_was_drawn(vault)
        elif phase == 0:
            vault.release(Take(position.pk, Decimal(1)), **AT)
        return []

    played = race(3, play, rounds=3 * steps)
    errors = errors_of(played)
    assert {type(error) for error in errors} <= {WouldUncover, BelowReleaseLevel}
    looks = [outcomes[0].result for outcomes in played[1::3]]
    assert looks == [[]] * steps
    assert breaches() == []
    # Both orders have happened: some draws came before their tick, some after it.
    refused = [error for error in errors if isinstance(error, WouldUncover)]
    assert 0 < len(refused) < steps


def give_back_what_was_drawn(vault: Vault) -> None:
    """Repay what is owed beyond 225,000; the interest of the day stays."""
    beyond = vault.desk.fresh().exposure - 225_000
    if beyond >= 1_000:
        receive(vault.desk, Decimal(1_000), on=WED)


def test_ticks_at_once_over_many_facilities_never_deadlock(vault):
    vaults = [vault, *(make_vault(goods=vault.goods) for _ in range(7))]
    for one in vaults:
        one.pledge(100)
        one.pledge(100, vault.goods.beta)
        make_drawn_loan(one.desk, principal=Decimal(37_500))

    def tick(racer: int, number: int) -> None:
        code = ("alpha", "beta")[racer % 2]
        price = {"alpha": (300, 500), "beta": (100, 250)}[code][number % 2]
        make_tick({code: price}, on=WED, reference=f"{racer} {number}")

    assert errors_of(race(4, tick, rounds=30)) == []
    assert breaches() == []


def test_ticks_against_acts_on_many_facilities_never_deadlock(vault):
    """Acts hold a facility and wait for the gate; ticks hold the gate and wait for no facility."""
    vaults = [vault, *(make_vault(goods=vault.goods) for _ in range(3))]
    for one in vaults:
        one.pledge(1_000)
        make_drawn_loan(one.desk, principal=Decimal(200_000))
    lots = {one.facility_id: one.lot(1_000, vault.goods.beta) for one in vaults}

    def play(racer: int, number: int) -> None:
        if racer == 0:
            make_tick({"alpha": (500, 330)[number % 2]}, on=WED, reference=str(number))
        else:
            one = vaults[(racer + number) % len(vaults)]
            one.pledge_lot(lots[one.facility_id], 1, **AT)

    assert errors_of(race(4, play, rounds=60)) == []
    assert breaches() == []


def test_the_clock_against_the_cure_keeps_both_in_the_history(vault):
    """Whoever comes first: the call ends cured, and if it escalated it says so."""
    vault.pledge(1_000)
    make_drawn_loan(vault.desk, principal=Decimal(250_000))
    late = noon(WED) + timedelta(days=30)
    escalated = 0
    for number in range(25):
        make_tick({"alpha": 370}, on=WED, reference=f"fall {number}")
        lot = vault.lot(600)

        def play(racer: int, _number: int, lot: Lot = lot) -> int:
            if racer == 0:
                return escalate_expired(actor=SYSTEM, now=late)
            vault.pledge_lot(lot, **AT)
            return 0

        [[clock, cure]] = race(2, play)
        assert (clock.error, cure.error) == (None, None)
        escalated += clock.result
        give_back(vault, lot, number)
    calls = MarginCall.objects.all()
    assert {call.state for call in calls} == {"cured"}
    assert sum(1 for call in calls if call.escalated_at) == escalated
    assert breaches() == []


def give_back(vault: Vault, lot: Lot, number: int) -> None:
    """Undo a round: the price of before, and the goods of the cure given back."""
    make_tick({"alpha": 1_000}, on=WED, reference=f"rise {number}")
    position = Position.objects.get(lot=lot, right="pledge")
    vault.release(Take(position.pk, position.remaining), **AT)

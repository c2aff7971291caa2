"""Sales, cures and openings at the same instant: one winner, the books and the goods agree."""

from datetime import timedelta
from decimal import Decimal

import pytest

from common.states import TransitionRefused
from lending.models import Facility
from pledges.invariants import INVARIANTS
from pledges.models import Conversion, DisposalCase, Offer, Sale
from pledges.services.disposal.refusals import (
    BidTooEarly,
    CaseNotSelling,
    NothingToRestore,
    SaleProposed,
)
from pledges.states import DisposalTarget
from tests.concurrency.racing import race
from tests.factories.disposal import CLOSES, OPENS, WED, make_enforcement
from tests.factories.lending import receive
from tests.factories.parties import make_buyer
from tests.factories.risk import noon

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def field():
    return make_enforcement()


def breaches():
    return [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()]


def test_a_lot_is_sold_once_whoever_accepts_it(field):
    case = field.case()
    sales = [field.propose(field.offer(field.put_up(case, 10), 1_000)) for _ in range(5)]
    rounds = race(3, lambda _racer, n: field.accept(sales[n]), rounds=5)
    for outcomes in rounds:
        lost = [outcome.error for outcome in outcomes if not outcome.won]
        assert [type(error) for error in lost] == [TransitionRefused] * 2
    assert Conversion.objects.filter(kind="enforce").count() == 5
    field.goods.refresh_from_db()
    assert field.goods.remaining == 50
    assert breaches() == []


def test_one_sale_of_a_lot_is_proposed(field):
    lot = field.put_up(field.case(), 100)
    offers = [field.offer(lot, 9_000), field.offer(lot, 9_500)]
    [outcomes] = race(2, lambda racer, _n: field.propose(offers[racer]))
    [lost] = [outcome.error for outcome in outcomes if not outcome.won]
    assert isinstance(lost, SaleProposed)
    assert Sale.objects.filter(state="proposed").count() == 1


def test_a_sale_and_a_cure_at_once_never_sell_what_is_cured(field):
    """10,000 in cash cure; whichever comes first, the other finds the cover as it then stands."""
    case = field.case(DisposalTarget.RESTORE)
    sale = field.propose(field.offer(field.put_up(case, "66.667"), "20000.10"))

    def act(racer: int, _number: int) -> object:
        if racer:
            return receive(field.vault.desk, Decimal(10_000), on=field.on)
        return field.accept(sale)

    [outcomes] = race(2, act)
    assert outcomes[1].won
    field.goods.refresh_from_db()
    if outcomes[0].won:
        assert field.goods.remaining == Decimal("33.333")
        assert field.facility.exposure == 0
    else:
        assert isinstance(outcomes[0].error, NothingToRestore)
        assert field.goods.remaining == 100
        assert field.facility.exposure == 15_000
    assert breaches() == []


def test_the_last_sale_settles_and_the_next_finds_nothing_owed(field):
    """Two lots that each pay everything: one is sold, the case settles, the other stays."""
    make = field.vault.pledge(200, now=field.now)
    case = field.case()
    first = field.propose(field.offer(field.put_up(case, 100), 25_000))
    field.goods = make
    second = field.propose(field.offer(field.put_up(case, 200), 25_000))
    [outcomes] = race(2, lambda racer, _n: field.accept([first, second][racer]))
    [lost] = [outcome.error for outcome in outcomes if not outcome.won]
    assert isinstance(lost, CaseNotSelling | TransitionRefused)
    assert (DisposalCase.objects.get().state, field.facility.exposure) == ("settled", 0)
    assert breaches() == []


def test_bids_opened_at_the_opening_instant_and_just_before(field):
    field.on = WED + timedelta(days=1)
    lot = field.put_up(field.case(), 100, opens_at=OPENS, closes_at=CLOSES)
    buyers = [make_buyer() for _ in range(4)]
    offers = [
        field.bid(lot, 20_000 + place, bidder=buyer, now=noon(field.on))
        for place, buyer in enumerate(buyers)
    ]
    early = timedelta(microseconds=1)

    def reveal(racer: int, _number: int) -> Offer:
        at = OPENS - early if racer % 2 else OPENS
        return field.reveal(offers[racer], 20_000 + racer, at=at)

    [outcomes] = race(4, reveal)
    assert [outcome.won for outcome in outcomes] == [True, False, True, False]
    assert {type(outcome.error) for outcome in outcomes if not outcome.won} == {BidTooEarly}
    assert Offer.objects.filter(amount__isnull=True).count() == 2
    assert Facility.objects.get().state == "defaulted"
    assert breaches() == []

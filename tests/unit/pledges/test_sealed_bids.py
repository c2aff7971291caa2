"""Auctions: sealed until the opening, opened as committed, the highest from the reserve on."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from pledges.models import Offer, Sale
from pledges.services.disposal.refusals import (
    BelowReserve,
    BidDoesNotMatch,
    BidTaken,
    BidTooEarly,
    BidTooLate,
    NotTheBest,
    ReserveNotPossible,
)
from pledges.services.disposal.seal_bid import place_bid
from tests.factories.disposal import CLOSES, OPENS, WED, make_enforcement
from tests.factories.parties import make_buyer
from tests.factories.risk import noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
MOMENT = timedelta(microseconds=1)
EARLY = noon(WED) + timedelta(days=1)
SOON = timedelta(minutes=1)


@pytest.fixture
def field():
    made = make_enforcement()
    made.on = EARLY.date()
    return made


@pytest.fixture
def lot(field):
    return field.put_up(field.case(), 100, reserve=20_000, opens_at=OPENS, closes_at=CLOSES)


@pytest.fixture
def buyers(db):
    return [make_buyer() for _ in range(3)]


def test_nobody_can_read_a_bid_before_the_opening(field, lot, buyers):
    offer = field.bid(lot, 24_000, bidder=buyers[0])
    offer.refresh_from_db()
    assert (offer.amount, offer.nonce, offer.revealed_at) == (None, "", None)
    with refusal(BidTooEarly):
        field.reveal(offer, 24_000, at=OPENS - MOMENT)
    assert field.reveal(offer, 24_000, at=OPENS).amount == 24_000


def test_a_bid_comes_before_the_opening_and_once(field, lot, buyers):
    field.bid(lot, 24_000, bidder=buyers[0], now=OPENS - MOMENT)
    with refusal(BidTaken):
        field.bid(lot, 25_000, bidder=buyers[0], now=OPENS - MOMENT)
    with refusal(BidTooLate):
        field.bid(lot, 25_000, bidder=buyers[1], now=OPENS)


def test_a_late_or_different_bid_is_not_opened(field, lot, buyers):
    offer = field.bid(lot, 24_000, bidder=buyers[0])
    for amount, nonce in ((24_001, "salt"), (24_000, "pepper"), (24_000, "")):
        with refusal(BidDoesNotMatch):
            field.reveal(offer, amount, at=OPENS, nonce=nonce)
    with refusal(BidTooLate):
        field.reveal(offer, 24_000, at=CLOSES)
    field.reveal(offer, 24_000, at=CLOSES - MOMENT)


def test_anothers_envelope_opens_for_nobody_else(field, lot, buyers):
    first = field.bid(lot, 24_000, bidder=buyers[0])
    copied = place_bid(
        lot=lot,
        channel=field.channels["auction"],
        bidder=buyers[1],
        commitment=first.commitment,
        binding_until=field.now + timedelta(days=9),
        actor=field.team.operations,
        **field.at,
    )
    with refusal(BidDoesNotMatch):
        field.reveal(copied, 24_000, at=OPENS)


def test_the_highest_opened_bid_wins_after_the_closing(field, lot, buyers):
    amounts = (21_000, 24_000, 30_000)
    offers = [
        field.bid(lot, amount, bidder=buyer) for amount, buyer in zip(amounts, buyers, strict=True)
    ]
    for offer, amount in zip(offers[:2], amounts, strict=False):
        field.reveal(offer, amount, at=OPENS)
    field.on = CLOSES.date()
    with refusal(BidTooEarly):
        field.propose(offers[1], now=CLOSES - MOMENT)
    with refusal(NotTheBest):
        field.propose(offers[0], now=CLOSES)
    with refusal(BelowReserve):  # the highest of all was never opened
        field.propose(offers[2], now=CLOSES)
    sale = field.accept(field.propose(offers[1], now=CLOSES), now=CLOSES)
    assert (sale.price, sale.second, sale.buyer_id) == (24_000, 21_000, buyers[1].pk)


def test_of_two_alike_the_earlier_wins(field, lot, buyers):
    second = field.bid(lot, 24_000, bidder=buyers[1], now=EARLY + SOON)
    first = field.bid(lot, 24_000, bidder=buyers[0], now=EARLY)
    for offer in (second, first):
        field.reveal(offer, 24_000, at=OPENS)
    field.on = CLOSES.date()
    with refusal(NotTheBest):
        field.propose(second, now=CLOSES)
    assert field.propose(first, now=CLOSES).second == 24_000


def test_below_the_reserve_there_is_no_sale(field, lot, buyers):
    offer = field.bid(lot, "19999.99", bidder=buyers[0])
    field.reveal(offer, "19999.99", at=OPENS)
    field.on = CLOSES.date()
    with refusal(BelowReserve) as caught:
        field.propose(offer, now=CLOSES)
    assert caught[0].numbers["short"] == Decimal("0.01")
    assert not Sale.objects.exists()


def test_an_auction_opens_later_and_closes_after_that(field):
    case = field.case()
    for times in (
        {"opens_at": field.now, "closes_at": CLOSES},
        {"opens_at": OPENS, "closes_at": OPENS},
        {"opens_at": OPENS},
    ):
        with refusal(ReserveNotPossible):
            field.put_up(case, 100, **times)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount": 24_000}, "offer_sealed_until_it_is_opened"),
        (
            {"amount": 24_000, "nonce": "salt", "revealed_at": OPENS - MOMENT},
            "offer_opens_as_committed",
        ),
        (
            {"amount": 24_001, "nonce": "salt", "revealed_at": OPENS},
            "offer_opens_as_committed",
        ),
        ({"commitment": "0" * 64}, "offer_columns_frozen"),
    ],
)
def test_the_database_opens_no_bid_early_or_otherwise(field, lot, buyers, changes, constraint):
    offer = field.bid(lot, 24_000, bidder=buyers[0])
    rows = Offer.objects.filter(pk=offer.pk)
    with pytest.raises(IntegrityError) as info, transaction.atomic():
        rows.update(**changes)
    assert info.value.__cause__.diag.constraint_name == constraint
    rows.update(amount=24_000, nonce="salt", revealed_at=OPENS)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rows.update(amount=25_000)

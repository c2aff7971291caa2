from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from factoring.models import Collection
from pledges.states import ConversionKind
from portal.boards.receivables import applied_in_words
from portal.words import (
    Act,
    Part,
    cause_in_words,
    cover_change,
    evidence_in_words,
    moves_in_words,
    reason_in_words,
    tell,
)

D = Decimal


def goods(thing, quantity, unit="KGM", place="Warehouse A", right="pledge"):
    return Part(right, thing, place, D(quantity), unit, is_money=False)


def money(thing, amount, right="order_claim"):
    return Part(right, thing, "", D(amount), "USD", is_money=True)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (
            Act("deliver", [money("PO-1043", 900)], [goods("copper foil", "12400")]),
            "Warehouse A received 12,400 kg copper foil from PO-1043",
        ),
        (
            Act("prepay", [], [money("PO-1043", "345600")]),
            "345,600.00 USD paid in advance: a claim on PO-1043",
        ),
        (
            Act(
                "transform",
                [goods("copper foil", 2), goods("copper foil", 3), goods("gold wire", 1)],
                [goods("phones", 40, "C62", "Plant")],
            ),
            "Plant made 40 pcs phones out of 5 kg copper foil, 1 kg gold wire",
        ),
        (
            Act("pledge", [goods("phones", 40, "C62", "Plant")], [goods("phones", 40, "C62")]),
            "Warehouse A took in 40 pcs phones and holds them for the lender",
        ),
        (
            Act(
                "substitute",
                [goods("copper foil", 24)],
                [goods("phones", 9, "C62"), goods("copper foil", 24, right="released")],
            ),
            "9 pcs phones took the place of 24 kg copper foil",
        ),
        (
            Act("release", [goods("phones", 4, "C62")], [goods("phones", 4, "C62")]),
            "4 pcs phones given back to the borrower from Warehouse A",
        ),
        (
            Act("sell", [goods("phones", 8, "C62")], [money("INV-7", 1344, "receivable")]),
            "8 pcs phones sold: 1,344.00 USD owed on INV-7",
        ),
        (
            Act("collect", [money("INV-7", 1344, "receivable")], [money("x", 1344, "proceeds")]),
            "1,344.00 USD paid in on INV-7",
        ),
        (
            Act("apply", [money("x", 1000, "proceeds")], [money("x", 1000, "repaid")]),
            "1,000.00 USD of the proceeds repaid the loans",
        ),
        (
            Act("apply", [money("x", 344, "proceeds")], [money("x", 344, "released")]),
            "344.00 USD of the proceeds went to the borrower",
        ),
        (
            Act("revoke", [money("PO-9", 10)], [money("PO-9", 10, "released")]),
            "The payment came back: the claim on PO-9 ended",
        ),
        (
            Act("attach", [], [goods("copper foil", 5, right="floating_mortgage")]),
            "5 kg copper foil came under the floating mortgage as Warehouse A received them",
        ),
        (
            Act("crystallise", [goods("copper foil", 5)], [goods("copper foil", 5)]),
            "The mortgage crystallised: Warehouse A holds 5 kg copper foil for the lender",
        ),
        (
            Act("ship", [goods("phones", 5, "C62")], [goods("phones", 5, "C62", "Truck")]),
            "5 pcs phones left Warehouse A; the carrier holds them for the lender",
        ),
        (
            Act("arrive", [goods("phones", 5, "C62", "Truck")], [goods("phones", 5, "C62")]),
            "5 pcs phones arrived at Warehouse A, which holds them for the lender",
        ),
        (
            Act("outflow", [goods("copper foil", 5)], [goods("copper foil", 5)]),
            "5 kg copper foil left Warehouse A in the ordinary course",
        ),
        (
            Act("lose", [goods("copper foil", 5)], [goods("copper foil", 5)]),
            "5 kg copper foil were lost at Warehouse A",
        ),
        (
            Act("return", [money("INV-7", 84, "receivable")], [goods("phones", 500, "C62")]),
            "500 pcs phones came back: 84.00 USD less is owed on INV-7",
        ),
        (
            Act(
                "enforce",
                [goods("phones", 5, "C62")],
                [goods("phones", 5, "C62", right="realised"), money("sale", 700, "proceeds")],
            ),
            "5 pcs phones sold in enforcement for 700.00 USD",
        ),
        (
            Act("enforce", [goods("phones", 5, "C62")], [goods("phones", 5, right="written_off")]),
            "5 pcs phones written off in enforcement",
        ),
        (
            Act("reverse", [goods("phones", 5, "C62")], [money("INV-7", 84, "receivable")]),
            "A mistake put right: 5 pcs phones became INV-7 again",
        ),
    ],
)
def test_every_conversion_is_told_in_a_sentence(act, sentence):
    assert tell(act) == sentence


@pytest.mark.parametrize("kind", ConversionKind.values)
def test_no_kind_of_conversion_is_without_words_in_either_language(kind):
    act = Act(kind, [goods("copper foil", 1)], [goods("copper foil", 1)])
    with translation.override("zh-hans"):
        chinese = tell(act)
    assert chinese != tell(act)


def test_cover_is_told_before_and_after():
    assert cover_change(before=(D(100), D(118)), after=(D(100), D(131))) == "cover 1.18 → 1.31"
    assert cover_change(before=(D(0), D(0)), after=(D(0), D(5))) == "nothing owed"


def test_ticks_tell_which_prices_and_rates_moved():
    detail = {
        "moves": {
            "copper": {
                "price": "3.317",
                "price_before": "3.449",
                "rate": "0.8467",
                "rate_before": "0.8683",
            },
            "gold": {"price": "1", "price_before": "1", "rate": "0.9", "rate_before": "0.9"},
        }
    }
    told = moves_in_words(detail, {"copper": "Copper"})
    assert told == "Copper −3.8 % · pledge rate −216 bp"
    assert moves_in_words({}, {}) == ""


def test_evidence_and_causes_fall_back_to_their_own_name():
    assert evidence_in_words({"kind": "release_order", "reference": "RO-1"}) == "Release order RO-1"
    assert evidence_in_words({"kind": "new_kind"}) == "new kind"
    assert cause_in_words("tick") == "Prices or rates moved"
    assert cause_in_words("sell") == "Sold"
    assert cause_in_words("odd") == "odd"
    assert reason_in_words("stale_price") == "its price is stale"
    assert reason_in_words("odd") == "odd"


def test_money_matched_by_mistake_does_not_wait_in_the_account():
    taken_back = Collection(taken_back_at=datetime(2016, 5, 30, tzinfo=UTC))
    assert applied_in_words(taken_back) == "Taken back"
    assert applied_in_words(Collection()) == "waits in the controlled account"

"""Each promise about disposals finds the row that breaks it, on rows changed behind the guards."""

from datetime import timedelta

import pytest
from django.db import connection

from pledges.disposal_invariants import DISPOSAL_INVARIANTS
from pledges.models import Offer
from pledges.services.disposal.settle_case import pay_surplus, request_surplus
from tests.factories.disposal import CLOSES, OPENS, WED, make_enforcement
from tests.factories.parties import make_buyer
from tests.factories.risk import noon
from tests.unit.pledges.test_invariants import breaches, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.tampers]

DAMAGE = {
    "UPDATE pledges_sale SET price = price + 1": "proceeds_of_a_sale_equal_its_price",
    "UPDATE ledger_posting SET amount = amount + 1 WHERE entry_id = (SELECT id FROM ledger_entry"
    " WHERE kind = 'disposal_price')": "proceeds_of_a_sale_equal_its_price",
    "UPDATE pledges_disposalitem SET quantity = quantity - 1": "sold_is_what_was_realised",
    "UPDATE pledges_position SET parent_id = NULL WHERE \"right\" = 'realised'": (
        "sold_is_what_was_realised"
    ),
    "UPDATE pledges_disposallot SET reserve = 40000": "no_sale_below_reserve",
    "UPDATE pledges_disposallot SET state = 'offered'": "lots_follow_their_sales",
    "UPDATE pledges_sale SET state = 'refused'": "lots_follow_their_sales",
    "UPDATE pledges_disposalcase SET state = 'selling', deficit = NULL, ended_at = NULL;"
    " UPDATE lending_facility SET state = 'active'": "cases_run_in_default",
    "UPDATE pledges_surplus SET amount = amount + 1": "surplus_is_what_was_given_back",
}


@pytest.fixture
def sold():
    """A lot sold for more than the debt, its surplus given back."""
    field = make_enforcement()
    case = field.case()
    field.sell(field.put_up(case, 100, reserve=20_000), 27_000, 300)
    surplus = request_surplus(case=case, actor=field.team.preparer, **field.at)
    pay_surplus(surplus=surplus, bank_reference="RB-1", actor=field.team.approver, **field.at)
    return field


def test_every_invariant_is_tried():
    tried = {*DAMAGE.values(), "no_bid_opened_early"}
    assert tried == {invariant.name for invariant in DISPOSAL_INVARIANTS}


@pytest.mark.parametrize(("damage", "name"), DAMAGE.items())
def test_damage_is_found(sold, damage, name):
    assert breaches() == {}
    tamper(damage)
    assert name in breaches()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE pledges_offer SET amount = 24000",
        "UPDATE pledges_offer SET amount = 24000, nonce = 'salt', revealed_at = received_at",
        (
            "UPDATE pledges_offer SET amount = 24001, nonce = 'salt', revealed_at ="
            " (SELECT opens_at FROM pledges_disposallot)"
        ),
        "UPDATE pledges_offer SET received_at = (SELECT opens_at FROM pledges_disposallot)",
        "UPDATE pledges_offer SET commitment = ''",
    ],
)
def test_a_bid_opened_early_or_otherwise_is_found(damage):
    field = make_enforcement()
    field.on = WED + timedelta(days=1)
    lot = field.put_up(field.case(), 100, opens_at=OPENS, closes_at=CLOSES)
    field.bid(lot, 24_000, bidder=make_buyer(), now=noon(field.on))
    assert breaches() == {}
    # Only the journal of rows is meant here: the CHECKs of the columns are tried elsewhere.

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE pledges_offer DROP CONSTRAINT offer_sealed_until_it_is_opened,"
            " DROP CONSTRAINT offer_binds_for_a_time"
        )
    tamper(damage)
    assert "no_bid_opened_early" in breaches()
    assert Offer.objects.count() == 1

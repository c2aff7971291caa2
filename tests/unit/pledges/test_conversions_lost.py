"""`lose`: goods that are gone are written off, pro rata over all who claim the lot."""

from dataclasses import replace
from decimal import Decimal

import pytest

from logistics.refusals import CountBelowClaims
from outbox.models import Alert
from pledges.models import Conversion, MarginCall, Position
from pledges.services.conversion import Take
from pledges.services.cover import Requirement
from pledges.services.losses import lose, shares_of_loss
from tests.factories.lending import make_drawn_loan, make_facility
from tests.factories.logistics import make_hold
from tests.factories.parties import make_lender_team
from tests.factories.pledges import EVIDENCE, make_mixed
from tests.factories.transit import count, last
from tests.unit.pledges.conftest import refusal
from tests.unit.pledges.reading import legs, lines, remaining, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def rival(vault):
    """Another lender of the same borrower."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    return replace(vault, desk=replace(vault.desk, team=team, facility=facility))


def test_a_count_that_leaves_the_claims_whole_loses_nothing(vault):
    lot = vault.lot(100)
    vault.pledge_lot(lot, 60)
    count(lot, 70)
    assert stock(lot) == (70, 60, 60)
    assert not Conversion.objects.filter(kind="lose").exists()
    assert not Alert.objects.filter(topic="pledges.goods_lost").exists()


def test_a_count_below_the_claims_writes_off_the_part_that_is_missing(vault):
    position = vault.pledge(100)
    count(position.lot, 90)
    assert stock(position.lot) == (90, 90, 90)
    assert remaining(position) == 90
    assert lines(vault) == {("pledge", "alpha"): (90, 90)}
    assert legs(last("lose")) == [
        ("consumed", "pledge", 10, 5_000, 2_500),
        ("produced", "written_off", 10, 0, 0),
    ]
    [lost] = Position.objects.filter(right="written_off")
    assert (lost.parent_id, lost.lot_id) == (position.pk, position.lot_id)
    assert last("lose").evidence["counted"] == "90"


def test_a_burnt_lot_is_written_off_whole_and_the_call_opens(vault):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(20_000))
    count(position.lot, 0)
    assert remaining(position) == 0
    assert lines(vault) == {}
    row = last("lose")
    assert (row.lending_value_before, row.lending_value_after) == (25_000, 0)
    assert (row.band_before, row.band_after) == ("covered", "close_out")
    assert MarginCall.objects.get().cash_needed == 20_000
    [alert] = Alert.objects.filter(topic="pledges.goods_lost")
    assert (alert.severity, alert.payload["site"]) == ("urgent", vault.warehouse.name)


def test_the_loss_is_shared_by_all_claims_of_all_lenders(vault, rival):
    """7 of 12 pieces are missing, claimed 3 + 4 + 5: 1.75, 2.33 and 2.92 are 2, 2 and 3."""
    item = make_mixed({"alpha": Decimal(1)})
    lot = vault.lot(12, item)
    first, second = vault.pledge_lot(lot, 3), vault.pledge_lot(lot, 4)
    third = rival.pledge_lot(lot, 5)
    count(lot, 5)
    assert [remaining(one) for one in (first, second, third)] == [1, 2, 2]
    assert stock(lot) == (5, 5, 5)
    assert Conversion.objects.filter(kind="lose").count() == 2
    told = Alert.objects.filter(topic="pledges.goods_lost")
    assert sorted(told.values_list("organisation_id", flat=True)) == [
        vault.desk.facility.tenant_id,
        vault.desk.facility.tenant_id,
        rival.desk.facility.tenant_id,
    ]


def test_free_goods_are_lost_before_claimed_ones(vault):
    lot = vault.lot(100)
    position = vault.pledge_lot(lot, 80)
    count(lot, 70)
    assert remaining(position) == 70


def test_mortgaged_goods_are_lost_like_pledged_ones(vault):
    position = vault.mortgage(40)
    count(position.lot, 30)
    assert remaining(position) == 30
    assert lines(vault)[("floating_mortgage", "alpha")] == (30, 30)


@pytest.mark.tampers
def test_a_claim_that_no_position_stands_behind_keeps_the_count_out(vault):
    lot = vault.lot(100)
    make_hold(lot=lot, quantity=Decimal(100))
    with refusal(CountBelowClaims):
        count(lot, 90)


def test_a_loss_is_recorded_where_any_chosen_act_would_be_refused(vault):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    count(position.lot, 99)
    row = last("lose")
    assert row.exposure_after - row.lending_value_after == 250
    assert vault.band() == "watch"


def test_the_verb_loses_what_a_document_says_is_gone(vault):
    """The count that follows in the same act finds the claims small enough."""
    position = vault.pledge(100)
    with vault.act(cause="lose", requirement=Requirement.NONE) as act:
        [lost] = lose(
            act=act, goods=[Take(position.pk, Decimal(25))], evidence=EVIDENCE, reason="fire"
        )
        count(position.lot, 75)
    assert (lost.right, lost.quantity) == ("written_off", 25)
    assert remaining(position) == 75
    assert last("lose").reason == "fire"


@pytest.mark.parametrize(
    ("short", "claims", "unit", "shares"),
    [
        ("1", ["1", "1", "1"], "C62", ["1", "0", "0"]),
        ("2", ["3", "3"], "C62", ["1", "1"]),
        ("1", ["1", "2"], "KGM", ["0.333333", "0.666667"]),
        ("9", ["2", "3"], "KGM", ["2", "3"]),
    ],
)
def test_shares_of_a_loss_sum_to_it(short, claims, unit, shares):
    found = shares_of_loss(Decimal(short), [Decimal(one) for one in claims], unit=unit)
    assert list(found.values()) == [Decimal(one) for one in shares]

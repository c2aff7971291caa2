"""Every verb through the real services: exact values, legs, holds, pool lines, and the whole."""

from decimal import Decimal

import pytest

from logistics.models import Hold, Lot
from logistics.refusals import AlreadyClaimed, NotFree
from parties.roles import OrganisationKind
from pledges.models import Conversion, ConversionLeg, PoolLine, Position
from pledges.services.conversion import Evidence, Take
from pledges.services.order_claims import deliver
from pledges.services.sale import apply_proceeds, collect, sell
from pledges.states import Right
from tests.factories.lending import DUE, START, make_drawn_loan
from tests.factories.logistics import unique
from tests.factories.parties import NOW, make_organisation
from tests.factories.pledges import EVIDENCE, make_mixed, make_product
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db


def lines(vault):
    """Return the pool by right and basis: (market weight, lending weight), empty lines left out."""
    found = PoolLine.objects.filter(facility_id=vault.facility_id, market_weight__gt=0)
    return {
        (line.right, line.basis.code): (line.market_weight, line.lending_weight)
        for line in found.select_related("basis")
    }


def legs(kind):
    """Return the legs of the last conversion of a kind: direction, right, quantity, values."""
    conversion = Conversion.objects.filter(kind=kind).order_by("occurred_at").last()
    rows = ConversionLeg.objects.filter(conversion=conversion).select_related("position")
    return sorted(
        (leg.direction, leg.position.right, leg.quantity, leg.market_value, leg.lending_value)
        for leg in rows
    )


def hold_of(position):
    hold = Hold.objects.get(reference=position.pk)
    return hold.kind, hold.quantity


def remaining(position):
    return Position.objects.get(pk=position.pk).remaining


def test_prepay_makes_an_order_claim_at_the_facilitys_rate(vault):
    claim = vault.prepay(300_000)
    assert (claim.right, claim.quantity, claim.unit, claim.lot) == (
        "order_claim",
        300_000,
        "USD",
        None,
    )
    assert lines(vault) == {("order_claim", "USD"): (300_000, 240_000)}
    assert legs("prepay") == [("produced", "order_claim", 300_000, 300_000, 240_000)]
    conversion = Conversion.objects.get()
    assert conversion.evidence == {
        "kind": "document",
        "reference": "doc-1",
        "supplier": vault.desk.supplier.name,
    }
    assert (conversion.lending_value_before, conversion.lending_value_after) == (0, 240_000)
    assert vault.cover().lending_value == 240_000


def test_deliver_in_parts_turns_the_claim_into_goods(vault):
    claim = vault.prepay(1_000)
    lots = [vault.lot(2, site=vault.factory), vault.lot(1, vault.goods.beta, site=vault.factory)]
    with vault.act() as act:
        made = deliver(
            act=act,
            claims=[Take(claim.pk, Decimal(400))],
            lots=[(lot, lot.on_hand) for lot in lots],
            evidence=EVIDENCE,
        )
    assert [position.parent_id for position in made] == [claim.pk, claim.pk]
    assert remaining(claim) == 600
    assert lines(vault) == {
        ("order_claim", "USD"): (600, 480),
        ("floating_mortgage", "alpha"): (2, 2),
        ("floating_mortgage", "beta"): (1, 1),
    }
    assert legs("deliver") == [
        ("consumed", "order_claim", 400, 400, 320),
        ("produced", "floating_mortgage", 1, 250, 125),
        ("produced", "floating_mortgage", 2, 1000, 500),
    ]
    assert [hold_of(position) for position in made] == [("mortgage", 2), ("mortgage", 1)]
    assert vault.cover().market_value == 600 + 1_250
    assert vault.cover().lending_value == 480 + 625
    with vault.act() as act:
        deliver(
            act=act,
            claims=[Take(claim.pk, Decimal(600))],
            lots=[(vault.lot(3, site=vault.factory), Decimal(3))],
            evidence=EVIDENCE,
        )
    claim.refresh_from_db()
    assert (claim.remaining, claim.closed_at) == (0, NOW)
    assert ("order_claim", "USD") not in lines(vault)


def test_deliver_of_two_claims_has_no_single_parent(vault):
    claims = [vault.prepay(100), vault.prepay(200)]
    with vault.act() as act:
        [position] = deliver(
            act=act,
            claims=[Take(claim.pk, claim.quantity) for claim in claims],
            lots=[(vault.lot(1, site=vault.factory), Decimal(1))],
            evidence=EVIDENCE,
        )
    assert position.parent is None


def test_goods_that_come_before_any_payment_are_mortgaged_all_the_same(vault):
    with vault.act() as act:
        [position] = deliver(
            act=act,
            claims=[],
            lots=[(vault.lot(2, site=vault.factory), Decimal(2))],
            evidence=EVIDENCE,
        )
    assert (position.right, position.parent) == ("floating_mortgage", None)
    assert legs("deliver") == [("produced", "floating_mortgage", 2, 1000, 500)]


def test_transform_consumes_materials_within_the_agreed_loss(vault):
    material = vault.mortgage(1_000)
    product = make_product(
        vault.goods.alpha, per_piece=Decimal(2), loss=Decimal("0.05"), code="alpha"
    )
    made = vault.assemble([Take(material.pk, Decimal(210))], product=product, quantity=100)
    assert (made.right, made.quantity, made.unit, made.lot.site) == (
        "floating_mortgage",
        100,
        "C62",
        vault.factory,
    )
    assert remaining(material) == 790
    assert hold_of(material) == ("mortgage", 790)
    assert hold_of(made) == ("mortgage", 100)
    # The ten kilograms lost are gone from the pool, too.
    assert lines(vault) == {("floating_mortgage", "alpha"): (990, 990)}
    assert legs("transform") == [
        ("consumed", "floating_mortgage", 210, 105_000, 52_500),
        ("produced", "floating_mortgage", 100, 100_000, 50_000),
    ]
    assert Lot.objects.get(pk=material.lot_id).on_hand == 790


def test_transform_into_a_pledge_holds_the_goods(vault):
    material = vault.mortgage(100)
    product = make_product(vault.goods.alpha, per_piece=Decimal(2), loss=Decimal(0), code="alpha")
    made = vault.assemble(
        [Take(material.pk, Decimal(100))], product=product, quantity=50, right=Right.PLEDGE
    )
    assert hold_of(made) == ("pledge", 50)
    lot = Lot.objects.get(pk=made.lot_id)
    assert (lot.on_hand, lot.claimed, lot.held) == (50, 50, 50)
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}


def test_pledge_free_in_part_leaves_the_rest_free(vault):
    lot = vault.lot(100)
    position = vault.pledge_lot(lot, 60)
    fresh = Lot.objects.get(pk=lot.pk)
    assert (fresh.on_hand, fresh.claimed, fresh.held, fresh.free) == (100, 60, 60, 40)
    assert hold_of(position) == ("pledge", 60)
    assert lines(vault) == {("pledge", "alpha"): (60, 60)}
    assert legs("pledge") == [("produced", "pledge", 60, 30_000, 15_000)]
    second = vault.pledge_lot(lot, 40)
    assert second.pk != position.pk
    assert vault.cover().market_value == 50_000


def test_pledge_free_counts_quality_grade_and_premium(vault):
    """(2 kg alpha × .9 + 1 × .9 premium of 100): 90 % quality; grade .8; premium lends 30 %."""
    item = make_mixed(
        {"alpha": Decimal(2)},
        premium=Decimal(100),
        premium_rate=Decimal("0.3"),
        rate_factor=Decimal("0.8"),
    )
    lot = vault.lot(10, item, quality_deduction=Decimal("0.1"))
    vault.pledge_lot(lot)
    assert lines(vault) == {
        ("pledge", "alpha"): (18, Decimal("14.4")),
        ("pledge", "USD"): (900, 270),
    }
    cover = vault.cover()
    assert cover.market_value == 18 * 500 + 900
    assert cover.lending_value == Decimal("14.4") * 500 / 2 + 270


def test_pledge_mortgaged_moves_the_goods_to_the_warehouse(vault):
    mortgaged = vault.mortgage(100)
    pledged = vault.bring_in(Take(mortgaged.pk, Decimal(30)))
    assert (pledged.right, pledged.quantity, pledged.parent_id) == ("pledge", 30, mortgaged.pk)
    assert pledged.lot.site == vault.warehouse
    assert remaining(mortgaged) == 70
    assert (hold_of(mortgaged), hold_of(pledged)) == (("mortgage", 70), ("pledge", 30))
    assert lines(vault) == {
        ("floating_mortgage", "alpha"): (70, 70),
        ("pledge", "alpha"): (30, 30),
    }
    assert legs("pledge") == [
        ("consumed", "floating_mortgage", 30, 15_000, 7_500),
        ("produced", "pledge", 30, 15_000, 7_500),
    ]
    vault.bring_in(Take(mortgaged.pk, Decimal(70)))
    assert remaining(mortgaged) == 0
    assert not Hold.objects.filter(reference=mortgaged.pk, lifted_at=None).exists()
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}


def test_release_frees_part_and_then_the_rest(vault):
    position = vault.pledge(100)
    [freed] = vault.release(Take(position.pk, Decimal(25)))
    assert (freed.right, freed.quantity, freed.parent_id) == ("released", 25, position.pk)
    assert hold_of(position) == ("pledge", 75)
    assert Lot.objects.get(pk=position.lot_id).free == 25
    assert lines(vault) == {("pledge", "alpha"): (75, 75)}
    assert legs("release") == [
        ("consumed", "pledge", 25, 12_500, 6_250),
        ("produced", "released", 25, 0, 0),
    ]
    conversion = Conversion.objects.get(kind="release")
    team = vault.desk.team
    assert (conversion.person_id, conversion.maker_id) == (
        team.approver.person_id,
        team.preparer.person_id,
    )
    assert conversion.reason == "sold for cash"
    vault.release(Take(position.pk, Decimal(75)))
    assert lines(vault) == {}
    assert Lot.objects.get(pk=position.lot_id).free == 100


def test_release_of_several_positions_in_one_act(vault):
    first, second = vault.pledge(10), vault.pledge(20, vault.goods.beta)
    mortgaged = vault.mortgage(5)
    made = vault.release(
        Take(first.pk, Decimal(10)), Take(second.pk, Decimal(5)), Take(mortgaged.pk, Decimal(1))
    )
    assert sorted(position.quantity for position in made) == [1, 5, 10]
    assert Conversion.objects.filter(kind="release").count() == 1
    assert lines(vault) == {
        ("pledge", "beta"): (15, 15),
        ("floating_mortgage", "alpha"): (4, 4),
    }


def test_substitute_swaps_in_one_act(vault):
    given = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    lot = vault.lot(240, vault.goods.beta)
    [brought] = vault.swap([Take(given.pk, Decimal(100))], [(lot, Decimal(200))])
    assert (brought.right, brought.quantity, brought.lot_id) == ("pledge", 200, lot.pk)
    assert lines(vault) == {("pledge", "beta"): (200, 200)}
    assert legs("substitute") == [
        ("consumed", "pledge", 100, 50_000, 25_000),
        ("produced", "pledge", 200, 50_000, 25_000),
        ("produced", "released", 100, 0, 0),
    ]
    assert Lot.objects.get(pk=given.lot_id).free == 100
    assert Lot.objects.get(pk=lot.pk).free == 40


def test_substitute_of_a_part(vault):
    given = vault.pledge(100)
    vault.swap([Take(given.pk, Decimal(30))], [(vault.lot(1, vault.goods.beta), Decimal(1))])
    assert lines(vault) == {("pledge", "alpha"): (70, 70), ("pledge", "beta"): (1, 1)}
    assert hold_of(given) == ("pledge", 70)


@pytest.mark.parametrize(("asked", "kind"), [(10, AlreadyClaimed), (50, NotFree)])
def test_the_old_goods_stay_held_where_the_new_ones_cannot_be(vault, asked, kind):
    """A swap is whole or nothing, also where cover would bear that the old goods go."""
    given, brought = vault.pledge(100), vault.lot(40)
    if kind is AlreadyClaimed:
        vault.pledge_lot(brought)
    with refusal(kind):
        vault.swap([Take(given.pk, Decimal(30))], [(brought, Decimal(asked))])
    assert hold_of(given) == ("pledge", 100)


@pytest.fixture
def carrier(db):
    return make_organisation(kind=OrganisationKind.CARRIER)


def sold(vault, carrier, *goods, face, rate="0.8"):
    with vault.act(cause="sell") as act:
        return sell(
            act=act,
            goods=list(goods),
            face=Decimal(face),
            advance_rate=Decimal(rate),
            label="invoice 7",
            carrier=carrier,
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=Evidence("invoice", "INV-7"),
        )


def test_sell_turns_goods_into_the_buyers_debt(vault, carrier):
    position = vault.pledge(100)
    receivable = sold(vault, carrier, Take(position.pk, Decimal(40)), face=30_000)
    assert (receivable.right, receivable.quantity, receivable.unit) == ("receivable", 30_000, "USD")
    assert receivable.parent_id == position.pk
    lot = Lot.objects.get(pk=position.lot_id)
    assert (lot.on_hand, lot.claimed, lot.held) == (60, 60, 60)
    assert lines(vault) == {
        ("pledge", "alpha"): (60, 60),
        ("receivable", "USD"): (30_000, 24_000),
    }
    assert legs("sell") == [
        ("consumed", "pledge", 40, 20_000, 10_000),
        ("produced", "receivable", 30_000, 30_000, 24_000),
    ]


def test_sell_from_two_lots_has_no_single_parent(vault, carrier):
    first, second = vault.pledge(10), vault.pledge(20)
    receivable = sold(
        vault, carrier, Take(first.pk, Decimal(10)), Take(second.pk, Decimal(20)), face=20_000
    )
    assert receivable.parent is None
    assert lines(vault) == {("receivable", "USD"): (20_000, 16_000)}


def test_collect_and_apply_follow_the_money_to_its_end(vault, carrier):
    position = vault.pledge(100)
    receivable = sold(vault, carrier, Take(position.pk, Decimal(100)), face=60_000)
    with vault.act(cause="collect") as act:
        proceeds = collect(
            act=act,
            receivable=Take(receivable.pk, Decimal(45_000)),
            label="bank 1",
            evidence=EVIDENCE,
        )
    assert lines(vault) == {
        ("receivable", "USD"): (15_000, 12_000),
        ("proceeds", "USD"): (45_000, 45_000),
    }
    assert legs("collect") == [
        ("consumed", "receivable", 45_000, 45_000, 36_000),
        ("produced", "proceeds", 45_000, 45_000, 45_000),
    ]
    parts = {}
    for right, amount in ((Right.REPAID, 40_000), (Right.RELEASED, 5_000)):
        with vault.act(cause="apply") as act:
            parts[right] = apply_proceeds(
                act=act,
                proceeds=Take(proceeds.pk, Decimal(amount)),
                right=right,
                label="repayment",
                evidence=EVIDENCE,
            )
    assert remaining(proceeds) == 0
    assert {right: (p.right, p.quantity, p.parent_id) for right, p in parts.items()} == {
        Right.REPAID: ("repaid", 40_000, proceeds.pk),
        Right.RELEASED: ("released", 5_000, proceeds.pk),
    }
    assert lines(vault) == {("receivable", "USD"): (15_000, 12_000)}


def test_the_conversion_keeps_the_cover_around_it(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(10_000), due_on=DUE)
    vault.pledge(60)
    row = Conversion.objects.get(exposure_before=10_000)
    assert (
        row.market_value_before,
        row.lending_value_before,
        row.band_before,
        row.exposure_after,
        row.market_value_after,
        row.lending_value_after,
        row.band_after,
        row.business_date,
    ) == (50_000, 25_000, "covered", 10_000, 80_000, 40_000, "covered", START)


def test_two_verbs_in_one_act_are_judged_together(vault):
    """Released and pledged again within one act: only what the act leaves behind counts."""
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    lot = vault.lot(120)
    with vault.act(cause="swap by hand") as act:
        vault.release(Take(position.pk, Decimal(100)))
        vault.pledge_lot(lot)
        assert Conversion.objects.count() == 1
        assert act.conversions[0].kind == "release"
    assert Conversion.objects.count() == 3
    after = {row.lending_value_after for row in Conversion.objects.filter(exposure_before=25_000)}
    assert after == {30_000}

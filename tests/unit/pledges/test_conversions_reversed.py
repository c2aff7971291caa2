"""`reverse`: every mistaken conversion goes back by a compensating one, or says how instead."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from logistics.models import StockAct
from logistics.refusals import AlreadyClaimed, NotFree, NotReversible
from logistics.services.reversal import reverse_act
from logistics.services.stock import ship_goods
from parties.services.authority import BeyondAuthority
from pledges.models import Conversion, Position
from pledges.services.conversion import Take, convert, take
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.goods import released_makes, secured_makes
from pledges.services.mortgage import crystallise_mortgage
from pledges.services.order_claims import deliver
from pledges.services.reversal import (
    INSTEAD,
    REVERSIBLE,
    AlreadyReversed,
    LaterConversionFirst,
    NoSuchConversion,
    NothingFloats,
    ReversedOtherwise,
)
from pledges.services.sale import collect, sell
from pledges.services.transit import Unloaded
from pledges.services.warehouse import SameHand
from pledges.states import ConversionKind, CrystallisationCause, Right
from tests.factories.lending import START, make_drawn_loan, make_facility
from tests.factories.logistics import unique
from tests.factories.mortgages import make_yard
from tests.factories.parties import NOW, SYSTEM, make_carrier, make_lender_team
from tests.factories.pledges import EVIDENCE, make_product, make_vault
from tests.factories.transit import count, last, load, undo, unload
from tests.unit.pledges.conftest import refusal
from tests.unit.pledges.reading import hold_of, kinds, legs, lines, remaining, stock

pytestmark = pytest.mark.django_db


def attach(vault, quantity):
    """Bring free goods at the factory under the floating mortgage."""
    lot = vault.lot(quantity, site=vault.factory)
    with vault.act(cause="attach") as act:
        [position] = convert(
            act=act,
            kind=ConversionKind.ATTACH,
            taken=[],
            makes=secured_makes([(lot, lot.on_hand)], Right.FLOATING_MORTGAGE),
            evidence=EVIDENCE,
        )
    return position


def crystallise(vault, position):
    with vault.act(cause="crystallise") as act:
        taken = take(
            act=act,
            kind=ConversionKind.CRYSTALLISE,
            takes=[Take(position.pk, position.remaining)],
        )
        makes = secured_makes([(position.lot, taken[0].quantity)], Right.PLEDGE, position)
        [held] = convert(
            act=act,
            kind=ConversionKind.CRYSTALLISE,
            taken=taken,
            makes=makes,
            evidence=EVIDENCE,
        )
    return held


def test_a_pledge_of_free_goods_reversed_gives_them_back(vault):
    lot = vault.lot(100)
    vault.pledge_lot(lot, 60)
    [freed] = undo(vault, last("pledge"))
    assert (freed.right, freed.quantity) == ("released", 60)
    assert stock(lot) == (100, 0, 0)
    assert lines(vault) == {}
    row = last("reverse")
    assert row.reverses.kind == "pledge"
    assert row.evidence["kind_reversed"] == "pledge"
    assert (row.maker_id, row.person_id) == (
        vault.desk.team.preparer.person_id,
        vault.desk.team.approver.person_id,
    )
    assert row.reason == "entered by mistake"


def test_a_pledge_of_free_goods_is_not_reversed_past_the_release_rule(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(24_000))
    conversion = last("pledge")
    with refusal(BelowReleaseLevel):
        undo(vault, conversion)


def test_a_pledge_of_mortgaged_goods_reversed_brings_them_back_to_the_factory(vault):
    mortgaged = vault.mortgage(100)
    pledged = vault.bring_in(Take(mortgaged.pk, Decimal(30)))
    [again] = undo(vault, last("pledge"))
    assert (again.right, again.quantity, again.parent_id) == ("floating_mortgage", 30, mortgaged.pk)
    assert again.lot_id == mortgaged.lot_id
    assert hold_of(again) == ("mortgage", 30)
    assert stock(mortgaged.lot) == (100, 100, 0)
    assert stock(pledged.lot) == (0, 0, 0)
    assert lines(vault) == {("floating_mortgage", "alpha"): (100, 100)}
    assert legs(last("reverse")) == [
        ("consumed", "pledge", 30, 15_000, 7_500),
        ("produced", "floating_mortgage", 30, 15_000, 7_500),
    ]
    act = StockAct.objects.get(kind="reversed")
    assert act.reverses == StockAct.objects.get(kind="moved")
    assert [one.act_id for one in last("reverse").stock.all()] == [act.pk]


def test_the_restored_goods_keep_their_old_terms(vault):
    mortgaged = vault.mortgage(100)
    old = list(mortgaged.terms.values_list("basis_id", "market_per_unit", "lending_per_unit"))
    vault.bring_in(Take(mortgaged.pk, Decimal(30)))
    item = vault.goods.alpha
    type(item).objects.filter(pk=item.pk).update(rate_factor=Decimal("0.5"))
    [again] = undo(vault, last("pledge"))
    assert list(again.terms.values_list("basis_id", "market_per_unit", "lending_per_unit")) == old


def test_a_delivery_reversed_is_a_claim_again_and_its_goods_are_free(vault):
    claim = vault.prepay(1_000)
    lot = vault.lot(2, site=vault.factory)
    with vault.act() as act:
        deliver(
            act=act,
            claims=[Take(claim.pk, Decimal(400))],
            lots=[(lot, Decimal(2))],
            evidence=EVIDENCE,
        )
    [again] = undo(vault, last("deliver"))
    assert (again.right, again.quantity, again.parent_id) == ("order_claim", 400, claim.pk)
    assert lines(vault) == {("order_claim", "USD"): (1_000, 800)}
    assert stock(lot) == (2, 0, 0)


def test_a_production_reversed_gives_the_materials_back(vault):
    material = vault.mortgage(1_000)
    product = make_product(
        vault.goods.alpha, per_piece=Decimal(2), loss=Decimal("0.05"), code="alpha"
    )
    made = vault.assemble([Take(material.pk, Decimal(210))], product=product, quantity=100)
    [again] = undo(vault, last("transform"))
    assert (again.quantity, again.lot_id) == (210, material.lot_id)
    assert stock(made.lot) == (0, 0, 0)
    assert stock(material.lot) == (1_000, 1_000, 0)
    assert lines(vault) == {("floating_mortgage", "alpha"): (1_000, 1_000)}


def test_an_attachment_reversed_frees_the_goods(vault):
    position = attach(vault, 50)
    [freed] = undo(vault, last("attach"))
    assert (freed.right, freed.parent_id) == ("released", position.pk)
    assert stock(position.lot) == (50, 0, 0)
    assert lines(vault) == {}


def test_a_crystallisation_reversed_lets_the_goods_move_again(vault):
    mortgaged = vault.mortgage(40)
    held = crystallise(vault, mortgaged)
    assert hold_of(held) == ("pledge", 40)
    [again] = undo(vault, last("crystallise"))
    assert hold_of(again) == ("mortgage", 40)
    assert stock(mortgaged.lot) == (40, 40, 0)


def test_a_real_attachment_and_outflow_go_back_under_the_mortgage_in_force(vault):
    yard = make_yard(vault)
    lot = yard.receive(6_000)
    position = Position.objects.get(right="floating_mortgage")
    undo(vault, last("attach"))
    assert stock(lot) == (6_000, 0, 0)
    assert remaining(position) == 0


def test_nothing_comes_back_under_a_mortgage_that_has_crystallised(vault):
    yard = make_yard(vault)
    yard.receive(6_000)
    crystallise_mortgage(
        mortgage=yard.mortgage,
        cause=CrystallisationCause.INSOLVENCY,
        evidence=EVIDENCE,
        reason="petition filed",
        on=START,
        actor=vault.desk.team.risk_officer,
        now=NOW,
    )
    conversion = last("crystallise")
    with refusal(NothingFloats):
        undo(vault, conversion)


def test_a_loading_reversed_unloads_and_cancels_the_document(vault):
    first, second = vault.pledge(100), vault.pledge(60, vault.goods.beta)
    shipment, _moving = load(vault, Take(first.pk, Decimal(40)), Take(second.pk, Decimal(10)))
    again = undo(vault, last("ship"))
    assert {(one.right, one.quantity, one.lot_id) for one in again} == {
        ("pledge", 40, first.lot_id),
        ("pledge", 10, second.lot_id),
    }
    assert (stock(first.lot), stock(second.lot)) == ((100, 100, 100), (60, 60, 60))
    shipment.refresh_from_db()
    assert (shipment.state, shipment.ended_at) == ("cancelled", NOW)


def test_an_arrival_reversed_is_in_transit_again(vault):
    position = vault.pledge(100)
    shipment, [moving] = load(vault, Take(position.pk, Decimal(100)))
    unload(vault, Unloaded(moving.pk, Decimal(30)))
    [again] = undo(vault, last("arrive"))
    assert (again.right, again.quantity, again.parent_id) == ("in_transit", 30, moving.pk)
    assert stock(moving.lot) == (100, 100, 100)
    shipment.refresh_from_db()
    assert shipment.state == "loaded"


def test_a_release_reversed_takes_the_goods_back(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    [again] = undo(vault, last("release"))
    assert (again.right, again.quantity, again.parent_id) == ("pledge", 25, position.pk)
    assert stock(position.lot) == (100, 100, 100)
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}


def test_a_release_is_not_reversed_once_the_goods_have_left(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    ship_goods(
        lot=position.lot,
        quantity=Decimal(20),
        source=vault.warehouse.operator,
        reference=unique("OUT"),
        occurred_at=NOW,
        actor=SYSTEM,
        now=NOW,
    )
    conversion = last("release")
    with refusal(NotFree) as caught:
        undo(vault, conversion)
    assert caught[0].numbers["short"] == 20


def test_a_release_is_not_reversed_once_another_lender_has_the_goods(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    team = make_lender_team()
    rival = replace(
        vault,
        desk=replace(
            vault.desk, team=team, facility=make_facility(team=team, borrower=vault.desk.borrower)
        ),
    )
    rival.pledge_lot(position.lot, 10)
    conversion = last("release")
    with refusal(AlreadyClaimed):
        undo(vault, conversion)


def test_a_swap_reversed_brings_the_old_goods_back(vault):
    given = vault.pledge(100)
    lot = vault.lot(240, vault.goods.beta)
    vault.swap([Take(given.pk, Decimal(100))], [(lot, Decimal(200))])
    [again] = undo(vault, last("substitute"))
    assert (again.right, again.quantity, again.lot_id) == ("pledge", 100, given.lot_id)
    assert stock(lot) == (240, 0, 0)
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}


def test_an_outflow_reversed_comes_under_the_mortgage_again(vault):
    mortgaged = vault.mortgage(40)
    with vault.act(cause="outflow") as act:
        taken = take(act=act, kind=ConversionKind.OUTFLOW, takes=[Take(mortgaged.pk, Decimal(10))])
        convert(
            act=act,
            kind=ConversionKind.OUTFLOW,
            taken=taken,
            makes=released_makes(taken),
            evidence=EVIDENCE,
        )
    [again] = undo(vault, last("outflow"))
    assert (again.right, again.quantity) == ("floating_mortgage", 10)
    assert lines(vault) == {("floating_mortgage", "alpha"): (40, 40)}


def test_a_swap_whose_reversal_would_uncover_is_refused(vault):
    given = vault.pledge(100)
    vault.swap([Take(given.pk, Decimal(100))], [(vault.lot(300, vault.goods.beta), Decimal(300))])
    make_drawn_loan(vault.desk, principal=Decimal(30_000))
    conversion = last("substitute")
    with refusal(WouldUncover):
        undo(vault, conversion)


def test_what_came_later_goes_back_first(vault):
    """Pledged, loaded, half of it arrived: each goes back only when nothing hangs on it."""
    mortgaged = vault.mortgage(100)
    pledged = vault.bring_in(Take(mortgaged.pk, Decimal(100)))
    _shipment, [moving] = load(vault, Take(pledged.pk, Decimal(80)))
    unload(vault, Unloaded(moving.pk, Decimal(40)))
    pledge, ship, arrive = last("pledge"), last("ship"), last("arrive")
    with refusal(LaterConversionFirst) as caught:
        undo(vault, pledge)
    assert caught[0].numbers == {"conversion": ship.pk, "kind": "ship", "short": 80}
    with refusal(LaterConversionFirst) as caught:
        undo(vault, ship)
    assert caught[0].numbers == {"conversion": arrive.pk, "kind": "arrive", "short": 40}
    for conversion in (arrive, ship, pledge):
        undo(vault, conversion)
    assert lines(vault) == {("floating_mortgage", "alpha"): (100, 100)}
    assert stock(mortgaged.lot) == (100, 100, 0)
    assert kinds(vault).count("reverse") == 3


def test_a_conversion_is_reversed_once(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    conversion = last("release")
    undo(vault, conversion)
    with refusal(AlreadyReversed):
        undo(vault, conversion)
    row = last("reverse")
    with pytest.raises(IntegrityError, match="reverses_id"), transaction.atomic():
        Conversion.objects.bulk_create(
            [
                Conversion(
                    **{
                        field.attname: getattr(row, field.attname)
                        for field in Conversion._meta.concrete_fields
                        if field.name != "id"
                    }
                )
            ]
        )


def test_the_database_keeps_reversals_and_their_kind_together(vault):
    vault.pledge(100)
    row = last("pledge")
    values = {
        field.attname: getattr(row, field.attname)
        for field in Conversion._meta.concrete_fields
        if field.name != "id"
    }
    with (
        pytest.raises(IntegrityError, match="conversion_reversal_names_what_it_reverses"),
        transaction.atomic(),
    ):
        Conversion.objects.bulk_create([Conversion(**(values | {"reverses_id": row.pk}))])


def test_a_release_is_reversed_again_after_it_is_made_again(vault):
    """The second mistake is another conversion, on the position the reversal made."""
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    [again] = undo(vault, last("release"))
    vault.release(Take(again.pk, Decimal(25)))
    second = Conversion.objects.filter(kind="release").get(legs__position=again)
    [third] = undo(vault, second)
    assert (third.parent_id, third.quantity) == (again.pk, 25)
    assert lines(vault) == {("pledge", "alpha"): (100, 100)}


def test_two_different_people_reverse(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    conversion = last("release")
    with refusal(SameHand):
        undo(vault, conversion, maker=vault.desk.team.approver)
    with refusal(SameHand):
        undo(vault, conversion, actor=SYSTEM)


def test_a_reversal_needs_authority_for_the_value(vault):
    vault.pledge(1_000_000)
    conversion = last("pledge")
    with refusal(BeyondAuthority):
        undo(vault, conversion)


def test_another_facilitys_conversion_does_not_exist(vault):
    vault.pledge(100)
    conversion = last("pledge")
    other = make_vault(goods=vault.goods)
    with refusal(NoSuchConversion):
        undo(other, conversion)


def test_sale_and_collection_name_the_act_that_undoes_them(vault):
    position = vault.pledge(100)
    with vault.act(cause="sell") as act:
        receivable = sell(
            act=act,
            goods=[Take(position.pk, Decimal(40))],
            face=Decimal(30_000),
            advance_rate=Decimal("0.8"),
            label="invoice 7",
            carrier=make_carrier(),
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=EVIDENCE,
        )
    with vault.act(cause="collect") as act:
        collect(
            act=act, receivable=Take(receivable.pk, Decimal(10)), label="bank", evidence=EVIDENCE
        )
    for kind, words in (("sell", "credit note"), ("collect", "unmatch the bank entry")):
        conversion = last(kind)
        with refusal(ReversedOtherwise) as caught:
            undo(vault, conversion)
        assert words in caught[0].message


def test_a_reversal_and_a_loss_are_not_reversed(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(25)))
    undo(vault, last("release"))
    count(position.lot, 90)
    for kind in ("reverse", "lose"):
        conversion = last(kind)
        with refusal(ReversedOtherwise):
            undo(vault, conversion)


def test_every_kind_is_reversed_or_says_what_undoes_it():
    assert set(ConversionKind) - REVERSIBLE <= set(INSTEAD)


def test_an_order_delivery_goes_back_through_its_order(vault):
    claim = vault.prepay(1_000)
    lot = vault.lot(2, site=vault.factory)
    with vault.act() as act:
        deliver(
            act=act,
            claims=[Take(claim.pk, Decimal(400))],
            lots=[(lot, Decimal(2))],
            evidence=replace(EVIDENCE, details={"order": "PO-1"}),
        )
    conversion = last("deliver")
    with refusal(ReversedOtherwise) as caught:
        undo(vault, conversion)
    assert "on its order" in caught[0].message


def test_a_stock_act_is_reversed_once_and_shipments_are_returned_instead(vault):
    lot = vault.lot(10)
    received = StockAct.objects.get(kind="received", events__lot=lot)
    first = reverse_act(act=received, reason="twice entered", actor=SYSTEM, now=NOW)
    assert reverse_act(act=received, reason="again", actor=SYSTEM, now=NOW) == first
    assert stock(lot) == (0, 0, 0)
    other = vault.lot(10)
    ship_goods(
        lot=other,
        quantity=Decimal(5),
        source=vault.warehouse.operator,
        reference=unique("OUT"),
        occurred_at=NOW,
        actor=SYSTEM,
        now=NOW,
    )
    shipped = StockAct.objects.get(kind="shipped")
    with refusal(NotReversible):
        reverse_act(act=shipped, reason="no", actor=SYSTEM, now=NOW)


def test_a_receipt_is_not_reversed_while_its_goods_are_claimed(vault):
    lot = vault.lot(10)
    vault.pledge_lot(lot, 4)
    received = StockAct.objects.get(kind="received", events__lot=lot)
    with refusal(NotFree) as caught:
        reverse_act(act=received, reason="twice entered", actor=SYSTEM, now=NOW)
    assert caught[0].numbers["short"] == 4


def test_nothing_is_left_of_positions_that_were_reversed(vault):
    position = vault.pledge(100)
    undo(vault, last("pledge"))
    assert remaining(position) == 0
    assert not Position.objects.live().filter(facility_id=vault.facility_id).exists()

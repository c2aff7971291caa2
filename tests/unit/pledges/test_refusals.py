"""Every refusal with its numbers, and that nothing was changed by what was refused."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils.html import escape

from common.errors import InvariantBroken
from lending.models import Loan
from lending.refusals import NotYourFacility
from lending.services.disbursements import approve_disbursement
from logistics.refusals import AlreadyClaimed, NotFree
from logistics.services.production import ProductionDoesNotTie
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed
from pledges.models import Position
from pledges.services.conversion import (
    Make,
    NotEnoughLeft,
    NothingToConvert,
    NotInThisFacility,
    Take,
    WrongRight,
    convert,
    take,
)
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.goods import NotTheBorrowersGoods
from pledges.services.order_claims import deliver
from pledges.services.sale import apply_proceeds, collect, sell
from pledges.services.valuation import CurrencyNotValued, NothingToLendOn
from pledges.services.warehouse import SameHand
from pledges.states import ConversionKind, Right
from tests.factories.lending import (
    START,
    make_drawn_loan,
    make_facility,
    make_loan,
    pay_out,
    request_payment,
)
from tests.factories.logistics import make_item
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_authority,
    make_borrower,
    make_carrier,
    make_lender_team,
    make_person,
)
from tests.factories.pledges import EVIDENCE, make_product, make_pure, make_vault
from tests.factories.risk import make_commodity, make_tick, noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db

NEXT = date(2016, 3, 2)


# --- cover ------------------------------------------------------------------------------------


def test_a_draw_beyond_the_lending_value(vault):
    vault.pledge(100)
    loan = make_loan(vault.desk, principal=Decimal(30_000))
    pay_out(vault.desk, loan, Decimal(25_000))
    request = request_payment(vault.desk, Loan.objects.get(pk=loan.pk), Decimal("0.01"))
    with refusal(WouldUncover):
        approve_disbursement(
            disbursement=request, on=START, actor=vault.desk.team.approver, now=NOW
        )
    assert vault.cover().headroom == 0


def test_would_uncover_names_the_figures(vault):
    vault.pledge(100)
    loan = make_loan(vault.desk, principal=Decimal(30_000))
    with refusal(WouldUncover) as caught:
        pay_out_unrecorded(vault, loan, Decimal("25000.01"))
    [refused] = caught
    assert refused.numbers == {
        "exposure": Decimal("25000.01"),
        "lending_value": 25_000,
        "short": Decimal("0.01"),
    }
    assert str(refused) == (
        "exposure would be 25,000.01 against lending value 25,000.00: short 0.01 USD"
    )


def pay_out_unrecorded(vault, loan, amount):
    """Ask for and approve a payment in one transaction, so that a refusal takes both back."""
    with transaction.atomic():
        pay_out(vault.desk, loan, amount)


def test_a_swap_that_uncovers(vault):
    given = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    lot = vault.lot(199, vault.goods.beta)
    with refusal(WouldUncover):
        vault.swap([Take(given.pk, Decimal(100))], [(lot, Decimal(199))])


def test_a_sale_for_too_little(vault):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    carrier = make_carrier()
    with refusal(WouldUncover) as caught, vault.act(cause="sell") as act:
        sell(
            act=act,
            goods=[Take(position.pk, Decimal(100))],
            face=Decimal(31_249),
            advance_rate=Decimal("0.8"),
            label="invoice",
            carrier=carrier,
            shipment_reference="CMR-1",
            occurred_at=NOW,
            evidence=EVIDENCE,
        )
    assert caught[0].numbers["short"] == Decimal("0.80")


def test_proceeds_cannot_be_given_away_while_they_cover(vault):
    vault.pledge(100)
    receivable = sold(vault)
    with vault.act(cause="collect") as act:
        proceeds = collect(
            act=act,
            receivable=Take(receivable.pk, receivable.remaining),
            label="bank",
            evidence=EVIDENCE,
        )
    make_drawn_loan(vault.desk, principal=Decimal(25_000 + 10_000))
    with refusal(WouldUncover), vault.act(cause="apply") as act:
        apply_proceeds(
            act=act,
            proceeds=Take(proceeds.pk, Decimal(1)),
            right=Right.RELEASED,
            label="surplus",
            evidence=EVIDENCE,
        )


def sold(vault):
    position = vault.pledge(20)
    with vault.act(cause="sell") as act:
        return sell(
            act=act,
            goods=[Take(position.pk, Decimal(20))],
            face=Decimal(10_000),
            advance_rate=Decimal("0.8"),
            label="invoice",
            carrier=make_carrier(),
            shipment_reference="CMR-2",
            occurred_at=NOW,
            evidence=EVIDENCE,
        )


def test_release_is_allowed_exactly_at_the_level_and_not_one_unit_below(vault):
    """E ≤ .9 ΣLV: 22,500 owed needs 25,000 of lending value, that is 100 kg of alpha."""
    position = vault.pledge(101)
    make_drawn_loan(vault.desk, principal=Decimal(22_500))
    with refusal(BelowReleaseLevel) as caught:
        vault.release(Take(position.pk, Decimal("1.000001")))
    assert caught[0].numbers == {
        "exposure": 22_500,
        "allowed": Decimal("22499.99"),
        "short": Decimal("0.01"),
    }
    assert str(caught[0]) == (
        "after the release exposure 22,500.00 may be at most 22,499.99 "
        "(0.9 of lending value): short 0.01 USD"
    )
    vault.release(Take(position.pk, Decimal(1)))


def test_release_keeps_the_minimum_controlled_value():
    vault = make_vault(minimum_controlled_value=Decimal(40_000))
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(1_000))
    with refusal(BelowReleaseLevel) as caught:
        vault.release(Take(position.pk, Decimal(21)))
    assert caught[0].numbers["short"] == 500
    vault.release(Take(position.pk, Decimal(20)))


def test_the_minimum_controlled_value_binds_nobody_who_owes_nothing():
    vault = make_vault(minimum_controlled_value=Decimal(40_000))
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(100)))


@pytest.mark.parametrize("price", [480, 400, 300])
def test_watch_called_and_closed_out_facilities_neither_draw_nor_release(vault, price):
    position = vault.pledge(100)
    loan = make_loan(vault.desk, principal=Decimal(26_000))
    pay_out(vault.desk, loan, Decimal(25_000))
    make_tick({"alpha": price}, on=NEXT)
    assert vault.band() == {480: "watch", 400: "watch", 300: "called"}[price]
    request = request_payment(vault.desk, Loan.objects.get(pk=loan.pk), Decimal(1))
    with refusal(WouldUncover):
        approve_disbursement(
            disbursement=request, on=NEXT, actor=vault.desk.team.approver, now=noon(NEXT)
        )
    with refusal(BelowReleaseLevel):
        vault.release(Take(position.pk, Decimal(1)), on=NEXT, now=noon(NEXT))


def test_an_act_of_an_earlier_day_is_judged_by_the_live_price(vault):
    """Entered with yesterday's date, when the goods were worth more."""
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(20_000))
    make_tick({"alpha": 450}, on=NEXT)
    with refusal(BelowReleaseLevel) as caught:
        vault.release(Take(position.pk, Decimal(11)), on=START, now=noon(NEXT))
    assert caught[0].numbers["allowed"] == Decimal("18022.50")


def test_an_open_shortfall_may_be_lessened_and_not_deepened(vault):
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 400}, on=NEXT)
    at = {"on": NEXT, "now": noon(NEXT)}
    lot = vault.lot(31, vault.goods.beta)
    with refusal(WouldUncover):
        vault.swap([Take(position.pk, Decimal(10))], [(lot, Decimal(15))], **at)
    vault.swap([Take(position.pk, Decimal(10))], [(lot, Decimal(16))], **at)
    vault.pledge(1, **at)
    assert vault.band() == "watch"


def test_a_stale_price_lends_nothing_and_blocks_drawing(vault):
    """Five weekdays without a price: new advances stop; the reason is on the quote."""
    vault.pledge(100)
    stale = date(2016, 3, 9)
    loan = make_loan(vault.desk, principal=Decimal(10), on=stale)
    with refusal(WouldUncover) as caught:
        pay_out_on(vault, loan, stale)
    assert caught[0].numbers == {"exposure": 10, "lending_value": 0, "short": 10}
    fresh = make_loan(vault.desk, principal=Decimal(10), on=date(2016, 3, 8))
    pay_out_on(vault, fresh, date(2016, 3, 8))


def pay_out_on(vault, loan, day):
    with transaction.atomic():
        pay_out(vault.desk, loan, loan.principal, on=day)


def test_goods_without_any_price_lend_nothing(vault):
    make_commodity(code="gamma", quoted_unit="kg")
    vault.pledge(1_000, make_pure("gamma"))
    assert (vault.cover().market_value, vault.cover().lending_value) == (0, 0)


# --- takes ------------------------------------------------------------------------------------


def test_more_than_is_left(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(40)))
    with refusal(NotEnoughLeft) as caught:
        vault.release(Take(position.pk, Decimal("60.5")))
    assert caught[0].numbers == {"left": 60, "short": Decimal("0.5")}
    assert str(caught[0]) == f"{position.label}: 60 KGM left, asked 60.5, short 0.5"


def test_a_closed_position_has_nothing_left(vault):
    position = vault.pledge(100)
    vault.release(Take(position.pk, Decimal(100)))
    with refusal(NotEnoughLeft) as caught:
        vault.release(Take(position.pk, Decimal(1)))
    assert caught[0].numbers == {"left": 0, "short": 1}


@pytest.mark.parametrize("quantity", [0, -1])
def test_nothing_to_take(vault, quantity):
    position = vault.pledge(100)
    with refusal(NothingToConvert):
        vault.release(Take(position.pk, Decimal(quantity)))


def test_a_position_named_twice(vault):
    position = vault.pledge(100)
    with refusal(NothingToConvert):
        vault.release(Take(position.pk, Decimal(1)), Take(position.pk, Decimal(1)))


@pytest.mark.parametrize("quantity", [0, -5])
def test_nothing_to_pledge(vault, quantity):
    lot = vault.lot(100)
    with refusal(NothingToConvert):
        vault.pledge_lot(lot, quantity)


def test_no_lots_to_swap_for(vault):
    position = vault.pledge(100)
    with refusal(NothingToConvert):
        vault.swap([Take(position.pk, Decimal(1))], [])


def test_a_release_of_nothing_makes_no_conversion(vault):
    with refusal(NothingToConvert):
        vault.release()


@pytest.mark.parametrize("make", ["prepay", "released"])
def test_the_wrong_right(vault, make):
    position = vault.prepay(100) if make == "prepay" else released(vault)
    with refusal(WrongRight) as caught:
        vault.release(Take(position.pk, Decimal(1)))
    assert str(position.get_right_display()) in str(caught[0])


def released(vault):
    position = vault.pledge(1)
    [freed] = vault.release(Take(position.pk, Decimal(1)))
    return freed


def test_a_pledge_is_not_production_material(vault):
    position = vault.pledge(100)
    product = make_product(vault.goods.alpha, per_piece=Decimal(1), loss=Decimal(0), code="alpha")
    with refusal(WrongRight):
        vault.assemble([Take(position.pk, Decimal(1))], product=product, quantity=1)


def test_a_position_of_another_facility(vault):
    other = make_vault(goods=vault.goods)
    position = other.pledge(100)
    with refusal(NotInThisFacility) as caught:
        vault.release(Take(position.pk, Decimal(1)))
    assert str(caught[0]) == "no such position in this facility"


def test_production_that_does_not_tie(vault):
    material = vault.mortgage(1_000)
    product = make_product(
        vault.goods.alpha, per_piece=Decimal(2), loss=Decimal("0.05"), code="alpha"
    )
    for consumed in ("199", "211"):
        with refusal(ProductionDoesNotTie):
            vault.assemble([Take(material.pk, Decimal(consumed))], product=product, quantity=100)


def test_a_conversion_cannot_make_what_its_kind_does_not(vault):
    with refusal(InvariantBroken), vault.act() as act:
        convert(
            act=act,
            kind=ConversionKind.PREPAY,
            taken=[],
            makes=[Make(Right.PROCEEDS, Decimal(1), "USD", "out of thin air")],
            evidence=EVIDENCE,
        )


def test_a_delivery_of_nothing_is_a_broken_invariant(vault):
    claim = vault.prepay(10)
    with refusal(InvariantBroken), vault.act() as act:
        deliver(act=act, claims=[Take(claim.pk, Decimal(1))], lots=[], evidence=EVIDENCE)


# --- hands ------------------------------------------------------------------------------------


def test_one_person_does_not_release(vault):
    position = vault.pledge(100)
    with refusal(SameHand):
        vault.release(Take(position.pk, Decimal(1)), maker=vault.desk.team.approver)


def test_the_system_does_not_release(vault):
    position = vault.pledge(100)
    with refusal(SameHand):
        vault.release(Take(position.pk, Decimal(1)), actor=SYSTEM)


def test_another_lenders_approver_does_not_release(vault):
    position = vault.pledge(100)
    stranger = make_vault(goods=vault.goods).desk.team.approver
    with refusal(NotYourFacility):
        vault.release(Take(position.pk, Decimal(1)), actor=stranger)


def test_a_preparer_does_not_decide(vault):
    position = vault.pledge(100)
    team = vault.desk.team
    with refusal(NotAllowed):
        vault.release(Take(position.pk, Decimal(1)), maker=team.approver, actor=team.preparer)


def test_a_release_beyond_authority_is_measured_at_market_value(vault):
    person = make_person(organisation=vault.desk.team.lender, roles=[Role.APPROVER])
    make_authority(person=person, act=Act.RELEASE, amount=Decimal(5_000))
    clerk = Actor.of(person)
    position = vault.pledge(100)
    with refusal(BeyondAuthority) as caught:
        vault.release(Take(position.pk, Decimal("10.1")), actor=clerk)
    assert "5,050" in str(caught[0])
    assert "5,000" in str(caught[0])
    vault.release(Take(position.pk, Decimal(10)), actor=clerk)


def test_what_is_swapped_out_needs_authority_too(vault):
    person = make_person(organisation=vault.desk.team.lender, roles=[Role.APPROVER])
    make_authority(person=person, act=Act.RELEASE, amount=Decimal(5_000))
    position = vault.pledge(100)
    lot = vault.lot(50)
    with refusal(BeyondAuthority):
        vault.swap(
            [Take(position.pk, Decimal(11))],
            [(lot, Decimal(50))],
            actor=Actor.of(person),
        )


# --- goods ------------------------------------------------------------------------------------


def test_goods_of_another_owner(vault):
    lot = vault.lot(100, owner=make_borrower())
    with refusal(NotTheBorrowersGoods):
        vault.pledge_lot(lot)
    claim = vault.prepay(1)
    with refusal(NotTheBorrowersGoods), vault.act() as act:
        deliver(
            act=act,
            claims=[Take(claim.pk, Decimal(1))],
            lots=[(lot, Decimal(1))],
            evidence=EVIDENCE,
        )


def test_a_lot_claimed_by_another_lender_is_refused_in_neutral_words(vault):
    """The borrower has a second bank: it learns that the goods are bound, not to whom."""
    rival = make_rival(vault)
    lot = vault.lot(100)
    vault.pledge_lot(lot, 80)
    with refusal(AlreadyClaimed) as caught:
        rival.pledge_lot(lot, 30)
    told = str(caught[0].as_dict())
    assert caught[0].numbers["short"] == 10
    for name in (
        vault.desk.facility.code,
        vault.desk.team.lender.name,
        vault.desk.team.lender.code,
    ):
        assert name not in told
        assert escape(name) not in told
    rival.pledge_lot(lot, 20)


def make_rival(vault):
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    return replace(vault, desk=replace(vault.desk, team=team, facility=facility))


def test_more_than_is_on_hand(vault):
    lot = vault.lot(100)
    with refusal(NotFree) as caught:
        vault.pledge_lot(lot, 101)
    assert not isinstance(caught[0], AlreadyClaimed)
    assert (caught[0].numbers["free"], caught[0].numbers["short"]) == (100, 1)


def test_an_item_without_a_price_formula(vault):
    lot = vault.lot(100, make_item(owner=vault.desk.borrower))
    with refusal(NothingToLendOn):
        vault.pledge_lot(lot)


def test_a_currency_without_a_money_basis():
    vault = make_vault(currency="CNY")
    with refusal(CurrencyNotValued):
        vault.prepay(100)


def test_goods_in_another_currency_count_for_nothing():
    vault = make_vault(currency="CNY")
    vault.pledge(100)
    assert vault.cover().market_value == 0


def test_an_act_that_fails_halfway_leaves_nothing(vault):
    """The hold was placed and the pool raised when the second half was refused."""
    position = vault.pledge(100)
    lot = vault.lot(50)
    with refusal(NotEnoughLeft), vault.act() as act:
        vault.pledge_lot(lot)
        assert Position.objects.count() == 2
        take(act=act, kind=ConversionKind.RELEASE, takes=[Take(position.pk, Decimal(101))])

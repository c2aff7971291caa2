"""The closest open peer's behaviours, with its figures, through our services.

A kilogram of A is worth 500 USD and one of B 250; both lend half; money costs 13.5 % a year. The
pledge rate is the one the platform itself publishes: a calm history would allow more, the cap of
the commodity decides. Rows are numbered as in the design's table of peer behaviours.
"""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from ledger.models import Entry
from lending.models import Loan, Waiver
from lending.services.loans import agree_loan, stop_interest
from lending.states import Product
from pledges.models import CoverRecord, MarginCall
from pledges.rules.cover import goods_needed
from pledges.services.conversion import Take
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from tests.factories.lending import (
    DUE,
    START,
    accrue_through,
    make_drawn_loan,
    make_loan,
    pay_out,
    receive,
)
from tests.factories.pledges import HALF, Vault, make_goods, make_pure, make_vault
from tests.factories.risk import make_quoted, make_tick, noon
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

NEXT, AFTER = date(2016, 3, 2), date(2016, 3, 3)


@pytest.fixture(autouse=True)
def invariants_hold(db):
    """Prove every room's invariants on what each scenario leaves behind."""
    yield
    assert breaches() == {}


def vault_at(**terms) -> Vault:
    return make_vault(annual_rate=Decimal("0.135"), **terms)


@pytest.fixture
def vault(db) -> Vault:
    return vault_at()


def draw(vault: Vault, amount: int, *, on: date = START) -> Loan:
    """Draw so much under a loan of its own, or leave nothing behind."""
    with transaction.atomic():
        loan = agree_loan(
            facility=vault.desk.facility,
            product=Product.PLEDGE,
            principal=Decimal(amount),
            on=on,
            due_on=DUE,
            actor=vault.desk.team.preparer,
            now=noon(on),
        )
        pay_out(vault.desk, loan, Decimal(amount), on=on)
    return Loan.objects.get(pk=loan.pk)


def test_1_a_pledge_of_4000_a_may_draw_1000000(vault):
    vault.pledge(4_000)
    cover = vault.cover()
    assert (cover.market_value, cover.lending_value, cover.headroom) == (
        2_000_000,
        1_000_000,
        1_000_000,
    )
    with pytest.raises(WouldUncover):
        draw(vault, 1_000_001)
    draw(vault, 1_000_000)


def test_2_two_draws_with_entries_of_their_own_and_a_third_after_repayment(vault):
    vault.pledge(4_000)
    loan = make_loan(vault.desk, principal=Decimal(1_500_000))
    for _ in range(2):
        pay_out(vault.desk, Loan.objects.get(pk=loan.pk), Decimal(500_000))
    entries = Entry.objects.filter(kind="disbursement_instructed")
    assert entries.count() == 2
    assert len({entry.number for entry in entries}) == 2
    with pytest.raises(WouldUncover):
        draw(vault, 1)
    # Thirty days at 13.5 % of 360: 11,250. Repaid on the eve of the new draw, interest stops there.
    eve, day = date(2016, 3, 31), date(2016, 4, 1)
    make_tick({"alpha": 500}, on=eve)
    receive(vault.desk, Decimal(511_250), on=eve)
    repaid = Loan.objects.get(pk=loan.pk)
    assert (repaid.owed_principal, repaid.owed_interest, repaid.accrued_through) == (
        500_000,
        0,
        eve,
    )
    assert vault.cover(eve).headroom == 500_000
    draw(vault, 499_812, on=day)
    # A day's interest on the half that stayed: 187.50.
    assert vault.cover(day).headroom <= 188


def fallen(vault: Vault) -> Vault:
    """Row 3: 8,000 B pledged, 1,000,000 drawn, the price falls from 250 to 100."""
    vault.pledge(8_000, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    make_tick({"beta": 100}, on=NEXT)
    return vault


def test_3_a_fall_from_250_to_100_takes_600000_in_cash_or_twice_that_in_goods(vault):
    fallen(vault)
    cover = vault.cover(NEXT)
    assert cover.market_value == 800_000
    assert cover.exposure / cover.market_value == Decimal("1.25")
    assert (cover.shortfall, cover.band) == (600_000, "close_out")
    assert goods_needed(shortfall=cover.shortfall, rate=HALF) == 1_200_000
    call = MarginCall.objects.get()
    assert (call.state, call.cash_needed) == ("escalated", 600_000)


def test_3_the_peers_cure_of_600000_in_goods_leaves_half_of_the_gap_open(vault):
    fallen(vault)
    at = {"on": NEXT, "now": noon(NEXT)}
    vault.pledge(1_200, **at)  # 600,000 of A at full value
    assert vault.cover(NEXT).shortfall == 300_000
    assert MarginCall.objects.get().state == "escalated"
    vault.pledge(Decimal("1199.999999"), **at)
    assert vault.cover(NEXT).shortfall == Decimal("0.01")
    vault.pledge(Decimal("0.000001"), **at)
    assert (vault.cover(NEXT).shortfall, MarginCall.objects.get().state) == (0, "cured")


def test_4_the_price_comes_back_and_the_history_of_the_call_stays(vault):
    fallen(vault)
    make_tick({"beta": 250}, on=AFTER)
    assert (vault.band(), vault.cover(AFTER).shortfall) == ("covered", 0)
    call = MarginCall.objects.get()
    assert (call.state, call.cure, call.opened_on, call.cash_needed, call.cured_at) == (
        "cured",
        "price",
        NEXT,
        600_000,
        noon(AFTER),
    )
    bands = CoverRecord.objects.filter(cause="tick").order_by("pk").values_list("band", flat=True)
    assert list(bands) == ["close_out", "covered"]


def test_5_what_may_be_drawn_after_a_fall_and_without_one(vault):
    vault.pledge(8_000, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(700_000))
    assert vault.cover().headroom == 300_000
    make_tick({"beta": 100}, on=NEXT)
    assert vault.cover(NEXT).headroom == 0
    with pytest.raises(WouldUncover):
        draw(vault, 1, on=NEXT)


def test_6_a_release_after_repayment_and_one_unit_beyond_the_level():
    """2,000 A and 4,000 B; with the release factor at 1, as the peer has it, 400,000 are owed."""
    vault = vault_at(release_factor=Decimal(1))
    vault.pledge(2_000)
    beta = vault.pledge(4_000, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    receive(vault.desk, Decimal(600_000), on=START)
    vault.release(Take(beta.pk, Decimal(2_000)))
    assert vault.cover().headroom == 350_000
    vault.release(Take(beta.pk, Decimal(2_000)))
    with pytest.raises(BelowReleaseLevel):
        vault.release(Take(first_alpha(vault), Decimal("400.000001")))
    vault.release(Take(first_alpha(vault), Decimal(400)))
    assert vault.cover().headroom == 0


def test_6_by_our_own_factor_the_same_release_is_allowed_and_leaves_a_tenth_of_air(vault):
    vault.pledge(2_000)
    beta = vault.pledge(4_000, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    receive(vault.desk, Decimal(600_000), on=START)
    vault.release(Take(beta.pk, Decimal(2_000)))
    # 400,000 owed need 444,444.45 of lending value: 305,555.55 may go, 2,444 kg of B at 125.
    with pytest.raises(BelowReleaseLevel) as refused:
        vault.release(Take(beta.pk, Decimal(2_000)), Take(first_alpha(vault), Decimal(223)))
    assert refused.value.numbers["short"] == Decimal("175.00")
    vault.release(Take(beta.pk, Decimal(2_000)), Take(first_alpha(vault), Decimal(222)))


def first_alpha(vault: Vault):
    return vault.desk.facility.positions.get(lot__item=vault.goods.alpha, right="pledge").pk


def test_7_the_whole_pool_covers_the_whole_facility(vault):
    vault.pledge(4_000)
    for _ in range(2):
        make_drawn_loan(vault.desk, principal=Decimal(250_000))
    make_tick({"alpha": 200}, on=NEXT)
    assert vault.cover(NEXT).shortfall == 100_000
    # Of 800,000 it owes 500,000, within the watch line of two thirds: it may not draw, no call yet.
    assert vault.band() == "watch"
    assert not MarginCall.objects.exists()


def test_10_two_goods_with_different_rates_are_weighted(db):
    """C lends 80 % of 100: with as much value in A, the basket lends 65 % of all of it."""
    vault = vault_at()
    make_quoted(code="gamma", price=Decimal(100), rate=Decimal("0.8"), on=START, quoted_unit="kg")
    vault.pledge(1_000)
    vault.pledge(5_000, make_pure("gamma"))
    cover = vault.cover()
    assert (cover.market_value, cover.lending_value) == (1_000_000, 650_000)
    draw(vault, 650_000)
    with pytest.raises(WouldUncover):
        draw(vault, 1)


def test_10_the_order_of_pledging_makes_no_difference():
    goods = make_goods()
    make_quoted(code="gamma", price=Decimal(100), rate=Decimal("0.8"), on=START, quoted_unit="kg")
    gamma = make_pure("gamma")
    first, second = make_vault(goods=goods), make_vault(goods=goods)
    first.pledge(10)
    first.pledge(10, gamma)
    second.pledge(10, gamma)
    second.pledge(10)
    assert first.cover() == second.cover()


def test_8_fifty_less_than_due_is_let_go_by_rule_and_the_loan_closes():
    vault = vault_at(waiver_tolerance=Decimal(50))
    vault.pledge(4_000)
    loan = make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    # 360 days at 13.5 % are 135,000; from day to day it is counted to the cent.
    on = date(2016, 3, 31)
    owed = sum(loan.owed_on(on).values())
    assert owed == 1_011_250  # 30 days: 1,000,000 × 0.135 × 30 / 360
    receive(vault.desk, owed - Decimal(50), on=on)
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total, vault.desk.fresh().exposure) == ("repaid", 0, 0)
    waived = Waiver.objects.get()
    assert (waived.component, waived.amount) == ("principal", 50)


def test_8_a_cent_more_than_the_tolerance_stays_owed():
    vault = vault_at(waiver_tolerance=Decimal(50))
    vault.pledge(4_000)
    loan = make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    receive(vault.desk, Decimal("999949.99"), on=START)
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total) == ("drawn", Decimal("50.01"))
    assert not Waiver.objects.exists()


def test_9_no_interest_after_the_stop_date(vault):
    vault.pledge(4_000)
    loan = make_drawn_loan(vault.desk, principal=Decimal(1_000_000))
    stop = date(2016, 3, 11)
    stop_interest(
        loan=loan,
        stops_on=stop,
        reason="agreed",
        actor=vault.desk.team.approver,
        now=noon(START),
    )
    accrue_through(vault.desk, date(2016, 3, 31))
    loan.refresh_from_db()
    assert loan.owed_interest == 3_750  # 10 days: 1,000,000 × 0.135 × 10 / 360
    assert vault.desk.fresh().exposure == 1_003_750

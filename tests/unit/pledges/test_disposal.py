"""Disposal after default: what is sold, to whom, at what price, and where the money goes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.errors import constraint_name
from common.states import TransitionRefused
from ledger.models import Account, Posting
from lending.models import WriteOff
from lending.refusals import BankReferenceMissing, NotInDefault
from lending.services.default import ask_to_heal
from lending.services.write_off import approve_write_off, request_write_off
from logistics.models import Lot
from outbox.models import Alert
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.models import Conversion, DisposalCase, DisposalChannel, MarginCall, Position, Sale
from pledges.services.conversion import Take
from pledges.services.cover import NoReleaseInDefault
from pledges.services.disposal.agree_channel import (
    ChannelTerms,
    agree_channel,
    end_channel,
    propose_channel,
    refuse_channel,
)
from pledges.services.disposal.declare_default import (
    heal_default,
    propose_default,
)
from pledges.services.disposal.open_case import begin_selling, cancel_case, open_case
from pledges.services.disposal.put_up_lot import withdraw_lot
from pledges.services.disposal.refusals import (
    AlreadyForSale,
    BelowAgreedPrice,
    BelowReserve,
    CaseNotSelling,
    CaseRuns,
    ChannelNotAgreed,
    ChannelUnsound,
    CostsAbovePrice,
    MoreThanRestores,
    NoSurplus,
    NotEnforceable,
    NothingToRestore,
    NotThisChannel,
    OfferLapsed,
    PaymentUsed,
    SaleProposed,
    StillForSale,
    StillShort,
)
from pledges.services.disposal.restoring import plan_restoring
from pledges.services.disposal.sell_lot import accept_sale, refuse_sale
from pledges.services.disposal.settle_case import (
    give_up_goods,
    pay_surplus,
    request_surplus,
    settle_case,
)
from pledges.services.margin_calls import escalate_expired
from pledges.states import ChannelKind, DisposalTarget
from tests.factories.disposal import SOLD, WED, make_channel, make_enforcement
from tests.factories.lending import receive
from tests.factories.parties import NOW, SYSTEM, make_authority, make_buyer, make_person
from tests.factories.risk import make_tick
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def field():
    return make_enforcement()


def balance(field, code):
    """Return debits less credits of an account of the lender."""
    account = Account.objects.filter(tenant=field.facility.tenant, code=code).first()
    if account is None:
        return Decimal(0)
    debit = sum(p.amount for p in Posting.objects.filter(debit_account=account))
    return debit - sum(p.amount for p in Posting.objects.filter(credit_account=account))


def terms(**changes):
    values = {"kind": ChannelKind.MARKETPLACE, "terms": "open sale", "valid_from": WED}
    return ChannelTerms(**(values | changes))


# Channels


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"kind": "barter"}, "kind"),
        ({"terms": " "}, "terms"),
        ({"kind": ChannelKind.AGREED_BUYER}, "counterparty"),
        ({"price_share": Decimal(0)}, "price_share"),
        ({"valid_until": WED}, "valid_until"),
    ],
)
def test_a_channel_says_who_buys_at_what_price_and_how_long(field, changes, at_fault):
    with refusal(ChannelUnsound) as caught:
        propose_channel(
            facility=field.facility, terms=terms(**changes), actor=field.team.preparer, now=NOW
        )
    assert caught[0].field == at_fault


def test_a_channel_is_agreed_by_another_person(field):
    channel = propose_channel(
        facility=field.facility, terms=terms(), actor=field.team.risk_officer, now=NOW
    )
    with refusal(SamePerson):
        agree_channel(channel=channel, on=WED, actor=field.team.risk_officer, now=NOW)
    with refusal(NotAllowed):
        agree_channel(channel=channel, on=WED, actor=field.team.preparer, now=NOW)
    refuse_channel(channel=channel, actor=field.team.approver, now=NOW)
    with pytest.raises(TransitionRefused):
        agree_channel(channel=channel, on=WED, actor=field.team.approver, now=NOW)


def test_a_channel_that_came_after_the_default_sells_nothing(field):
    lot = field.put_up(field.case(), 100)
    late = make_channel(field.vault, kind=ChannelKind.MARKETPLACE, on=SOLD + timedelta(days=1))
    field.channels["marketplace"] = late
    with refusal(ChannelNotAgreed):
        field.offer(lot, 20_000, kind="marketplace")
    end_channel(channel=field.channels["agreed_buyer"], on=WED, actor=field.team.approver, now=NOW)
    field.channels = {c.kind: c for c in DisposalChannel.objects.all()}
    with refusal(ChannelNotAgreed):
        field.offer(lot, 20_000)


# Default


def test_a_call_is_a_default_once_its_clock_has_run_out(field):
    call = MarginCall.objects.get()
    asked = {
        "facility": field.facility,
        "cause": "uncured_call",
        "reference": str(call.pk),
        "reason": "not cured",
        "on": WED,
        "actor": field.team.preparer,
    }
    with refusal(NotEnforceable):
        propose_default(now=call.due_at - timedelta(seconds=1), **asked)
    escalate_expired(actor=SYSTEM, now=call.due_at + timedelta(seconds=1))
    with refusal(NotEnforceable):
        propose_default(now=call.due_at, **asked)
    notice = propose_default(now=call.due_at + timedelta(hours=1), **asked)
    assert (notice.cause, notice.state) == ("uncured_call", "proposed")


def test_a_default_alerts_both_houses_and_stops_releases(field):
    make_tick({"alpha": 5_000}, on=SOLD)
    field.default()
    alerts = Alert.objects.filter(topic="pledges.default_declared")
    assert sorted(alerts.values_list("organisation_id", flat=True)) == sorted(
        [field.facility.tenant_id, field.facility.borrower_id]
    )
    with refusal(NoReleaseInDefault):
        field.vault.release(Take(field.goods.pk, Decimal(1)), **field.at)


def test_a_default_heals_when_the_cover_stands_again_and_its_case_with_it(field):
    case = field.case()
    lot = field.put_up(case, 100)
    notice = case.notice
    ask_to_heal(notice=notice, reason="paid", actor=field.team.preparer, now=field.now)
    with refusal(StillShort) as caught:
        heal_default(notice=notice, actor=field.team.approver, **field.at)
    assert caught[0].numbers == {"short": 10_000}
    receive(field.vault.desk, Decimal(10_000), on=SOLD)
    heal_default(notice=notice, actor=field.team.approver, **field.at)
    case.refresh_from_db()
    lot.refresh_from_db()
    assert (case.state, lot.state, field.facility.state) == ("healed", "withdrawn", "active")


# Cases


def test_a_case_follows_a_default_and_sells_by_two_people(field):
    notice = field.default()
    case = open_case(notice=notice, target="everything", actor=field.team.risk_officer, **field.at)
    assert (case.exposure, case.market_value, case.lending_value) == (25_000, 30_000, 15_000)
    with refusal(CaseNotSelling):
        field.put_up(case, 10)
    with refusal(SamePerson):
        begin_selling(case=case, actor=field.team.risk_officer, **field.at)
    with refusal(CaseRuns):
        open_case(notice=notice, target="restore", actor=field.team.preparer, **field.at)
    begin_selling(case=case, actor=field.team.approver, **field.at)
    cancel_case(case=case, reason="agreed otherwise", actor=field.team.approver, **field.at)
    assert DisposalCase.objects.get().state == "cancelled"
    open_case(notice=notice, target="restore", actor=field.team.preparer, **field.at)


def test_no_case_without_default_and_none_to_restore_what_is_covered(field):
    notice = field.default()
    receive(field.vault.desk, Decimal(10_000), on=SOLD)
    with refusal(NothingToRestore):
        open_case(notice=notice, target="restore", actor=field.team.preparer, **field.at)
    ask_to_heal(notice=notice, reason="paid", actor=field.team.preparer, now=field.now)
    heal_default(notice=notice, actor=field.team.approver, **field.at)
    with refusal(NotInDefault):
        open_case(notice=notice, target="everything", actor=field.team.preparer, **field.at)


# The restoring size


def test_only_the_restoring_size_is_sold(field):
    """Short 10,000; a kilogram brings 300 and lent 150: 66.666… kg, so 66.667 kg."""
    case = field.case(DisposalTarget.RESTORE)
    plan = plan_restoring(
        facility=field.facility, shortfall=Decimal(10_000), net_share=Decimal(1), as_of=SOLD
    )
    assert plan.quantity_of(field.goods.pk) == Decimal("66.667")
    with refusal(MoreThanRestores) as caught:
        field.put_up(case, "66.668")
    assert caught[0].numbers == {"need": 10_000, "gain": Decimal("10000.20")}
    lot = field.put_up(case, "66.667", reserve=19_000)
    sale = field.sell(lot, "20000.10")
    cover = field.vault.cover(SOLD)
    assert (cover.exposure, cover.lending_value) == (Decimal("4999.90"), Decimal("4999.95"))
    assert cover.shortfall == 0
    assert MarginCall.objects.get().state == "cured"
    assert (sale.state, sale.repayment.amount) == ("done", Decimal("20000.10"))
    with refusal(NothingToRestore):
        field.put_up(case, 1)


def test_the_costs_of_selling_make_the_restoring_size_larger(field):
    """At 90 % net a kilogram brings 270 and lent 150: 83.334 kg."""
    plan = plan_restoring(
        facility=field.facility, shortfall=Decimal(10_000), net_share=Decimal("0.9"), as_of=SOLD
    )
    assert plan.quantity_of(field.goods.pk) == Decimal("83.334")


def test_what_brings_no_more_than_it_lent_restores_nothing_so_all_of_it_is_for_sale(field):
    plan = plan_restoring(
        facility=field.facility, shortfall=Decimal(10_000), net_share=Decimal("0.5"), as_of=SOLD
    )
    assert (plan.restores, plan.left) == (False, 10_000)
    assert plan.quantity_of(field.goods.pk) == 100
    case = field.case(DisposalTarget.RESTORE)
    assert field.put_up(case, 100, expected_share=Decimal("0.5")).market_value == 30_000


def test_lots_on_the_market_count_for_the_next_ones(field):
    case = field.case(DisposalTarget.RESTORE)
    field.put_up(case, 40)
    with refusal(MoreThanRestores):
        field.put_up(case, 27)
    field.put_up(case, "26.667")
    with refusal(AlreadyForSale) as caught:
        field.put_up(case, 34)
    assert caught[0].numbers["free"] == Decimal("33.333")


# Offers


def test_a_buy_back_pays_its_agreed_share_of_the_live_value(field):
    """80 % of 30,000; after a further fall to 200 it is 80 % of 20,000."""
    lot = field.put_up(field.case(), 100)
    with refusal(BelowAgreedPrice) as caught:
        field.offer(lot, "23999.99", kind="buy_back", bidder=field.supplier)
    assert caught[0].numbers["short"] == Decimal("0.01")
    field.offer(lot, 24_000, kind="buy_back", bidder=field.supplier)
    make_tick({"alpha": 200}, on=SOLD)
    field.offer(lot, 16_000, kind="buy_back", bidder=field.supplier)


def test_an_agreed_buyer_is_the_one_who_was_agreed(field):
    lot = field.put_up(field.case(), 100)
    stranger = make_buyer()
    with refusal(NotThisChannel):
        field.offer(lot, 20_000, bidder=stranger)
    with refusal(NotThisChannel):
        field.offer(lot, 20_000, kind="auction")
    field.offer(lot, 20_000, kind="marketplace", bidder=stranger)


def test_no_sale_below_the_reserve(field):
    lot = field.put_up(field.case(), 100, reserve=24_000)
    offer = field.offer(lot, "23999.99")
    with refusal(BelowReserve) as caught:
        field.propose(offer)
    assert caught[0].numbers["short"] == Decimal("0.01")
    assert field.sell(lot, 24_000).price == 24_000


def test_an_offer_that_has_lapsed_is_not_accepted(field):
    lot = field.put_up(field.case(), 100)
    offer = field.offer(lot, 24_000)
    sale = field.propose(offer)
    with refusal(OfferLapsed):
        field.accept(sale, now=offer.binding_until)


# Sales


def test_a_sale_is_accepted_by_another_person_with_authority_against_payment(field):
    lot = field.put_up(field.case(), 100)
    offer = field.offer(lot, 20_000)
    sale = field.propose(offer, 500)
    with refusal(SaleProposed):
        field.propose(offer)
    asked = {"bank_reference": "CR-1", **field.at}
    with refusal(BankReferenceMissing):
        accept_sale(sale=sale, actor=field.team.approver, **(asked | {"bank_reference": " "}))
    junior = make_person(organisation=field.team.lender, roles=[Role.APPROVER])
    make_authority(person=junior, act=Act.RELEASE, amount=Decimal("29999.99"))
    with refusal(BeyondAuthority):
        accept_sale(sale=sale, actor=Actor.of(junior), **asked)
    with refusal(NotAllowed):
        accept_sale(sale=sale, actor=field.team.preparer, **asked)
    refused = refuse_sale(sale=sale, actor=field.team.approver, **field.at)
    assert refused.state == "refused"
    again = field.propose(offer, 500)
    assert accept_sale(sale=again, actor=field.team.approver, **asked).state == "done"
    with pytest.raises(TransitionRefused):
        accept_sale(sale=again, actor=field.team.approver, **asked)


def test_a_sale_moves_goods_and_money_in_one_act(field):
    """20,000 for goods worth 30,000: 500 of costs first, then 19,500 of the loan."""
    field.sell(field.put_up(field.case(), 100), 20_000, 500)
    lot = Lot.objects.get(pk=field.goods.lot_id)
    assert (lot.on_hand, lot.claimed) == (0, 0)
    [enforced] = Conversion.objects.filter(kind="enforce")
    assert (enforced.market_value_before, enforced.market_value_after) == (30_000, 0)
    made = {leg.position.right: leg.quantity for leg in enforced.legs.filter(direction="produced")}
    assert made == {"realised": 100, "proceeds": 20_000}
    allocations = Sale.objects.get().repayment.allocations.order_by("pk")
    assert list(allocations.values_list("component", "amount")) == [
        ("costs", 500),
        ("principal", 19_500),
    ]
    field.loan.refresh_from_db()
    assert field.loan.owed_total == 5_500
    code = field.facility.code
    assert balance(field, f"proceeds:{code}") == balance(field, f"collection:{code}") == 0
    assert balance(field, "cash") == 20_000 - 500


def test_a_sale_below_the_lending_value_is_recorded_and_called_never_refused(field):
    """10,000 for what lent 15,000: the shortfall grows from 10,000 to 15,000."""
    field.sell(field.put_up(field.case(), 100), 10_000)
    assert field.vault.cover(SOLD).shortfall == 15_000
    assert field.vault.band() == "close_out"


def test_a_payment_pays_one_sale(field):
    case = field.case()
    for kilos in (40, 60):
        lot = field.put_up(case, kilos)
        sale = field.propose(field.offer(lot, 5_000))
        if kilos == 40:
            accept_sale(sale=sale, bank_reference="CR-7", actor=field.team.approver, **field.at)
    with refusal(PaymentUsed):
        accept_sale(sale=sale, bank_reference="CR-7", actor=field.team.approver, **field.at)


def test_costs_are_less_than_the_price(field):
    offer = field.offer(field.put_up(field.case(), 100), 400)
    with refusal(CostsAbovePrice):
        field.propose(offer, "400.01")


def test_what_the_borrower_cured_meanwhile_is_not_sold(field):
    case = field.case(DisposalTarget.RESTORE)
    sale = field.propose(field.offer(field.put_up(case, "66.667"), 20_000))
    receive(field.vault.desk, Decimal(10_000), on=SOLD)
    with refusal(NothingToRestore):
        field.accept(sale)
    field.goods.refresh_from_db()
    assert field.goods.remaining == 100


def test_a_lot_can_be_withdrawn_until_it_is_sold(field):
    case = field.case()
    lot = field.put_up(case, 60)
    field.propose(field.offer(lot, 9_000))
    withdraw_lot(lot=lot, actor=field.team.preparer, **field.at)
    assert Sale.objects.get().state == "refused"
    sold = field.put_up(case, 100)
    field.sell(sold, 20_000)
    with pytest.raises(TransitionRefused):
        withdraw_lot(lot=sold, actor=field.team.preparer, **field.at)


# How it ends


def test_what_was_brought_beyond_the_debt_goes_back_by_two_people(field):
    case = field.case()
    field.sell(field.put_up(case, 100), 27_000, 300)
    case.refresh_from_db()
    assert (case.state, case.deficit, field.facility.exposure) == ("settled", 0, 0)
    surplus = request_surplus(case=case, actor=field.team.risk_officer, **field.at)
    assert surplus.amount == 27_000 - 300 - 25_000
    with refusal(NoSurplus):
        request_surplus(case=case, actor=field.team.preparer, **field.at)
    same = replace(field.team.risk_officer, roles=frozenset({"approver"}))
    with refusal(SamePerson):
        pay_surplus(surplus=surplus, bank_reference="RB-1", actor=same, **field.at)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        type(surplus).objects.filter(pk=surplus.pk).update(
            state="paid",
            checker=field.team.operations.person_id,
            paid_on=field.at["on"],
            bank_reference="RB-0",
        )
    assert constraint_name(caught.value) == "surplus_within_the_checkers_authority"
    paid = pay_surplus(
        surplus=surplus, bank_reference="RB-1", actor=field.team.approver, **field.at
    )
    assert paid.state == "paid"
    code = field.facility.code
    assert balance(field, f"proceeds:{code}") == balance(field, f"collection:{code}") == 0
    assert Position.objects.get(right="released").quantity == 1_700
    assert MarginCall.objects.get().state == "cured"


def test_a_deficit_is_recorded_written_off_and_still_claimed(field):
    case = field.case()
    with refusal(StillForSale) as caught:
        settle_case(case=case, actor=field.team.approver, **field.at)
    assert caught[0].numbers == {"positions": 1, "owed": 25_000}
    field.sell(field.put_up(case, 100), 18_000)
    settled = settle_case(case=case, actor=field.team.approver, **field.at)
    assert (settled.state, settled.deficit) == ("settled", 7_000)
    with refusal(NoSurplus):
        request_surplus(case=case, actor=field.team.preparer, **field.at)
    asked = request_write_off(
        loan=field.loan, reason="deficit", actor=field.team.preparer, now=field.now
    )
    approve_write_off(write_off=asked, on=SOLD, actor=field.team.approver, now=field.now)
    assert WriteOff.objects.get().claimed == 7_000
    assert balance(field, "write_off_expense") == 7_000
    assert (field.facility.exposure, field.vault.band()) == (0, "covered")
    call = MarginCall.objects.get()
    assert (call.state, call.cure) == ("cured", "write_off")
    last = call.entries.last()
    assert (last.need_before, last.need, last.by_write_off) == (7_000, 0, 7_000)
    assert (last.by_price, last.by_charges) == (0, 0)


def test_goods_that_cannot_be_had_are_written_off_by_two_people(field):
    case = field.case()
    asked = {
        "case": case,
        "goods": [Take(field.goods.pk, Decimal(40))],
        "maker": field.team.preparer,
        **field.at,
    }
    with refusal(SamePerson):
        give_up_goods(
            reason="not found", actor=field.team.risk_officer,
            **(asked | {"maker": field.team.risk_officer}),
        )  # fmt: skip
    [gone] = give_up_goods(reason="not found", actor=field.team.approver, **asked)
    assert (gone.right, gone.quantity) == ("written_off", 40)
    field.goods.refresh_from_db()
    assert field.goods.remaining == 60
    assert field.vault.cover(SOLD).market_value == 18_000


def test_a_claim_on_a_person_is_sold_at_a_price_or_collected_as_it_is():
    field = make_enforcement()
    claim = field.vault.prepay(10_000)
    field.goods = claim
    case = field.case()
    field.sell(field.put_up(case, 10_000), 6_000)
    claim.refresh_from_db()
    realised = Position.objects.get(right="realised")
    assert (claim.remaining, realised.quantity, realised.unit) == (0, 10_000, "USD")
    assert field.facility.exposure == 19_000
    assert Lot.objects.get(pk=Position.objects.get(right="pledge").lot_id).on_hand == 100


def test_statements_do_not_grow_with_the_lots(field, django_assert_max_num_queries):
    case = field.case()
    lots = [field.put_up(case, 10) for _ in range(3)]
    sale = field.propose(field.offer(lots[0], 1_000))
    with django_assert_max_num_queries(150):
        field.accept(sale)

from datetime import date
from decimal import Decimal

import pytest

from common.states import TransitionRefused
from ledger.models import Posting
from lending.models import Disbursement, Facility, Loan
from lending.refusals import NotYourFacility
from lending.services.disbursements import (
    confirm_payment,
    refuse_disbursement,
    return_payment,
)
from lending.states import DisbursementState
from orders.models import OrderClaim, PaymentStage
from orders.queries import get_progress, list_payable_stages, list_stages
from orders.refusals import (
    AccountUnclear,
    EvidenceAwaited,
    OwnShareNotEvidenced,
    StagesUnpaid,
)
from orders.services.placing import close_order
from orders.services.stages import (
    approve_stage_payment,
    confirm_stage_payment,
    refuse_stage_payment,
    request_stage_payment,
)
from orders.states import StageState
from outbox.services.delivery import drain
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.measure import measure
from pledges.models import Conversion, CoverRecord, MarginCall, Position
from pledges.services.cover import WouldUncover
from tests.factories.lending import START, make_drawn_loan
from tests.factories.orders import (
    approve,
    ask_for,
    deliver_goods,
    make_financing,
    make_order,
    make_order_desk,
    pay_stage,
)
from tests.factories.parties import (
    NOW,
    make_actor,
    make_bank_account,
    make_lender_team,
    make_supplier,
)

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def shop():
    return make_order_desk()


@pytest.fixture
def financing(shop):
    return make_financing(shop)


def stage_of(financing, number):
    return financing.stages.get(sequence=number)


def cover(shop):
    facility_id = shop.desk.facility.pk
    return measure(as_of=START, facility_ids=[facility_id])[facility_id]


def test_asking_names_the_supplier_and_changes_no_exposure(shop, financing):
    stage = ask_for(shop, stage_of(financing, 1))
    paid = stage.disbursement
    assert (paid.payee, paid.amount, paid.state) == (shop.desk.supplier, D(42_000), "requested")
    assert paid.account == shop.desk.supplier_account
    assert paid.maker_id == shop.desk.team.preparer.person_id
    assert (stage.state, cover(shop).exposure) == (StageState.REQUESTED, 0)


def test_paying_on_order_makes_a_claim_on_the_whole_stage(shop, financing):
    stage = approve(shop, stage_of(financing, 1))
    claim = stage.claims.get().position
    assert (claim.right, claim.quantity, claim.unit) == ("order_claim", D(60_000), "USD")
    assert (cover(shop).exposure, cover(shop).lending_value) == (D(42_000), D(48_000))
    assert stage.state == StageState.APPROVED
    [conversion] = Conversion.objects.all()
    assert conversion.kind == "prepay"
    assert conversion.evidence["kind"] == "entrusted_payment"
    assert conversion.evidence["own_reference"] == stage.own_reference
    assert (conversion.exposure_before, conversion.exposure_after) == (0, D(42_000))
    assert CoverRecord.objects.get(cause="prepay").band == "covered"


def test_a_confirmed_payment_is_booked_from_principal_through_clearing_to_cash(shop, financing):
    stage = pay_stage(shop, stage_of(financing, 1))
    assert (stage.state, stage.paid_on) == (StageState.PAID, START)
    number = financing.loan.number
    booked = Posting.objects.order_by("id").values_list(
        "debit_account__code", "credit_account__code", "amount"
    )
    assert list(booked) == [
        (f"principal:{number}", "clearing", D(42_000)),
        ("clearing", "cash", D(42_000)),
    ]


def test_the_buyers_own_payment_must_be_on_record(shop, financing):
    stage = stage_of(financing, 1)
    for reference in ("", "  "):
        with pytest.raises(OwnShareNotEvidenced) as refused:
            request_stage_payment(
                stage=stage, own_reference=reference, actor=shop.desk.team.preparer, now=NOW
            )
        assert refused.value.numbers == {"own_amount": D(18_000)}
        assert "18,000.00 USD" in str(refused.value)
    assert Disbursement.objects.count() == 0


def test_one_payment_of_the_buyer_counts_for_one_stage(shop, financing):
    deliver_goods(shop, financing.order)
    for_first = {"own_reference": "OWN-1", "actor": shop.desk.team.preparer, "now": NOW}
    request_stage_payment(stage=stage_of(financing, 1), **for_first)
    with pytest.raises(OwnShareNotEvidenced):
        request_stage_payment(stage=stage_of(financing, 2), **for_first)
    assert stage_of(financing, 2).state == StageState.PLANNED
    assert Disbursement.objects.count() == 1


def test_on_receipt_waits_for_all_the_goods(shop, financing):
    stage = stage_of(financing, 2)
    assert [s.sequence for s in list_payable_stages(actor=shop.buyer)] == [1]
    deliver_goods(shop, financing.order, (shop.foil, D(12_000)), (shop.wire, D("399.5")))
    with pytest.raises(EvidenceAwaited) as refused:
        ask_for(shop, stage)
    assert str(refused.value).endswith(f"{shop.wire}: received 399.5 kg of 400 kg")
    assert refused.value.numbers == {f"{shop.wire.code}.awaited": D("0.5")}
    assert Disbursement.objects.count() == 0
    deliver_goods(shop, financing.order, (shop.wire, D("0.5")))
    assert ask_for(shop, stage).state == StageState.REQUESTED


def test_paying_on_receipt_only_raises_exposure(shop, financing):
    pay_stage(shop, stage_of(financing, 1))
    deliver_goods(shop, financing.order)
    assert (cover(shop).exposure, cover(shop).lending_value) == (D(42_000), D(160_000))
    stage = pay_stage(shop, stage_of(financing, 2))
    assert (cover(shop).exposure, cover(shop).lending_value) == (D(140_000), D(160_000))
    assert not OrderClaim.objects.filter(stage=stage).exists()
    assert CoverRecord.objects.filter(cause="draw").count() == 1
    assert Conversion.objects.filter(kind="prepay").count() == 1


def test_an_advance_paid_after_goods_came_claims_only_the_rest(shop, financing):
    deliver_goods(shop, financing.order, (shop.foil, D(6_000)), (shop.wire, D(100)))  # 80,000
    stage = approve(shop, stage_of(financing, 1))
    assert stage.claims.get().position.quantity == D(36_000)  # 60,000 × 120,000 ÷ 200,000


def test_an_advance_paid_after_all_goods_came_claims_nothing(shop, financing):
    deliver_goods(shop, financing.order)
    stage = approve(shop, stage_of(financing, 1))
    assert not OrderClaim.objects.filter(stage=stage).exists()
    assert cover(shop).exposure == D(42_000)


def test_who_asks_does_not_approve(shop, financing):
    both = make_actor(organisation=shop.desk.team.lender, roles=[Role.PREPARER, Role.APPROVER])
    stage = request_stage_payment(
        stage=stage_of(financing, 1), own_reference="OWN", actor=both, now=NOW
    )
    with pytest.raises(SamePerson):
        approve_stage_payment(stage=stage, on=START, actor=both, now=NOW)
    with pytest.raises(NotAllowed):
        approve_stage_payment(stage=stage, on=START, actor=shop.desk.team.preparer, now=NOW)
    with pytest.raises(NotYourFacility):
        approve_stage_payment(stage=stage, on=START, actor=make_lender_team().approver, now=NOW)
    assert nothing_left(stage)


def nothing_left(stage):
    stage = PaymentStage.objects.get(pk=stage.pk)
    return (
        stage.state == StageState.REQUESTED
        and stage.disbursement.state == DisbursementState.REQUESTED
        and Position.objects.count() == Posting.objects.count() == 0
        and Facility.objects.get(pk=stage.financing.facility_id).exposure == 0
        and Loan.objects.get(pk=stage.financing.loan_id).drawn == 0
    )


def test_authority_bounds_what_is_approved():
    team = make_lender_team(authority=D(41_999))
    shop = make_order_desk(team=team, limit=D(41_999))
    order = make_order(shop, lines=[(shop.foil, D(5_000), D(10))])
    financing = make_financing(shop, order=order)
    stage = ask_for(shop, stage_of(financing, 1))
    assert approve_stage_payment(stage=stage, on=START, actor=team.approver, now=NOW).is_instructed


def test_beyond_authority_nothing_is_paid(shop, financing):
    stage = ask_for(shop, stage_of(financing, 1))
    junior = make_actor(organisation=shop.desk.team.lender, roles=[Role.APPROVER])
    with pytest.raises(BeyondAuthority):
        approve_stage_payment(stage=stage, on=START, actor=junior, now=NOW)
    assert nothing_left(stage)


def test_a_payment_that_would_uncover_is_refused_whole():
    shop = make_order_desk(order_advance_rate=D("0.7"))
    financing = make_financing(shop)
    pay_stage(shop, stage_of(financing, 1))
    deliver_goods(shop, financing.order, quality_deduction=D("0.2"))  # lends 128,000
    stage = ask_for(shop, stage_of(financing, 2))
    before = Position.objects.count(), Posting.objects.count(), CoverRecord.objects.count()
    with pytest.raises(WouldUncover) as refused:
        approve_stage_payment(stage=stage, on=START, actor=shop.desk.team.approver, now=NOW)
    assert refused.value.numbers == {
        "exposure": D(140_000),
        "lending_value": D(128_000),
        "short": D(12_000),
    }
    after = Position.objects.count(), Posting.objects.count(), CoverRecord.objects.count()
    assert after == before
    assert cover(shop).exposure == D(42_000)
    assert PaymentStage.objects.get(pk=stage.pk).state == StageState.REQUESTED


def test_the_supplier_needs_one_account_or_a_named_one(shop, financing):
    second = make_bank_account(organisation=shop.desk.supplier)
    with pytest.raises(AccountUnclear, match="several accounts in USD"):
        ask_for(shop, stage_of(financing, 1))
    stage = request_stage_payment(
        stage=stage_of(financing, 1),
        own_reference="OWN",
        account=second,
        actor=shop.desk.team.preparer,
        now=NOW,
    )
    assert stage.disbursement.account == second


def test_a_supplier_without_an_account_cannot_be_paid(shop):
    order = make_order(shop, supplier=make_supplier())
    financing = make_financing(shop, order=order)
    with pytest.raises(AccountUnclear, match="no accounts in USD"):
        ask_for(shop, stage_of(financing, 1))


def test_a_refused_request_may_be_made_again(shop, financing):
    stage = ask_for(shop, stage_of(financing, 1))
    back = refuse_stage_payment(
        stage=stage, reason="wrong invoice", actor=shop.desk.team.approver, now=NOW
    )
    assert (back.state, back.disbursement, back.own_reference) == ("planned", None, "")
    assert Disbursement.objects.get().state == DisbursementState.REFUSED
    assert approve(shop, back).state == StageState.APPROVED


def test_each_step_is_taken_once(shop, financing):
    stage = approve(shop, stage_of(financing, 1))
    with pytest.raises(TransitionRefused):
        ask_for(shop, stage)
    with pytest.raises(TransitionRefused):
        approve_stage_payment(stage=stage, on=START, actor=shop.desk.team.approver, now=NOW)
    with pytest.raises(TransitionRefused):
        refuse_stage_payment(stage=stage, reason="no", actor=shop.desk.team.approver, now=NOW)
    confirm = {
        "stage": stage,
        "bank_reference": "FT-1",
        "paid_on": START,
        "actor": shop.desk.team.operations,
        "now": NOW,
    }
    confirm_stage_payment(**confirm)
    with pytest.raises(TransitionRefused):
        confirm_stage_payment(**confirm)
    assert Position.objects.count() == 1


def test_the_same_click_twice_is_one_payment(shop, financing):
    stage = ask_for(shop, stage_of(financing, 1))
    click = {
        "stage": stage,
        "on": START,
        "actor": shop.desk.team.approver,
        "now": NOW,
        "idempotency_key": "click",
    }
    first = approve_stage_payment(**click)
    again = approve_stage_payment(**click)
    assert (first.pk, again.state) == (again.pk, StageState.APPROVED)
    assert Position.objects.count() == 1
    assert cover(shop).exposure == D(42_000)


def test_a_bank_file_that_confirms_in_lending_settles_the_stage(shop, financing):
    stage = approve(shop, stage_of(financing, 1))
    confirm_payment(
        disbursement=stage.disbursement,
        bank_reference="PAIN-1",
        paid_on=date(2016, 3, 2),
        actor=shop.desk.team.operations,
        now=NOW,
    )
    drain(now=NOW)
    stage = stage_of(financing, 1)
    assert (stage.state, stage.paid_on) == (StageState.PAID, date(2016, 3, 2))


def test_a_request_refused_in_lending_returns_the_stage(shop, financing):
    stage = ask_for(shop, stage_of(financing, 1))
    refuse_disbursement(
        disbursement=stage.disbursement, reason="no", actor=shop.desk.team.approver, now=NOW
    )
    drain(now=NOW)
    assert stage_of(financing, 1).state == StageState.PLANNED


def take_back(shop, stage):
    return return_payment(
        disbursement=stage.disbursement,
        reason="account closed",
        on=START,
        actor=shop.desk.team.operations,
        now=NOW,
    )


def test_a_payment_that_the_bank_returns_takes_its_claim_along(shop, financing):
    stage = approve(shop, stage_of(financing, 1))
    take_back(shop, stage)
    again = stage_of(financing, 1)
    assert (again.state, again.disbursement, again.own_reference) == ("planned", None, "")
    assert (cover(shop).exposure, cover(shop).lending_value) == (0, 0)
    claim = stage.claims.get().position
    assert claim.remaining == 0
    revoked = Conversion.objects.get(kind="revoke")
    assert revoked.evidence["reason"] == "account closed"
    assert claim.parts.get().right == "released"
    approve(shop, again)
    assert (cover(shop).exposure, cover(shop).lending_value) == (D(42_000), D(48_000))
    assert again.claims.count() == 2


def test_only_what_is_left_of_the_claim_is_revoked(shop, financing):
    stage = approve(shop, stage_of(financing, 1))
    deliver_goods(shop, financing.order, (shop.foil, D(12_000)))
    take_back(shop, stage)
    assert Position.objects.get(right="released").quantity == D(24_000)
    assert cover(shop).lending_value == D(96_000)


def test_a_returned_payment_that_uncovers_is_recorded_and_called_not_refused(shop, financing):
    first = approve(shop, stage_of(financing, 1))
    other = make_financing(shop)
    approve(shop, stage_of(other, 1))
    # Two claims lend 96,000 and carry 84,000 and, by another loan, 12,000 more.
    make_drawn_loan(shop.desk, principal=D(12_000))
    take_back(shop, first)
    assert (cover(shop).exposure, cover(shop).lending_value) == (D(54_000), D(48_000))
    assert MarginCall.objects.get().cash_needed == D(6_000)


def test_progress_says_received_paid_and_claimed(shop, financing):
    approve(shop, stage_of(financing, 1))
    deliver_goods(shop, financing.order, (shop.foil, D(3_000)))
    progress = get_progress(actor=shop.buyer, order=financing.order)
    assert (progress.amount, progress.received, progress.awaited) == (200_000, 30_000, 170_000)
    assert (progress.instructed, progress.claimed) == (D(60_000), D(51_000))
    supplier = make_actor(organisation=shop.desk.supplier)
    assert get_progress(actor=supplier, order=financing.order).claimed == 0


def test_who_sees_the_stages(shop, financing):
    supplier = make_actor(organisation=shop.desk.supplier)
    for actor in (shop.buyer, supplier, shop.desk.team.auditor):
        assert list_stages(actor=actor).count() == 2
    for actor in (shop.clerk, make_lender_team().auditor):
        assert list_stages(actor=actor).count() == 0


def test_an_order_closes_when_received_and_paid(shop, financing):
    order = financing.order
    pay_stage(shop, stage_of(financing, 1))
    deliver_goods(shop, order)
    with pytest.raises(StagesUnpaid) as refused:
        close_order(order=order, actor=shop.buyer, now=NOW)
    assert refused.value.numbers == {"unpaid": 1}
    pay_stage(shop, stage_of(financing, 2))
    assert close_order(order=order, actor=shop.buyer, now=NOW).state == "closed"

"""Instructions decided on and carried out: who may, what cover forbids, what the stamps prove."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from outbox.models import Alert
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.instruction_refusals import (
    CallIsOpen,
    EvidenceMissing,
    InstructionExpired,
    NotAParty,
    NotYourInstruction,
    ReasonNeeded,
)
from pledges.instruction_states import InstructionKind, InstructionState
from pledges.models import Conversion, Instruction, InstructionLine, InstructionStep, Position
from pledges.services.approvals import (
    change_of,
    refuse_instruction,
    withdraw_instruction,
)
from pledges.services.conversion import Take
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.custody import decline_instruction
from pledges.services.preview import preview_change
from tests.factories.instructions import (
    at_another_vault,
    desks_alerted,
    minutes,
    stamps_of,
)
from tests.factories.lending import START, make_drawn_loan, make_facility
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_actor,
    make_authority,
    make_lender_team,
    make_person,
)
from tests.factories.pledges import fingerprint
from tests.factories.risk import make_tick, noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
S = InstructionState
WED = date(2016, 3, 2)


def test_approval_takes_a_second_person_with_role_and_authority(counter, stored):
    team = counter.vault.desk.team
    own = counter.ask_release(stored, 100, actor=team.approver)
    with refusal(SamePerson):
        counter.approve(own)
    asked = counter.ask_release(stored, 100)
    with refusal(NotAllowed):
        counter.approve(asked, actor=team.preparer)
    foreign = make_lender_team().approver
    with refusal(NotYourFacility):
        counter.approve(asked, actor=foreign)
    small = make_person(organisation=team.lender, roles=[Role.APPROVER])
    make_authority(person=small, act=Act.RELEASE, amount=Decimal("49999.99"))
    with refusal(BeyondAuthority) as caught:
        counter.approve(asked, actor=Actor.of(small))
    assert caught[0].numbers["amount"] == 50_000
    enough = make_person(organisation=team.lender, roles=[Role.RISK_OFFICER])
    make_authority(person=enough, act=Act.RELEASE, amount=Decimal(50_000))
    assert counter.approve(asked, actor=Actor.of(enough)).state == S.INSTRUCTED


def test_the_same_approval_twice_is_one(counter, stored):
    asked = counter.ask_release(stored, 100)
    counter.approve(asked, idempotency_key="a")
    assert counter.approve(asked, idempotency_key="a").state == S.INSTRUCTED
    with refusal(TransitionRefused):
        counter.approve(asked)


def test_a_release_that_cover_forbids_is_not_approved(counter, stored):
    # 540,000 owed may be 0.9 of what stays: 600,000 lent by 2,400 kg.
    asked = counter.ask_release(stored, Decimal("1600.01"))
    with refusal(BelowReleaseLevel):
        counter.approve(asked)
    fine = counter.ask_release(stored, 1_600)
    assert counter.approve(fine).state == S.INSTRUCTED


def test_a_swap_that_cover_forbids_is_not_approved(counter, stored):
    make_drawn_loan(counter.vault.desk, principal=Decimal(460_000))
    lot = counter.vault.lot(999)
    asked = counter.ask(
        InstructionKind.SUBSTITUTE,
        give=[Take(stored.pk, Decimal(1_000))],
        bring=[(lot, Decimal(999))],
    )
    with refusal(WouldUncover) as caught:
        counter.approve(asked)
    assert caught[0].numbers["short"] == 250


def test_the_lender_refuses_with_a_reason_and_the_goods_are_free_again(counter, stored):
    asked = counter.ask_release(stored, 4_000)
    team = counter.vault.desk.team
    with refusal(ReasonNeeded):
        refuse_instruction(instruction=asked, reason=" ", actor=team.approver, now=minutes(5))
    refused = refuse_instruction(
        instruction=asked, reason="price too low", actor=team.approver, now=minutes(5)
    )
    assert (refused.state, refused.refusal["message"]) == (S.REFUSED, "price too low")
    assert stamps_of(refused) == [("requested", 0), ("refused", 300)]
    with refusal(TransitionRefused):
        counter.approve(asked)
    assert counter.ask_release(stored, 4_000).state == S.REQUESTED


def test_nobody_refuses_his_own_request(counter, stored):
    team = counter.vault.desk.team
    own = counter.ask_release(stored, 1, actor=team.approver)
    with refusal(SamePerson):
        refuse_instruction(instruction=own, reason="no", actor=team.approver, now=NOW)


@pytest.mark.parametrize("state", [S.REQUESTED, S.INSTRUCTED, S.ACKNOWLEDGED])
def test_it_can_be_taken_back_until_goods_move(counter, stored, state):
    asked = counter.bring_to(counter.ask_release(stored, 10), state)
    back = withdraw_instruction(
        instruction=asked, reason="not needed", actor=counter.asker, now=minutes(90)
    )
    assert back.state == S.WITHDRAWN
    told = [] if state == S.REQUESTED else [counter.vault.warehouse.operator_id]
    assert desks_alerted("pledges.instruction_withdrawn") == told
    with refusal(NotYourInstruction if state == S.REQUESTED else TransitionRefused):
        counter.execute(back)


def test_only_who_asked_and_the_lender_take_back(counter, stored):
    asked = counter.ask_release(stored, 10, actor=counter.vault.desk.team.preparer)
    with refusal(NotAParty):
        withdraw_instruction(instruction=asked, reason="x", actor=counter.asker, now=NOW)
    done = counter.bring_to(counter.ask_release(stored, 10), S.EXECUTED)
    with refusal(TransitionRefused):
        withdraw_instruction(instruction=done, reason="x", actor=counter.asker, now=minutes(120))


def test_only_the_custodians_people_stamp_for_it(counter, stored):
    asked = counter.ask_release(stored, 10)
    with refusal(NotYourInstruction):  # not sent yet
        counter.acknowledge(asked)
    sent = counter.approve(asked)
    idle = make_actor(organisation=counter.vault.warehouse.operator)
    for act in (counter.acknowledge, counter.execute, counter.evidence):
        with refusal(NotYourInstruction):
            act(sent, actor=counter.vault.desk.team.approver)
        with refusal(NotYourInstruction):
            act(sent, actor=SYSTEM)
        with refusal(NotAllowed):
            act(sent, actor=idle)
    with refusal(NotYourInstruction):
        decline_instruction(instruction=sent, reason="no", actor=counter.asker, now=NOW)


def test_steps_are_not_skipped(counter, stored):
    sent = counter.approve(counter.ask_release(stored, 10))
    with refusal(TransitionRefused) as caught:
        counter.execute(sent)
    assert caught[0].numbers == {"state": "instructed"}
    with refusal(TransitionRefused):
        counter.evidence(sent)
    known = counter.acknowledge(sent)
    with refusal(TransitionRefused):
        counter.acknowledge(known)


@pytest.mark.parametrize("state", [S.INSTRUCTED, S.ACKNOWLEDGED])
def test_the_custodian_declines_with_a_reason(counter, stored, state):
    sent = counter.bring_to(counter.ask_release(stored, 10), state)
    with refusal(ReasonNeeded):
        decline_instruction(instruction=sent, reason="", actor=counter.keeper, now=minutes(30))
    declined = decline_instruction(
        instruction=sent, reason="seal broken", actor=counter.keeper, now=minutes(30)
    )
    assert (declined.state, declined.refusal["message"]) == (S.DECLINED, "seal broken")
    assert desks_alerted("pledges.instruction_declined") == sorted(
        [counter.vault.desk.team.lender.pk, counter.vault.desk.borrower.pk]
    )
    assert Position.objects.get(pk=stored.pk).remaining == 4_000


def test_the_price_falls_while_the_release_waits_and_nothing_is_released(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 1_600), S.ACKNOWLEDGED)
    make_tick({"alpha": 499}, on=WED)
    failed = counter.execute(known, on=WED, now=noon(WED))
    assert failed.state == S.FAILED
    assert failed.refusal["code"] == "below_release_level"
    # 2,400 kg × 499 × 0.5 × 0.9 = 538,920: short 1,080.
    assert failed.refusal["numbers"] == {
        "exposure": "540000.0000",
        "allowed": "538920.00",
        "short": "1080.0000",
    }
    assert Position.objects.get(pk=stored.pk).remaining == 4_000
    assert not Conversion.objects.filter(kind="release").exists()
    assert failed.steps.last().detail["numbers"]["short"] == "1080.0000"
    houses = [counter.vault.desk.team.lender, counter.vault.desk.borrower]
    houses.append(counter.vault.warehouse.operator)
    assert desks_alerted("pledges.instruction_failed") == sorted(house.pk for house in houses)
    # Its goods are free for a smaller order.
    again = counter.ask_release(stored, 1_500, on=WED, now=noon(WED))
    assert again.state == S.REQUESTED


def test_a_draw_while_the_release_waits_stops_it(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 1_600), S.ACKNOWLEDGED)
    make_drawn_loan(counter.vault.desk, principal=Decimal(1))
    failed = counter.execute(known)
    assert (failed.state, failed.refusal["numbers"]["short"]) == (S.FAILED, "1.0000")


def test_goods_gone_meanwhile_stop_it(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 1_600), S.ACKNOWLEDGED)
    counter.vault.release(Take(stored.pk, Decimal(1_000)))
    # Enough is left, but cover is not.
    assert counter.execute(known).refusal["code"] == "below_release_level"
    lot = counter.vault.lot(10)
    offered = counter.bring_to(counter.ask_pledge(lot, 10), S.ACKNOWLEDGED)
    counter.vault.pledge_lot(lot, 1)
    assert not desks_alerted("pledges.double_claim_refused")
    assert counter.execute(offered).refusal["code"] == "already_claimed"
    # The facility's own claim stands in the way: its desk hears of it once.
    assert desks_alerted("pledges.double_claim_refused") == [counter.vault.desk.team.lender.pk]
    assert not desks_alerted("pledges.double_claim_met")


def test_a_checker_who_lost_his_role_releases_nothing(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 10), S.ACKNOWLEDGED)
    known.checker.role_grants.all().delete()
    failed = counter.execute(known)
    assert (failed.state, failed.refusal["code"]) == (S.FAILED, "not_allowed")


def test_a_release_is_not_asked_for_while_a_call_is_open(counter, stored):
    make_tick({"alpha": 260}, on=WED)
    act = {"on": WED, "now": noon(WED)}
    assert counter.vault.band() == "watch"
    make_tick({"alpha": 200}, on=WED)
    assert counter.vault.band() in ("called", "close_out")
    with refusal(CallIsOpen) as caught:
        counter.ask_release(stored, 1, **act)
    # 3,999 kg × 200 × 0.5 × 0.9 = 359,910 against 540,000.
    assert caught[0].numbers == {
        "allowed": Decimal("359910.00"),
        "short": Decimal("180090.0000"),
    }
    # A pledge is welcome.
    lot = counter.vault.lot(10)
    assert counter.ask_pledge(lot, 10, **act).state == S.REQUESTED


def test_what_is_too_old_moves_nothing(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 10), S.ACKNOWLEDGED)
    with refusal(InstructionExpired):
        counter.execute(known, now=known.expires_at)
    asked = counter.ask_release(stored, 10)
    with refusal(InstructionExpired):
        counter.approve(asked, now=asked.expires_at)


def test_the_same_execution_twice_is_one(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 10), S.ACKNOWLEDGED)
    counter.execute(known, idempotency_key="x")
    assert counter.execute(known, idempotency_key="x").state == S.EXECUTED
    with refusal(TransitionRefused):
        counter.execute(known)
    assert Position.objects.get(pk=stored.pk).remaining == 3_990


@pytest.mark.parametrize("bad", ["", "a" * 63, "g" * 64, "a" * 65])
def test_evidence_names_its_document_and_its_hash(counter, stored, bad):
    done = counter.bring_to(counter.ask_release(stored, 10), S.EXECUTED)
    with refusal(EvidenceMissing):
        counter.evidence(done, sha256=bad)
    with refusal(EvidenceMissing):
        counter.evidence(done, photos=[bad])
    with refusal(EvidenceMissing):
        counter.evidence(done, reference=" ")
    assert counter.evidence(done, sha256=" " + "A" * 64).steps.last().sha256 == "a" * 64


def test_a_photo_that_was_shown_before_alerts_each_lender_without_naming_the_other(counter, stored):
    team = make_lender_team()
    facility = make_facility(team=team, borrower=counter.vault.desk.borrower)
    desk = replace(counter.vault.desk, team=team, facility=facility)
    rival = at_another_vault(counter, replace(counter.vault, desk=desk))
    theirs = rival.bring_to(rival.ask_pledge(counter.vault.lot(5), 5), S.EXECUTED)
    rival.evidence(theirs, sha256="c" * 64, photos=["b" * 64, "b" * 64])
    done = counter.bring_to(counter.ask_release(stored, 10), S.EXECUTED)
    assert counter.evidence(done, photos=["d" * 64, "B" * 64]).state == S.EVIDENCED
    told = Alert.objects.filter(topic="pledges.evidence_reused")
    assert {one.organisation_id: one.payload["number"] for one in told} == {
        counter.vault.desk.team.lender.pk: done.number,
        team.lender.pk: theirs.number,
    }
    assert {one.severity for one in told} == {"urgent"}
    # New papers of another order alert nobody.
    last = counter.bring_to(counter.ask_release(stored, 1), S.EXECUTED)
    counter.evidence(last, sha256="e" * 64, photos=["f" * 64])
    assert told.count() == 2


def test_a_photo_used_as_the_document_of_another_order_is_found(counter, stored):
    first = counter.bring_to(counter.ask_release(stored, 1), S.EXECUTED)
    counter.evidence(first, photos=["b" * 64])
    second = counter.bring_to(counter.ask_release(stored, 1), S.EXECUTED)
    counter.evidence(second, sha256="b" * 64)
    assert desks_alerted("pledges.evidence_reused") == [counter.vault.desk.team.lender.pk]


def test_stamps_and_lines_never_change(counter, stored):
    asked = counter.ask_release(stored, 10)
    for model in (InstructionStep, InstructionLine):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.filter(instruction=asked).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Instruction.objects.filter(pk=asked.pk).update(market_value=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Instruction.objects.filter(pk=asked.pk).update(state=S.EXECUTED)


def test_who_sees_what(counter, stored):
    asked = counter.ask_release(stored, 10)
    team, seen = counter.vault.desk.team, Instruction.objects.visible_to
    assert [seen(one).count() for one in (team.auditor, counter.asker, SYSTEM)] == [1, 1, 1]
    assert seen(counter.keeper).count() == 0  # not before it is sent
    counter.approve(asked)
    assert seen(counter.keeper).count() == 1
    assert seen(make_lender_team().approver).count() == 0


def test_a_preview_equals_the_act_and_writes_nothing(counter, stored):
    other = counter.vault.lot(333, counter.vault.goods.beta)
    asked = counter.ask(
        InstructionKind.SUBSTITUTE,
        give=[Take(stored.pk, Decimal("33.333333"))],
        bring=[(other, Decimal(111))],
    )
    before = fingerprint()
    preview = preview_change(change_of(asked), on=START)
    assert fingerprint() == before
    done = counter.bring_to(asked, S.EXECUTED).conversion
    assert preview.before.lending_value == done.lending_value_before
    assert 0 <= done.lending_value_after - preview.after.lending_value <= Decimal("0.01")
    assert abs(done.market_value_after - preview.after.market_value) <= Decimal("0.01")
    assert preview.after.band == done.band_after
    assert preview.given.market == Decimal("16666.67")
    assert preview.brought.lending == Decimal("13875.00")

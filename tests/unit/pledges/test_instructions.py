"""Instructions: every stamp, every refusal, and the price that falls while an order waits."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.idempotency import IdempotencyKeyReused
from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from logistics.models import Lot
from logistics.refusals import AlreadyClaimed, NotFree, QuantityNotPossible
from outbox.models import Alert, AuditEntry, Event
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.instruction_refusals import (
    CallIsOpen,
    EvidenceMissing,
    GoodsPromised,
    InstructionExpired,
    NotAParty,
    NotYourInstruction,
    ReasonNeeded,
    SeveralCustodians,
)
from pledges.instruction_states import InstructionKind, InstructionState
from pledges.models import Conversion, Instruction, InstructionLine, InstructionStep, Position
from pledges.services.approvals import (
    change_of,
    refuse_instruction,
    withdraw_instruction,
)
from pledges.services.conversion import NotEnoughLeft, NothingToConvert, Take, WrongRight
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.custody import decline_instruction
from pledges.services.goods import NotTheBorrowersGoods
from pledges.services.preview import preview_change
from tests.factories.instructions import PAPER, Counter, at_another_vault, make_counter, minutes
from tests.factories.lending import START, make_drawn_loan, make_facility
from tests.factories.logistics import make_site
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_actor,
    make_authority,
    make_borrower,
    make_lender_team,
    make_person,
)
from tests.factories.pledges import fingerprint
from tests.factories.risk import make_tick, noon
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
S = InstructionState
WED = date(2016, 3, 2)


@pytest.fixture
def counter(vault) -> Counter:
    return make_counter(vault)


@pytest.fixture
def stored(counter):
    """4,000 kg of alpha in pledge (lends 1,000,000) against 540,000 owed."""
    position = counter.vault.pledge(4_000)
    make_drawn_loan(counter.vault.desk, principal=Decimal(540_000))
    return position


def stamps(instruction):
    return list(instruction.steps.values_list("step", "waited_seconds"))


def alerts(topic):
    return sorted(Alert.objects.filter(topic=topic).values_list("organisation_id", flat=True))


def fresh(instruction):
    return Instruction.objects.get(pk=instruction.pk)


def test_a_release_goes_through_its_four_steps(counter, stored):
    asked = counter.ask_release(stored, 1_600)
    assert (asked.state, asked.market_value) == (S.REQUESTED, 800_000)
    assert asked.due_at == NOW + timedelta(hours=4)
    assert asked.step_due_at == NOW + timedelta(hours=1)
    assert Position.objects.get(pk=stored.pk).remaining == 4_000
    sent = counter.approve(asked)
    assert (sent.state, sent.checker_id) == (
        S.INSTRUCTED,
        counter.vault.desk.team.approver.person_id,
    )
    known = counter.acknowledge(sent)
    assert known.step_due_at == minutes(25) + timedelta(hours=2)
    assert Position.objects.get(pk=stored.pk).remaining == 4_000
    done = counter.execute(known)
    assert (done.state, done.executed_at) == (S.EXECUTED, minutes(100))
    assert Position.objects.get(pk=stored.pk).remaining == 2_400
    assert done.conversion.kind == "release"
    assert done.conversion.maker_id == counter.asker.person_id
    assert done.conversion.person_id == counter.vault.desk.team.approver.person_id
    assert (done.conversion.lending_value_before, done.conversion.lending_value_after) == (
        1_000_000,
        600_000,
    )
    proven = counter.evidence(done)
    assert (proven.state, proven.step_due_at) == (S.EVIDENCED, None)
    assert stamps(proven) == [
        ("requested", 0),
        ("instructed", 600),
        ("acknowledged", 900),
        ("executed", 4_500),
        ("evidenced", 1_800),
    ]


def test_each_stamp_says_who_for_whom_when_and_on_what(counter, stored):
    done = counter.bring_to(counter.ask_release(stored, 100), S.EVIDENCED)
    request, order, known, moved, proof = done.steps.all()
    assert (request.person_id, request.organisation_id) == (
        counter.asker.person_id,
        counter.vault.desk.borrower.pk,
    )
    # What is acknowledged is what was asked and sent: one hash of the contents.
    assert {request.sha256, order.sha256, known.sha256} == {done.contents_hash}
    assert {request.reference, order.reference, known.reference} == {done.number}
    assert order.detail["lending_value_before"] == "1000000.00"
    assert order.detail["lending_value_after"] == "975000.00"
    assert (known.person_id, known.organisation_id) == (
        counter.keeper.person_id,
        counter.vault.warehouse.operator_id,
    )
    assert moved.reference == str(done.conversion_id)
    assert (proof.reference, proof.sha256, proof.at) == ("GDN-1", PAPER, minutes(130))
    assert proof.was_due_at == minutes(100) + timedelta(hours=2)
    topics = Event.objects.filter(aggregate="pledges.instruction").values_list("topic", flat=True)
    assert sorted(topics) == [
        "pledges.instruction_acknowledged",
        "pledges.instruction_evidenced",
        "pledges.instruction_executed",
        "pledges.instruction_instructed",
        "pledges.instruction_requested",
    ]
    assert AuditEntry.objects.filter(object_type="pledges.instruction").count() == 5


def test_a_pledge_is_executed_by_the_warehouses_word(counter):
    lot = counter.vault.lot(50)
    done = counter.bring_to(counter.ask_pledge(lot, 30), S.EVIDENCED)
    made = Position.objects.get(right="pledge")
    assert (made.lot_id, made.quantity, Lot.objects.get(pk=lot.pk).held) == (lot.pk, 30, 30)
    assert done.conversion.person_id == counter.keeper.person_id
    assert done.conversion.evidence == {
        "kind": "instruction",
        "reference": done.number,
        "custodian": counter.vault.warehouse.operator.name,
        "executed_by": counter.keeper.label,
        "sha256": done.contents_hash,
    }


def test_a_swap_is_one_act(counter, stored):
    other = counter.vault.lot(3_000, counter.vault.goods.beta)
    asked = counter.ask(
        InstructionKind.SUBSTITUTE,
        give=[Take(stored.pk, Decimal(1_000))],
        bring=[(other, Decimal(2_500))],
    )
    assert asked.market_value == 500_000
    done = counter.bring_to(asked, S.EXECUTED)
    assert done.conversion.kind == "substitute"
    assert Position.objects.get(pk=stored.pk).remaining == 3_000
    assert Lot.objects.get(pk=other.pk).held == 2_500
    assert counter.vault.cover().lending_value == 750_000 + 312_500


@pytest.mark.parametrize(
    ("kind", "give", "bring"),
    [
        (InstructionKind.RELEASE, 0, None),
        (InstructionKind.RELEASE, None, None),
        (InstructionKind.RELEASE, 1, 1),
        (InstructionKind.PLEDGE, 1, None),
        (InstructionKind.SUBSTITUTE, None, 1),
        (InstructionKind.PLEDGE, None, -1),
    ],
)
def test_an_order_names_goods_on_the_sides_of_its_kind(counter, stored, kind, give, bring):
    lot = counter.vault.lot(10)
    with refusal(NothingToConvert):
        counter.ask(
            kind,
            give=[] if give is None else [Take(stored.pk, Decimal(give))],
            bring=[] if bring is None else [(lot, Decimal(bring))],
        )


def test_the_same_goods_are_named_once(counter, stored):
    with refusal(NothingToConvert):
        counter.ask(give=[Take(stored.pk, Decimal(1)), Take(stored.pk, Decimal(2))])


def test_more_than_there_is_cannot_be_asked(counter, stored):
    with refusal(NotEnoughLeft) as caught:
        counter.ask_release(stored, 4_001)
    assert caught[0].numbers == {"left": 4_000, "asked": 4_001, "short": 1}
    lot = counter.vault.lot(10)
    with refusal(NotFree):
        counter.ask_pledge(lot, 11)
    counter.vault.pledge_lot(lot, 8)
    with refusal(AlreadyClaimed) as caught:
        counter.ask_pledge(lot, 3)
    assert caught[0].numbers["short"] == 1
    with refusal(QuantityNotPossible):
        counter.ask_release(stored, Decimal("0.0000001"))


def test_claims_on_money_have_no_custodian(counter):
    claim = counter.vault.prepay(1_000)
    with refusal(WrongRight):
        counter.ask_release(claim, 1)


def test_anothers_goods_cannot_be_brought(counter):
    lot = counter.vault.lot(10, owner=make_borrower())
    with refusal(NotTheBorrowersGoods):
        counter.ask_pledge(lot, 1)


def test_one_order_goes_to_one_custodian(counter, stored):
    elsewhere = counter.vault.lot(10, site=make_site())
    with refusal(SeveralCustodians) as caught:
        counter.ask(
            InstructionKind.SUBSTITUTE,
            give=[Take(stored.pk, Decimal(1))],
            bring=[(elsewhere, Decimal(10))],
        )
    assert caught[0].numbers == {"custodians": 2}


def test_only_the_two_parties_ask_and_a_reason_is_given(counter, stored):
    stranger = make_actor(organisation=make_borrower(), roles=[Role.PREPARER])
    idle = make_actor(organisation=counter.vault.desk.borrower)
    with refusal(NotAParty):
        counter.ask_release(stored, 1, actor=stranger)
    with refusal(NotAParty):
        counter.ask_release(stored, 1, actor=counter.keeper)
    with refusal(NotAllowed):
        counter.ask_release(stored, 1, actor=idle)
    with refusal(ReasonNeeded):
        counter.ask_release(stored, 1, reason="  ")
    assert counter.ask_release(stored, 1, actor=counter.vault.desk.team.preparer).pk


def test_a_key_makes_one_request_of_two(counter, stored):
    first = counter.ask_release(stored, 10, idempotency_key="k")
    assert counter.ask_release(stored, 10, idempotency_key="k").pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        counter.ask_release(stored, 11, idempotency_key="k")
    assert Instruction.objects.count() == 1


def test_goods_are_promised_to_one_pending_order(counter, stored):
    first = counter.ask_release(stored, 3_000)
    with refusal(GoodsPromised):
        counter.ask_release(stored, 1_001)
    second = counter.ask_release(stored, 1_000)
    withdraw_instruction(instruction=first, reason="not sold", actor=counter.asker, now=NOW)
    third = counter.ask_release(stored, 3_000)
    assert {second.state, third.state} == {S.REQUESTED}


def test_two_lenders_cannot_be_promised_the_same_free_goods(counter):
    team = make_lender_team()
    facility = make_facility(team=team, borrower=counter.vault.desk.borrower)
    desk = replace(counter.vault.desk, team=team, facility=facility)
    rival = at_another_vault(counter, replace(counter.vault, desk=desk))
    lot = counter.vault.lot(10)
    counter.ask_pledge(lot, 6)
    with refusal(GoodsPromised) as caught:
        rival.ask_pledge(lot, 5)
    assert "lender" not in caught[0].message
    assert rival.ask_pledge(lot, 4).state == S.REQUESTED


def test_the_database_counts_promises_by_itself(counter, stored):
    counter.ask_release(stored, 3_000)
    other = counter.ask_release(stored, 500)
    more = InstructionLine(
        instruction=other,
        direction="bring",
        lot=counter.vault.lot(5),
        quantity=Decimal(6),
    )
    with pytest.raises(IntegrityError, match="promised already"), transaction.atomic():
        more.save()
    counter.approve(other)
    more.quantity = Decimal(1)
    with pytest.raises(IntegrityError, match="not yet sent"), transaction.atomic():
        more.save()


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
    assert stamps(refused) == [("requested", 0), ("refused", 300)]
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
    assert alerts("pledges.instruction_withdrawn") == told
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
    assert alerts("pledges.instruction_declined") == sorted(
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
    assert alerts("pledges.instruction_failed") == sorted(house.pk for house in houses)
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
    assert counter.execute(offered).refusal["code"] == "already_claimed"


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
    assert alerts("pledges.evidence_reused") == [counter.vault.desk.team.lender.pk]


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

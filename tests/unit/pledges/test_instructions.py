"""Instructions asked for: their four steps, their stamps, and the goods they promise."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.idempotency import IdempotencyKeyReused
from logistics.models import Lot
from logistics.refusals import AlreadyClaimed, NotFree, QuantityNotPossible
from outbox.models import AuditEntry, Event
from parties.roles import Role
from parties.services.authority import NotAllowed
from pledges.instruction_refusals import (
    GoodsPromised,
    NotAParty,
    ReasonNeeded,
    SeveralCustodians,
)
from pledges.instruction_states import InstructionKind, InstructionState
from pledges.models import Instruction, InstructionLine, Position
from pledges.services.approvals import (
    withdraw_instruction,
)
from pledges.services.conversion import NotEnoughLeft, NothingToConvert, Take, WrongRight
from pledges.services.goods import NotTheBorrowersGoods
from tests.factories.instructions import (
    PAPER,
    at_another_vault,
    minutes,
    stamps_of,
)
from tests.factories.lending import make_facility
from tests.factories.logistics import make_site
from tests.factories.parties import (
    NOW,
    make_actor,
    make_borrower,
    make_lender_team,
)
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
S = InstructionState
WED = date(2016, 3, 2)


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
    assert stamps_of(proven) == [
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

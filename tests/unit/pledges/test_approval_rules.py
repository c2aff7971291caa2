"""Rules that approve by themselves: their bounds to the cent, and the two persons behind them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.instruction_states import InstructionKind, InstructionState, RuleState
from pledges.models import AutoApprovalRule, Instruction, Position
from pledges.rules.approval import Bounds, Rating, objections
from pledges.rules.cover import Cover
from pledges.services.approval_rules import (
    BoundsNotPossible,
    approve_rule,
    end_rule,
    propose_rule,
    refuse_rule,
)
from pledges.services.approvals import withdraw_instruction
from pledges.states import Band
from tests.factories.instructions import minutes
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, SYSTEM, make_authority, make_lender_team, make_person
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
S = InstructionState
BOUNDS = Bounds(
    max_amount=Decimal(100_000),
    min_coverage=Decimal("1.2"),
    min_rating=Decimal("0.9"),
    min_rated=10,
    valid_from=START,
    valid_until=START + timedelta(days=30),
)


def cover(lending, exposure):
    return Cover(Decimal(exposure), Decimal(lending) * 2, Decimal(lending), Band.COVERED)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"amount": Decimal("100000.00")}, []),
        ({"amount": Decimal("100000.01")}, ["amount"]),
        ({"after": cover("1200.00", 1000)}, []),
        ({"after": cover("1199.99", 1000)}, ["coverage"]),
        ({"after": cover(0, 0)}, []),
        ({"rating": Rating(9, 10)}, []),
        ({"rating": Rating(89, 100)}, ["rating"]),
        ({"rating": Rating(9, 9)}, ["rating"]),
        ({"rating": Rating()}, ["rating"]),
        ({"on": START - timedelta(days=1)}, ["not_valid_today"]),
        ({"on": START + timedelta(days=29)}, []),
        ({"on": START + timedelta(days=30)}, ["not_valid_today"]),
        ({"amount": Decimal(200_000), "rating": Rating()}, ["amount", "rating"]),
    ],
)
def test_a_bound_itself_is_within_the_rule(change, found):
    case = {
        "amount": Decimal(1),
        "after": cover(2000, 1000),
        "rating": Rating(10, 10),
        "on": START,
    }
    assert objections(BOUNDS, **(case | change)) == found


def test_an_amount_exactly_at_the_bound_passes_by_itself(counter, stored):
    rule = counter.rule()
    sent = counter.ask_release(stored, 200)  # 200 kg × 500 = 100,000.00
    assert (sent.state, sent.rule_id, sent.checker_id) == (
        S.INSTRUCTED,
        rule.pk,
        counter.vault.desk.team.approver.person_id,
    )
    request, order = sent.steps.all()
    assert (order.person_id, order.actor_label, order.waited_seconds) == (None, "Rule 1", 0)
    assert request.detail["objections"] == []
    waits = counter.ask_release(stored, Decimal("200.00002"))  # one cent more
    assert (waits.state, waits.market_value) == (S.REQUESTED, Decimal("100000.01"))
    assert waits.steps.get().detail["objections"] == ["amount"]


def test_coverage_exactly_at_the_bound_passes_by_itself(counter, stored):
    # 540,000 × 1.25 = 675,000: 1,300 of 4,000 kg may go.
    counter.rule(max_amount=Decimal(2_000_000), min_coverage=Decimal("1.25"))
    waits = counter.ask_release(stored, Decimal("1300.00004"))
    assert (waits.state, waits.steps.get().detail["objections"]) == (S.REQUESTED, ["coverage"])
    withdraw_instruction(instruction=waits, reason="x", actor=counter.asker, now=NOW)
    assert counter.ask_release(stored, 1_300).state == S.INSTRUCTED


def test_a_rule_does_not_reach_below_the_release_level(counter, stored):
    # The rule asks for less than the facility's own 0.9: the facility's level holds.
    counter.rule(max_amount=Decimal(2_000_000), min_coverage=Decimal(1))
    waits = counter.ask_release(stored, 1_601)
    assert waits.steps.get().detail["objections"] == ["below_release_level"]


def test_an_approved_order_is_still_judged_when_it_is_executed(counter, stored):
    counter.rule()
    known = counter.bring_to(counter.ask_release(stored, 100), S.ACKNOWLEDGED)
    make_drawn_loan(counter.vault.desk, principal=Decimal(360_000))
    assert counter.execute(known).refusal["code"] == "below_release_level"
    assert Position.objects.get(pk=stored.pk).remaining == 4_000


def test_an_order_approved_by_a_rule_is_executed_in_the_name_of_its_checker(counter, stored):
    counter.rule()
    done = counter.bring_to(counter.ask_release(stored, 100), S.EXECUTED)
    assert done.conversion.person_id == counter.vault.desk.team.approver.person_id
    assert done.conversion.maker_id == counter.asker.person_id


def test_pledges_pass_by_their_own_rule(counter):
    counter.rule(InstructionKind.PLEDGE, max_amount=Decimal(5_000))
    lot = counter.vault.lot(30)
    assert counter.ask_pledge(lot, 10).state == S.INSTRUCTED
    assert counter.ask_pledge(lot, 11).state == S.REQUESTED


def test_the_rating_counts_orders_in_time(counter, stored):
    counter.rule(min_rating=Decimal("0.5"), min_rated=2)
    first = counter.ask_release(stored, 1)
    assert first.steps.get().detail["objections"] == ["rating"]
    counter.bring_to(first, S.EXECUTED)
    late = counter.bring_to(counter.ask_release(stored, 1), S.ACKNOWLEDGED)
    counter.execute(late, now=minutes(241))
    sent = counter.ask_release(stored, 1, now=minutes(300))
    assert sent.state == S.INSTRUCTED
    detail = sent.steps.last().detail
    assert (detail["punctual"], detail["rated"]) == (1, 2)


def test_the_person_behind_a_rule_cannot_be_the_one_who_asks(counter, stored):
    counter.rule()
    own = counter.ask_release(stored, 1, actor=counter.vault.desk.team.approver)
    assert own.steps.get().detail["objections"] == ["same_person"]


def test_a_rule_ends_with_the_authority_behind_it(counter, stored):
    rule = counter.rule()
    rule.checker.authority_limits.filter(act=Act.RELEASE).delete()
    assert counter.ask_release(stored, 1).steps.get().detail["objections"] == ["beyond_authority"]
    rule.checker.role_grants.all().delete()
    assert counter.ask_release(stored, 1).steps.get().detail["objections"] == ["not_allowed"]


def propose(counter, actor=None, **bounds):
    given = {name: getattr(BOUNDS, name) for name in Bounds.__slots__}
    return propose_rule(
        facility=counter.vault.desk.facility,
        kind=InstructionKind.RELEASE,
        bounds=Bounds(**(given | bounds)),
        actor=actor or counter.vault.desk.team.preparer,
        now=NOW,
    )


def test_a_rule_takes_two_persons_and_authority_for_all_it_may_pass(counter, stored):
    team = counter.vault.desk.team
    with refusal(NotAllowed):
        propose(counter, actor=team.auditor)
    with refusal(NotYourFacility):
        propose(counter, actor=counter.asker)
    proposed = propose(counter, actor=team.risk_officer)
    with refusal(SamePerson):
        approve_rule(rule=proposed, actor=team.risk_officer, now=NOW)
    with refusal(SamePerson):
        refuse_rule(rule=proposed, actor=team.risk_officer, now=NOW)
    with refusal(NotAllowed):
        approve_rule(rule=proposed, actor=team.preparer, now=NOW)
    small = make_person(organisation=team.lender, roles=[Role.APPROVER])
    make_authority(person=small, act=Act.RELEASE, amount=Decimal("99999.99"))
    other = make_lender_team().approver
    with refusal(BeyondAuthority):
        approve_rule(rule=proposed, actor=Actor.of(small), now=NOW)
    with refusal(NotYourFacility):
        approve_rule(rule=proposed, actor=other, now=NOW)
    assert counter.ask_release(stored, 1).state == S.REQUESTED  # proposed approves nothing
    assert approve_rule(rule=proposed, actor=team.approver, now=NOW).state == RuleState.IN_FORCE


def test_versions_replace_each_other_and_stay(counter):
    first = counter.rule()
    second = counter.rule(max_amount=Decimal(5))
    states = AutoApprovalRule.objects.order_by("version").values_list("version", "state")
    assert list(states) == [(1, RuleState.ENDED), (2, RuleState.IN_FORCE)]
    team = counter.vault.desk.team
    with refusal(TransitionRefused):
        approve_rule(rule=first, actor=team.approver, now=NOW)
    assert end_rule(rule=second, actor=team.risk_officer, now=NOW).ended_at == NOW
    third = propose(counter)
    assert (third.version, refuse_rule(rule=third, actor=team.approver, now=NOW).state) == (
        3,
        RuleState.REFUSED,
    )


def test_a_rules_numbers_never_change_and_must_be_possible(counter):
    rule = counter.rule()
    with pytest.raises(IntegrityError), transaction.atomic():
        AutoApprovalRule.objects.filter(pk=rule.pk).update(max_amount=1)
    for bad in (
        {"max_amount": Decimal(0)},
        {"min_rating": Decimal("1.1")},
        {"valid_until": START},
    ):
        with refusal(BoundsNotPossible):
            propose(counter, **bad)


def test_only_the_lender_sees_its_rules(counter):
    counter.rule()
    seen = AutoApprovalRule.objects.visible_to
    people = (counter.vault.desk.team.auditor, counter.asker, counter.keeper, SYSTEM)
    assert [seen(one).count() for one in people] == [1, 0, 0, 1]


def test_the_database_wants_two_persons_on_every_order(counter, stored):
    asked = counter.ask_release(stored, 1)
    with pytest.raises(IntegrityError, match="checked_by_another"), transaction.atomic():
        Instruction.objects.filter(pk=asked.pk).update(checker_id=asked.maker_id)

"""The clock of instructions and its figures, exact on stamps made up to the second."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outbox.models import Alert
from pledges.instruction_queries import custodian_rating, step_statistics
from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from pledges.rules.approval import Rating
from pledges.rules.promise import Promise, promise_of
from pledges.services.approvals import withdraw_instruction
from pledges.services.custody import decline_instruction
from pledges.services.instruction_clock import chase_overdue
from pledges.tasks import chase_instructions
from tests.factories.instructions import minutes
from tests.factories.parties import NOW, SYSTEM, make_lender_team

pytestmark = pytest.mark.django_db
S = InstructionState


@pytest.fixture
def stored(counter):
    return counter.vault.pledge(4_000)


def houses(counter, *names):
    known = {
        "lender": counter.vault.desk.team.lender.pk,
        "borrower": counter.vault.desk.borrower.pk,
        "custodian": counter.vault.warehouse.operator_id,
    }
    return sorted(known[name] for name in names)


def told(topic):
    return sorted(Alert.objects.filter(topic=topic).values_list("organisation_id", flat=True))


def chase(at):
    return chase_overdue(actor=SYSTEM, now=at)


def test_the_promise_is_a_parameter():
    assert Promise().whole == timedelta(hours=4)
    assert promise_of({"whole": 60, "decide": 5}) == Promise(
        whole=timedelta(hours=1), decide=timedelta(minutes=5)
    )


def test_a_deployment_promises_its_own_times(counter, stored, settings):
    settings.INSTRUCTION_PROMISE_MINUTES = {"whole": 90, "decide": 7, "expires": 600}
    asked = counter.ask_release(stored, 1)
    assert (asked.due_at, asked.step_due_at, asked.expires_at) == (
        minutes(90),
        minutes(7),
        minutes(600),
    )


def test_a_late_step_alerts_both_sides_once(counter, stored):
    asked = counter.ask_release(stored, 1)
    assert chase(minutes(60)) == 0  # on the minute it is not late yet
    assert chase(minutes(61)) == 1
    assert told("pledges.instruction_step_late") == houses(counter, "lender", "borrower")
    assert chase(minutes(62)) == 0
    [alert] = Alert.objects.filter(organisation_id=counter.vault.desk.borrower.pk)
    assert alert.payload == {
        "number": asked.number,
        "kind": "release",
        "state": "requested",
        "due_at": minutes(60).isoformat(),
    }
    counter.approve(asked, now=minutes(70))
    assert chase(minutes(99)) == 0
    assert chase(minutes(101)) == 1
    assert told("pledges.instruction_step_late") == sorted(
        houses(counter, "lender", "borrower") + houses(counter, "lender", "borrower", "custodian")
    )


def test_the_broken_promise_of_the_whole_is_told_once(counter, stored):
    known = counter.bring_to(counter.ask_release(stored, 1), S.ACKNOWLEDGED)
    assert chase(minutes(240)) == 1  # the execution alone is late by now
    assert told("pledges.promise_broken") == []
    assert chase(minutes(241)) == 1
    assert told("pledges.promise_broken") == houses(counter, "lender", "borrower", "custodian")
    assert Instruction.objects.get(pk=known.pk).broken_at == minutes(241)
    assert chase(minutes(242)) == 0
    counter.execute(known, now=minutes(250))
    assert chase(minutes(369)) == 0
    assert chase(minutes(371)) == 1  # evidence is late
    assert chase(minutes(372)) == 0


def test_what_is_too_old_is_struck_off_and_frees_its_goods(counter, stored):
    asked = counter.ask_release(stored, 4_000)
    assert chase(asked.expires_at) == 1
    asked = Instruction.objects.get(pk=asked.pk)
    assert (asked.state, asked.step_due_at) == (S.EXPIRED, None)
    assert asked.steps.last().actor_label == "test"
    assert told("pledges.instruction_expired") == houses(counter, "lender", "borrower")
    assert counter.ask_release(stored, 4_000, now=minutes(3_000)).state == S.REQUESTED


def test_the_task_runs_by_the_clock_in_use(counter, stored):
    counter.ask_release(stored, 1)
    assert chase_instructions() == 1  # the machine's year is long after
    assert Instruction.objects.get().state == S.EXPIRED


def test_statements_do_not_grow_with_the_late(counter, stored):
    for _ in range(2):
        counter.ask_release(stored, 1)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert chase(minutes(61)) == 2
    for _ in range(12):
        counter.ask_release(stored, 1, now=minutes(100))
    with CaptureQueriesContext(connection) as many:
        assert chase(minutes(161)) == 12
    assert len(many) == len(few)


def walk(counter, position, *, decide, acknowledge, execute, evidence):
    """Stamp one order with these waits in minutes."""
    asked = counter.ask_release(position, 1)
    at = decide
    sent = counter.approve(asked, now=minutes(at))
    at += acknowledge
    known = counter.acknowledge(sent, now=minutes(at))
    at += execute
    done = counter.execute(known, now=minutes(at))
    return counter.evidence(done, now=minutes(at + evidence))


def test_percentiles_are_exact_on_made_up_stamps(counter, stored):
    for n in (1, 2, 3, 4):
        walk(counter, stored, decide=n, acknowledge=10 * n, execute=60 * n, evidence=5)
    now = minutes(600)
    rows = step_statistics(actor=counter.vault.desk.team.auditor, now=now)
    # Interpolated: p50 between the 2nd and 3rd, p95 at 3.85 of four.
    assert [(row.step, row.count, row.p50, row.p95, row.in_time) for row in rows] == [
        ("instructed", 4, Decimal("150.0"), Decimal("231.0"), 4),
        ("acknowledged", 4, Decimal("1500.0"), Decimal("2310.0"), 3),
        ("executed", 4, Decimal("9000.0"), Decimal("13860.0"), 2),
        ("evidenced", 4, Decimal("300.0"), Decimal("300.0"), 4),
        ("whole", 4, Decimal("10650.0"), Decimal("16401.0"), 3),
    ]
    assert {row.rating for row in rows} == {Rating(3, 4)}
    assert {row.custodian for row in rows} == {counter.vault.warehouse.operator.name}


def test_statistics_take_one_query_and_show_each_house_its_own(counter, stored):
    walk(counter, stored, decide=1, acknowledge=1, execute=1, evidence=1)
    now = minutes(600)
    for actor in (counter.asker, counter.keeper, SYSTEM):
        with CaptureQueriesContext(connection) as queries:
            assert len(step_statistics(actor=actor, now=now)) == 5
        assert len(queries) == 1
    assert step_statistics(actor=make_lender_team().auditor, now=now) == []
    assert step_statistics(actor=counter.asker, now=now + timedelta(days=91)) == []


def rating(counter, at):
    return custodian_rating(
        tenant_id=counter.vault.desk.team.lender.pk,
        custodian_id=counter.vault.warehouse.operator_id,
        now=at,
    )


def test_the_rating_counts_what_the_custodian_answers_for(counter, stored):
    counter.bring_to(counter.ask_release(stored, 1), S.EXECUTED)
    late = counter.bring_to(counter.ask_release(stored, 1), S.ACKNOWLEDGED)
    counter.execute(late, now=minutes(240) + timedelta(seconds=1))
    waiting = counter.bring_to(counter.ask_release(stored, 1), S.INSTRUCTED)
    counter.ask_release(stored, 1)  # the lender's own delay, not the custodian's
    taken_back = counter.bring_to(counter.ask_release(stored, 1), S.INSTRUCTED)
    withdraw_instruction(instruction=taken_back, reason="x", actor=counter.asker, now=minutes(30))
    declined = counter.bring_to(counter.ask_release(stored, 1), S.INSTRUCTED)
    decline_instruction(instruction=declined, reason="x", actor=counter.keeper, now=minutes(30))
    assert rating(counter, minutes(240)) == Rating(1, 2)
    assert rating(counter, minutes(241)) == Rating(1, 3)  # sent, and late by now
    chase(waiting.expires_at)
    assert rating(counter, minutes(3_000)) == Rating(1, 3)
    assert rating(counter, NOW + timedelta(days=90)) == Rating(0, 0)
    assert rating(counter, minutes(241)).share == Decimal(1) / 3
    assert Rating().share is None

"""One effect for every event: whoever is late, twice, slow or dead."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.db.models.functions import Now

from common.states import TransitionRefused
from config.celery import app
from outbox import tasks
from outbox.handlers import handled_topics, handlers_of, only_handlers, register
from outbox.models import AuditEntry, Event
from outbox.queries import get_backlog
from outbox.services import delivery, emit, record
from outbox.states import EventState
from tests.concurrency.racing import race
from tests.unit.outbox.test_audit import Someone

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


def tell(topic="test.told", n=1):
    with transaction.atomic():
        return [
            emit(
                topic=topic, aggregate="thing", aggregate_id=i, payload={}, tenant_id=1, now=NOW
            ).pk
            for i in range(n)
        ]


def leave_a_trace(*, event, now):
    """A handler with one effect: an entry in the journal."""
    record(
        action="test.effect",
        actor=Someone(),
        object_type="outbox.event",
        object_id=event.pk,
        at=now,
    )


def leave_a_trace_and_fail(*, event, now):
    leave_a_trace(event=event, now=now)
    raise RuntimeError("no luck")


def effects():
    return sorted(int(pk) for pk in AuditEntry.objects.values_list("object_id", flat=True))


@pytest.fixture(autouse=True)
def handlers():
    with only_handlers({"test.told": [leave_a_trace], "test.fails": [leave_a_trace_and_fail]}):
        yield


@pytest.fixture(autouse=True)
def quiet_broker():
    """Take from the broker what earlier tests hinted, and what this one does."""
    app.control.purge()
    yield
    app.control.purge()


def state_of(pk):
    return Event.objects.values_list("state", "attempts").get(pk=pk)


def let_time_pass(pk, **shift):
    """Move an event's times into the past, as if the machine's clock had gone on."""
    gone = timedelta(**shift)
    Event.objects.filter(pk=pk).update(
        due_at=F("due_at") - gone, lease_until=F("lease_until") - gone
    )


# --- the ordinary way -----------------------------------------------------------------------------


def test_an_event_is_worked_on_once_however_often_it_is_hinted_at():
    [pk] = tell()
    assert [delivery.handle_event(event_id=pk, now=NOW) for _ in range(3)] == [True, False, False]
    assert effects() == [pk]
    assert state_of(pk) == ("done", 1)
    assert AuditEntry.objects.get().at == NOW


def test_all_handlers_of_a_topic_work_in_one_transaction():
    register("test.told", leave_a_trace_and_fail)
    register("test.told", leave_a_trace)
    assert handlers_of("test.told") == (leave_a_trace, leave_a_trace_and_fail)
    [pk] = tell()
    assert not delivery.handle_event(event_id=pk, now=NOW)
    assert effects() == []


def test_an_unknown_event_is_nobodys_work():
    assert not delivery.handle_event(event_id=10**9, now=NOW)


def test_eight_workers_with_the_same_hint_have_one_effect():
    pks = tell(n=20)
    for outcomes in race(8, lambda _racer, i: delivery.handle_event(event_id=pks[i], now=NOW), 20):
        assert sum(outcome.result for outcome in outcomes) == 1
    assert effects() == pks


def test_two_relays_at_once_hint_at_each_event_once():
    pks = tell(n=350)
    rounds = race(2, lambda _racer, _round: delivery.take_due(limit=50), rounds=10)
    taken = [pk for outcomes in rounds for outcome in outcomes for pk in outcome.result]
    assert sorted(taken) == pks


def test_events_without_a_handler_are_done_at_once_and_stay_on_record(django_assert_num_queries):
    tell("test.nobody", n=500)
    waiting = tell()
    with django_assert_num_queries(4):
        assert delivery.finish_unhandled() == 500
    assert Event.objects.filter(topic="test.nobody", state=EventState.DONE).count() == 500
    assert delivery.take_due() == waiting
    assert handled_topics() == ["test.fails", "test.told"]


def test_drain_does_all_work_and_what_the_work_emits():
    def go_on(*, event, now):
        tell("test.told" if event.topic == "test.chain" else "test.nobody", n=2)

    with only_handlers({"test.chain": [go_on], "test.told": [go_on, leave_a_trace]}):
        tell("test.chain")
        assert delivery.drain(now=NOW) == 7
    assert set(Event.objects.values_list("state", flat=True)) == {"done"}
    assert len(effects()) == 2


def test_the_relay_sends_one_hint_for_each_due_event(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.handle, "apply_async", lambda args, producer: sent.extend(args))
    pks = tell(n=120)
    tasks.relay.run()
    assert sent == pks
    tasks.relay.run()
    assert sent == pks
    Event.objects.update(due_at=Now())  # the hints were lost, and their time is over
    tasks.sweep.run()
    assert sent == pks * 2


def test_the_relay_takes_a_constant_number_of_queries_for_each_hundred(django_assert_num_queries):
    tell(n=300)
    with django_assert_num_queries(4):
        assert len(delivery.take_due(limit=100)) == 100


# --- failures -------------------------------------------------------------------------------------


def test_a_failure_leaves_no_effect_and_comes_up_again_later():
    [pk] = tell("test.fails")
    assert not delivery.handle_event(event_id=pk, now=NOW)
    assert effects() == []
    event = Event.objects.get(pk=pk)
    assert (event.state, event.attempts) == ("pending", 1)
    assert event.last_error == "RuntimeError: no luck"
    assert 4 < (event.due_at - datetime.now(UTC)).total_seconds() <= 5
    # A copy of the hint that comes meanwhile does not use up an attempt.
    assert not delivery.handle_event(event_id=pk, now=NOW)
    assert state_of(pk) == ("pending", 1)
    assert delivery.take_due() == []


def test_a_poisonous_event_is_dead_after_five_attempts_and_harms_no_other():
    [poison] = tell("test.fails")
    [sound] = tell()
    for _ in range(8):
        let_time_pass(poison, hours=1)
        delivery.drain(now=NOW)
    assert state_of(poison) == ("dead", 5)
    assert state_of(sound) == ("done", 1)
    assert effects() == [sound]
    assert get_backlog().dead == 1


def test_back_off_grows():
    assert [delivery.back_off(n).total_seconds() for n in range(1, 5)] == [5, 15, 45, 135]


def test_a_dead_event_is_revived_by_a_person():
    [pk] = tell("test.fails")
    for _ in range(5):
        let_time_pass(pk, hours=1)
        delivery.drain(now=NOW)
    revived = delivery.revive(event=Event.objects.get(pk=pk))
    assert (revived.state, revived.attempts) == ("pending", 0)
    with only_handlers({"test.fails": [leave_a_trace]}):
        assert delivery.drain(now=NOW) == 1
    assert effects() == [pk]
    with pytest.raises(TransitionRefused):
        delivery.revive(event=revived)


# --- workers that die, and those that only seem to ------------------------------------------------


def test_an_event_whose_worker_vanished_comes_up_when_its_lease_has_run_out():
    [pk] = tell()
    delivery._claim(pk)  # and then the worker is gone
    assert delivery.recover_abandoned() == 0
    let_time_pass(pk, seconds=delivery.LEASE.total_seconds())
    assert delivery.recover_abandoned() == 1
    assert delivery.drain(now=NOW) == 1
    assert state_of(pk) == ("done", 2)
    assert effects() == [pk]


def test_an_event_that_kills_every_worker_is_buried():
    [pk] = tell()
    for _ in range(5):
        assert delivery._claim(pk) is not None
        let_time_pass(pk, hours=1)
        assert delivery.recover_abandoned() == 1
    assert state_of(pk) == ("dead", 5)
    assert Event.objects.get(pk=pk).last_error == "the worker vanished during the work"


def test_a_worker_that_lives_is_not_overtaken_however_late_its_lease():
    [pk] = tell()
    working, go_on = threading.Event(), threading.Event()

    def slow(*, event, now):
        leave_a_trace(event=event, now=now)
        working.set()
        assert go_on.wait(30)

    def work():
        try:
            delivery.handle_event(event_id=pk, now=NOW)
        finally:
            connections.close_all()

    with only_handlers({"test.told": [slow]}):
        worker = threading.Thread(target=work)
        # The lease must be over at once: the row is locked, so no test can move its time.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "LEASE", timedelta(0))
            worker.start()
            assert working.wait(30)
        assert delivery.recover_abandoned() == 0
        assert not delivery.handle_event(event_id=pk, now=NOW)
        go_on.set()
        worker.join(30)
    assert state_of(pk) == ("done", 1)
    assert effects() == [pk]


def test_a_worker_that_slept_after_its_claim_finds_another_attempt_and_does_nothing():
    [pk] = tell()
    sleeper = delivery._claim(pk)
    let_time_pass(pk, hours=1)
    delivery.recover_abandoned()
    second = delivery._claim(pk)
    assert (sleeper, second) == (1, 2)
    assert not delivery._work(pk, sleeper, NOW)
    delivery._fail(pk, sleeper, "too late")
    assert state_of(pk) == ("running", 2)
    assert delivery._work(pk, second, NOW)
    assert effects() == [pk]


def test_sixteen_sweeps_and_relays_at_once_deliver_everything_once():
    pks = tell(n=60)
    for pk in pks[:30]:
        delivery._claim(pk)
    Event.objects.update(due_at=Now() - timedelta(hours=1), lease_until=Now() - timedelta(hours=1))

    def sweep(_racer, _round):
        delivery.recover_abandoned()
        return delivery.drain(now=NOW)

    rounds = race(8, sweep, rounds=2)
    assert all(outcome.won for outcomes in rounds for outcome in outcomes)
    assert effects() == pks
    assert set(Event.objects.values_list("state", flat=True)) == {"done"}


# --- health ---------------------------------------------------------------------------------------


def test_the_backlog_counts_and_ages_in_one_query(django_assert_num_queries):
    first, second = tell(n=2)
    delivery._claim(first)
    with django_assert_num_queries(1):
        backlog = get_backlog()
    assert (backlog.pending, backlog.running, backlog.dead) == (1, 1, 0)
    assert timedelta(0) < backlog.oldest < timedelta(minutes=1)
    delivery.handle_event(event_id=second, now=NOW)
    assert get_backlog().pending == 0


def test_looking_for_due_work_reads_the_partial_index():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_event (topic, aggregate, aggregate_id, occurred_at)"
            " SELECT 'test.told', 'thing', n::text, now() FROM generate_series(1, 20000) n"
        )
        cursor.execute("UPDATE outbox_event SET state = 'done' WHERE id % 100 <> 0")
        cursor.execute("ANALYZE outbox_event")
    plan = delivery.due_events()[:100].explain()
    assert "event_pending_due" in plan

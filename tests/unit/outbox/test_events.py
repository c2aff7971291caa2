"""Events stand or fall with their transaction; hints never hurt it."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from celery import Celery, current_app
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from common.errors import constraint_name
from outbox.models import Event
from outbox.services import NewEvent, emit, emit_many, events
from outbox.states import EventState

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


def tell(topic="test.told", **payload):
    return emit(
        topic=topic, aggregate="thing", aggregate_id=7, payload=payload, tenant_id=1, now=NOW
    )


@pytest.fixture
def hints(monkeypatch):
    """Collect the hints instead of sending them."""
    sent = []
    monkeypatch.setattr(events, "_silent_until", 0.0)
    monkeypatch.setattr(current_app, "send_task", lambda name, **_options: sent.append(name))
    return sent


@pytest.mark.django_db
def test_an_event_is_a_pending_row_with_its_facts():
    event = tell(amount=Decimal("1.50"), on=date(2016, 3, 1))
    stored = Event.objects.get(pk=event.pk)
    assert (stored.topic, stored.aggregate, stored.aggregate_id) == ("test.told", "thing", "7")
    assert stored.payload == {"amount": "1.50", "on": "2016-03-01"}
    assert (stored.state, stored.attempts, stored.tenant_id) == (EventState.PENDING, 0, 1)
    assert stored.occurred_at == NOW
    # The machine's clock, not the business's: the work is due now, not in 2016.
    assert (datetime.now(UTC) - stored.recorded_at).total_seconds() < 60
    assert stored.due_at == stored.recorded_at


@pytest.mark.django_db
def test_many_events_take_one_statement(django_assert_num_queries):
    many = [NewEvent("test.told", "thing", number) for number in range(100)]
    with django_assert_num_queries(1):
        written = emit_many(many, now=NOW)
    assert [event.aggregate_id for event in written] == [str(number) for number in range(100)]


@pytest.mark.django_db
def test_set_based_sql_may_leave_the_rest_to_defaults():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_event (topic, tenant_id, aggregate, aggregate_id, occurred_at)"
            " SELECT 'test.told', 1, 'thing', n::text, now() FROM generate_series(1, 3) n"
        )
    assert (
        list(Event.objects.values_list("state", "attempts", "payload", "last_error"))
        == [("pending", 0, {}, "")] * 3
    )


@pytest.mark.django_db
def test_what_an_event_says_never_changes():
    tell()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Event.objects.update(payload={"other": 1})
    assert constraint_name(caught.value) == "event_columns_frozen"


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_a_mistake():
    with pytest.raises(transaction.TransactionManagementError):
        tell()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_act_leaves_no_event_and_sends_no_hint(hints):
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert hints == []


@pytest.mark.django_db(transaction=True)
def test_one_hint_follows_the_commit_however_many_events(hints):
    with transaction.atomic():
        tell()
        with transaction.atomic():
            tell()
        assert hints == []
    assert hints == ["outbox.tasks.relay"]


@pytest.mark.django_db(transaction=True)
def test_a_hint_of_a_rolled_back_part_does_not_stand_in_for_the_rest(hints):
    with transaction.atomic():
        with transaction.atomic():
            tell()
            transaction.set_rollback(True)
        tell()
    assert Event.objects.count() == 1
    assert hints == ["outbox.tasks.relay"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_neither_fails_nor_delays_the_act(monkeypatch):
    nowhere = Celery(broker="redis+socket:///nowhere/redis.sock", set_as_current=False)
    nowhere.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(events, "_silent_until", 0.0)
    monkeypatch.setattr(events, "current_app", nowhere)
    started = time.monotonic()
    for _ in range(20):
        with transaction.atomic():
            tell()
    assert time.monotonic() - started < 2
    assert events._silent_until > time.monotonic()
    assert Event.objects.filter(state=EventState.PENDING).count() == 20


@pytest.mark.django_db
def test_a_state_out_of_order_is_refused_by_the_database():
    tell()
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Event.objects.update(state=EventState.DEAD)
    assert constraint_name(caught.value) == "event_state_transition_allowed"

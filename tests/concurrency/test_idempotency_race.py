"""The same request on several connections at once: one effect, one answer, in every round."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from common.idempotency import IdempotencyKeyReused, idempotent
from common.models import IdempotencyKey
from outbox.models import Event
from outbox.services import emit
from tests.concurrency.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


def act(key, payload, *, fail=False):
    """A service with one effect: an event. Returns whether it was replayed, and its answer."""
    with transaction.atomic(), idempotent(scope="race", key=key, payload=payload, now=NOW) as once:
        if once.replayed:
            return True, once.response["event"]
        event = emit(
            topic="race", aggregate="race", aggregate_id=key, payload={}, tenant_id=1, now=NOW
        )
        once.store({"event": event.pk})
        if fail:
            raise RuntimeError("rolled back")
        return False, event.pk


def test_two_connections_200_rounds_one_effect_always():
    rounds = race(2, lambda _racer, number: act(f"key {number}", {"n": number}), rounds=200)
    assert len(rounds) == 200
    for first, second in rounds:
        assert sorted([first.result[0], second.result[0]]) == [False, True]
        assert first.result[1] == second.result[1]
    assert Event.objects.count() == IdempotencyKey.objects.count() == 200


def test_eight_connections_one_effect():
    for outcomes in race(8, lambda _racer, number: act(f"key {number}", number), rounds=25):
        assert sum(not outcome.result[0] for outcome in outcomes) == 1
        assert len({outcome.result[1] for outcome in outcomes}) == 1
    assert Event.objects.count() == 25


def test_a_holder_that_rolls_back_hands_the_key_to_the_one_who_waits():
    rounds = race(2, lambda racer, number: act(f"key {number}", number, fail=racer == 0), rounds=50)
    for failing, other in rounds:
        # If the other came first, its answer is replayed before the failing one could fail.
        assert other.result[0] is False
        if failing.won:
            assert failing.result == (True, other.result[1])
        else:
            assert str(failing.error) == "rolled back"
    assert Event.objects.count() == IdempotencyKey.objects.count() == 50


def test_two_different_requests_with_one_key_one_is_refused():
    for outcomes in race(2, lambda racer, number: act(f"key {number}", {"by": racer}), rounds=50):
        refused = [outcome.error for outcome in outcomes if not outcome.won]
        assert [type(error) for error in refused] == [IdempotencyKeyReused]
    assert Event.objects.count() == 50

"""Locks are taken in order of keys: who asks for them otherwise waits, without deadlock."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from common.locks import lock_in_order, lock_one
from common.models import IdempotencyKey
from tests.concurrency.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows():
    now = datetime(2016, 3, 1, tzinfo=UTC)
    return [
        IdempotencyKey.objects.create(scope="lock", key=str(i), request_hash="", created_at=now).pk
        for i in range(6)
    ]


def count_up(pk):
    row = IdempotencyKey.objects.get(pk=pk)
    IdempotencyKey.objects.filter(pk=pk).update(response={"n": row.response.get("n", 0) + 1})


def test_overlapping_sets_asked_for_in_opposite_orders_never_deadlock(rows):
    def act(racer, _round):
        wanted = IdempotencyKey.objects.filter(pk__in=rows)
        turned = wanted.order_by("-pk") if racer % 2 else wanted.order_by("pk")
        with transaction.atomic():
            locked = lock_in_order(turned)
            for pk in rows[::-1] if racer % 2 else rows:
                count_up(pk)
        return [row.pk for row in locked]

    for outcomes in race(4, act, rounds=25):
        assert [outcome.result for outcome in outcomes] == [rows] * 4
    assert set(IdempotencyKey.objects.values_list("response__n", flat=True)) == {100}


def test_one_locked_row_counts_every_act(rows):
    def act(_racer, _round):
        with transaction.atomic():
            lock_one(IdempotencyKey.objects.all(), rows[0])
            count_up(rows[0])

    race(4, act, rounds=25)
    assert IdempotencyKey.objects.get(pk=rows[0]).response == {"n": 100}


def test_the_lock_keeps_writers_out_and_lets_foreign_keys_to_the_row_be_written(rows):
    def ask(_racer, _round, strength):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM common_idempotencykey FOR {strength} NOWAIT")

    with transaction.atomic():
        lock_in_order(IdempotencyKey.objects.all())
        [[reference]] = race(1, partial(ask, strength="KEY SHARE"))
        [[writer]] = race(1, partial(ask, strength="NO KEY UPDATE"))
    assert reference.won
    assert isinstance(writer.error, OperationalError)


def test_a_row_that_is_not_there_is_not_locked(rows):
    with pytest.raises(IdempotencyKey.DoesNotExist), transaction.atomic():
        lock_one(IdempotencyKey.objects.all(), 0)

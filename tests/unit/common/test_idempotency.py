"""One key, one effect, one answer. The race itself is run in tests/concurrency."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from common.canonical import canonical_hash, canonical_json
from common.errors import InvariantBroken, Refusal, constraint_name
from common.idempotency import IdempotencyKeyReused, claim, forget_keys, idempotent
from common.models import IdempotencyKey

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


def ask(payload, *, key="k1", scope="organisation 7: draw", answer="first"):
    with idempotent(scope=scope, key=key, payload=payload, now=NOW) as once:
        if not once.replayed:
            once.store({"answer": answer})
        return once.replayed, once.response


@pytest.mark.django_db
def test_the_second_request_gets_the_first_ones_answer():
    assert ask({"amount": Decimal("1.50")}) == (False, {"answer": "first"})
    assert ask({"amount": Decimal("1.5")}, answer="second") == (True, {"answer": "first"})
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.django_db
def test_the_first_caller_and_the_later_ones_read_the_same_values():
    for replayed in (False, True):
        with idempotent(scope="s", key="k", payload=1, now=NOW) as once:
            if not once.replayed:
                once.store({"amount": Decimal("1.50"), "on": date(2016, 3, 1)})
            assert (once.replayed, once.response) == (
                replayed,
                {"amount": "1.50", "on": "2016-03-01"},
            )


@pytest.mark.django_db
def test_a_key_belongs_to_its_scope():
    assert ask(1, scope="a") == (False, {"answer": "first"})
    assert ask(2, scope="b", answer="other") == (False, {"answer": "other"})


@pytest.mark.django_db
def test_the_same_key_for_another_request_is_refused():
    ask({"amount": 1})
    with pytest.raises(IdempotencyKeyReused) as caught:
        ask({"amount": 2})
    assert caught.value.code == "idempotency_key_reused"
    assert caught.value.field == "idempotency_key"
    assert IdempotencyKey.objects.get().response == {"answer": "first"}


@pytest.mark.django_db
def test_a_refused_act_leaves_its_key_free():
    with pytest.raises(Refusal), idempotent(scope="s", key="k", payload=1, now=NOW):
        raise Refusal(message="no")
    assert not IdempotencyKey.objects.exists()
    assert ask(1, scope="s", key="k") == (False, {"answer": "first"})


@pytest.mark.django_db
def test_a_replay_does_not_overwrite_the_answer():
    ask(1)
    with (
        pytest.raises(InvariantBroken),
        idempotent(scope="organisation 7: draw", key="k1", payload=1, now=NOW) as once,
    ):
        once.store({})
    assert IdempotencyKey.objects.get().response == {"answer": "first"}


@pytest.mark.django_db
def test_without_a_key_every_request_is_new():
    assert ask(1, key=None) == ask(1, key=None) == (False, {"answer": "first"})
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db
def test_an_empty_key_is_no_key():
    with pytest.raises(ValueError, match="not empty"):
        ask(1, key="")


@pytest.mark.django_db(transaction=True)
def test_a_claim_outside_a_transaction_is_a_mistake():
    with pytest.raises(transaction.TransactionManagementError):
        claim(scope="s", key="k", payload=1, now=NOW)


@pytest.mark.django_db
def test_a_key_once_written_keeps_its_request():
    ask(1)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        IdempotencyKey.objects.update(request_hash="")
    assert constraint_name(caught.value) == "idempotencykey_columns_frozen"


@pytest.mark.django_db
def test_old_keys_are_forgotten():
    ask(1)
    assert forget_keys(older_than=timedelta(minutes=1)) == 0
    assert forget_keys(older_than=timedelta(0)) == 1
    assert not IdempotencyKey.objects.exists()


def test_canonical_json_has_one_spelling():
    class Kind(StrEnum):
        PLEDGE = "pledge"

    value = {
        "b": [Decimal("1.500"), Decimal("0.00"), Decimal("1E+3")],
        "a": datetime(2016, 3, 1, 17, tzinfo=UTC),
        "c": (date(2016, 3, 1), Kind.PLEDGE, None, True, "质押"),
        "d": UUID(int=7),
    }
    assert canonical_json(value) == (
        '{"a":"2016-03-01T17:00:00+00:00","b":["1.5","0","1000"],'
        '"c":["2016-03-01","pledge",null,true,"质押"],"d":"00000000-0000-0000-0000-000000000007"}'
    )
    assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}, [float("nan")]])
def test_a_value_without_one_spelling_is_refused(value):
    with pytest.raises(TypeError, match="canonical"):
        canonical_json(value)

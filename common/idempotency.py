"""The same request sent twice has the effect of one, and gets the first one's answer.

The key's row is written by the business transaction itself, as its first statement: the effect
and the memory of it stand or fall together. A service uses it so::

    with transaction.atomic(), idempotent(scope=..., key=..., payload=..., now=now) as once:
        if once.replayed:
            return Receipt(**once.response)
        ...
        once.store({"receipt": receipt.pk})
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from common.canonical import canonical_hash
from common.errors import InvariantBroken, Refusal
from common.models import IdempotencyKey

_CLAIM = """
    INSERT INTO common_idempotencykey (scope, key, request_hash, response, created_at)
    VALUES (%s, %s, %s, '{}', %s)
    ON CONFLICT (scope, key) DO NOTHING
    RETURNING id
"""


class IdempotencyKeyReused(Refusal):
    """The key was used before, for a request with other content."""

    code = "idempotency_key_reused"


@dataclass
class Claim:
    """A key held by this transaction, or the answer of the request that held it before."""

    row_id: int | None
    replayed: bool
    response: dict[str, Any]

    def store(self, response: Mapping[str, Any]) -> None:
        """Keep the answer for later requests with this key.

        It passes through JSON at once (Decimals and dates become text), so that the first caller
        reads the same values from ``response`` as the later ones.
        """
        if self.replayed:
            raise InvariantBroken("a replayed request has its answer already")
        self.response = json.loads(json.dumps(response, cls=DjangoJSONEncoder))
        if self.row_id is not None:
            IdempotencyKey.objects.filter(pk=self.row_id).update(response=self.response)


def claim(*, scope: str, key: str, payload: Any, now: datetime) -> Claim:
    """Take a key for this transaction, or return the answer of the request that took it.

    ``scope`` names who asks for what ("organisation 7: drawdown"), ``payload`` is all that was
    asked (hashed, not stored). A second request waits until the first one's transaction ends:
    it then finds the answer, or, after a rollback, takes the key itself. Raises
    IdempotencyKeyReused if the payload differs. Must run inside ``transaction.atomic``.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("claim a key inside the business transaction")
    if not key:
        raise ValueError("an idempotency key is not empty")
    request_hash = canonical_hash(payload)
    with connection.cursor() as cursor:
        # DO NOTHING waits for a concurrent holder of the same key before it decides.
        cursor.execute(_CLAIM, [scope, key, request_hash, now])
        inserted = cursor.fetchone()
    if inserted is not None:
        return Claim(row_id=inserted[0], replayed=False, response={})
    return _replay(scope, key, request_hash)


def _replay(scope: str, key: str, request_hash: str) -> Claim:
    # READ COMMITTED takes a new snapshot here, so the row that was waited for is seen.
    before = IdempotencyKey.objects.get(scope=scope, key=key)
    if before.request_hash != request_hash:
        raise IdempotencyKeyReused(
            message=_("The key %(key)s was used for another request.") % {"key": key},
            field="idempotency_key",
        )
    return Claim(row_id=before.pk, replayed=True, response=before.response)


@contextmanager
def idempotent(*, scope: str, key: str | None, payload: Any, now: datetime) -> Iterator[Claim]:
    """Run a service's body once per key, in a transaction of its own or the one around it.

    Yields the claim; the body returns ``claim.response`` if ``claim.replayed``, and otherwise
    does its work and stores its answer. A body that raises leaves the key free. Without a key
    every request is new, and its answer is kept nowhere.
    """
    with transaction.atomic():
        if key is None:
            yield Claim(row_id=None, replayed=False, response={})
        else:
            yield claim(scope=scope, key=key, payload=payload, now=now)


def forget_keys(*, older_than: timedelta) -> int:
    """Delete the keys recorded longer ago (by the database's clock) and return how many."""
    return IdempotencyKey.objects.filter(recorded_at__lt=Now() - older_than).delete()[0]

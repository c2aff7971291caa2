"""Keep sums of what is posted, so that balances cost the postings since, not all of them.

A snapshot holds every posting up to one id. Ids are drawn before their transactions commit, so an
id may still turn up below a later one: a snapshot must wait for whoever was writing when its limit
was read. It waits as CREATE INDEX CONCURRENTLY does, for the holders of the table's write lock,
and makes nobody wait for it.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.errors import Refusal

PATIENCE = 10.0  # seconds
_PAUSE = 0.02


class BooksBusy(Refusal):
    """Postings that were under way did not end in time; try again later."""

    code = "books_busy"


@dataclass(frozen=True, slots=True)
class SnapshotRun:
    """What a run did: up to which posting, and for how many accounts that had moved."""

    through_posting_id: int
    accounts: int


_LIMIT = "SELECT coalesce(max(id), 0) FROM ledger_posting"

# Whoever inserts holds this lock from before the first id is drawn until the transaction's end.
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
     WHERE locktype = 'relation' AND relation = 'ledger_posting'::regclass
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
"""

_TAKE = """
    WITH before AS (
        SELECT coalesce(max(through_posting_id), 0) AS id FROM ledger_balancesnapshot
    ), moved AS (
        SELECT account_id, sum(debit) AS debit, sum(credit) AS credit
          FROM (SELECT debit_account_id AS account_id, amount AS debit, 0 AS credit
                  FROM ledger_posting, before
                 WHERE ledger_posting.id > before.id AND ledger_posting.id <= %(through)s
                 UNION ALL
                SELECT credit_account_id, 0, amount
                  FROM ledger_posting, before
                 WHERE ledger_posting.id > before.id AND ledger_posting.id <= %(through)s) AS legs
         GROUP BY account_id
    )
    INSERT INTO ledger_balancesnapshot (account_id, through_posting_id, debit, credit, taken_at)
    SELECT moved.account_id, %(through)s, moved.debit + coalesce(last.debit, 0),
           moved.credit + coalesce(last.credit, 0), %(now)s
      FROM moved
      LEFT JOIN LATERAL (
            SELECT debit, credit FROM ledger_balancesnapshot
             WHERE account_id = moved.account_id
             ORDER BY through_posting_id DESC LIMIT 1) AS last ON true
    ON CONFLICT (account_id, through_posting_id) DO NOTHING
"""


def take_snapshots(*, now: datetime, patience: float = PATIENCE) -> SnapshotRun:
    """Add a snapshot for each account that moved since the last run, in all books.

    A constant number of statements over the postings since; runs may overlap. Waits up to
    ``patience`` seconds for postings under way, then raises BooksBusy. Relies on READ COMMITTED
    (each statement sees what was committed before it), Django's default.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT)
        [through] = cursor.fetchone()
        _wait_for_writers(patience)
        with transaction.atomic():
            cursor.execute(_TAKE, {"through": through, "now": now})
        return SnapshotRun(through_posting_id=through, accounts=cursor.rowcount)


def _wait_for_writers(patience: float) -> None:
    deadline = time.monotonic() + patience
    pending = _writers()
    while pending:
        if time.monotonic() > deadline:
            raise BooksBusy(
                message=_("%(count)s transactions are still posting; balances stay unsummed.")
                % {"count": len(pending)},
                numbers={"count": len(pending)},
            )
        time.sleep(_PAUSE)
        # Only those of the beginning: who came later draws ids above the limit.
        pending &= _writers()


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {row[0] for row in cursor.fetchall()}

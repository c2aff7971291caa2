"""Each invariant finds the breach it is for, on rows that came in while the guards were off."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connection

from ledger.invariants import INVARIANTS
from ledger.models import Account, Entry, Posting
from ledger.services.posting import Line
from ledger.services.reversal import reverse
from ledger.services.snapshots import take_snapshots
from tests.unit.ledger.conftest import NOW

pytestmark = pytest.mark.django_db


@contextmanager
def guards_off() -> Iterator[None]:
    """Switch every trigger off, foreign keys included, as a restore does."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def breaches():
    found = {invariant.name: invariant.breaches() for invariant in INVARIANTS}
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture
def entry(books):
    entry = books.post(
        Line("principal:L1", "clearing", Decimal(100)), Line("cash", "suspense", Decimal(5))
    )
    reverse(
        entry=books.move("cash", "suspense", "9"),
        reason="test",
        booked_on=NOW.date(),
        actor=books.actor,
        now=NOW,
    )
    take_snapshots(now=NOW)
    return entry


def tamper(sql, *values):
    with guards_off(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_books_in_order_breach_nothing(entry):
    assert breaches() == {}


def test_a_vanished_posting_is_found(entry):
    gone = entry.postings.get(line_no=2)
    tamper("DELETE FROM ledger_posting WHERE id = %s", gone.pk)
    found = breaches()
    assert found["entries_complete"] == [(str(entry.pk), "states 2 lines, has 1")]
    assert len(found["snapshots_true"]) == 2


def test_a_changed_amount_is_found(entry):
    tamper("UPDATE ledger_posting SET amount = 5.001 WHERE entry_id = %s AND line_no = 2", entry.pk)
    found = breaches()
    posting = entry.postings.get(line_no=2)
    assert found["amounts_payable"] == [(str(posting.pk), "5.0010 USD")]
    cash = Account.objects.get(code="cash")
    assert (str(cash.pk), "kept 14.0000 / 9.0000, summed 14.0010 / 9.0000") in found[
        "snapshots_true"
    ]


def test_a_posting_in_foreign_books_is_found(entry, other_books):
    other_books.move("cash", "suspense", "1")
    theirs = Account.objects.get(code="cash", tenant=other_books.lender)
    posting = entry.postings.get(line_no=1)
    tamper("UPDATE ledger_posting SET debit_account_id = %s WHERE id = %s", theirs.pk, posting.pk)
    found = breaches()
    assert [row[0] for row in found["postings_at_home"]] == [str(posting.pk)]
    assert dict(found["books_balance"]) == {
        f"{entry.tenant_id} USD": "off by -100.0000",
        f"{other_books.tenant_id} USD": "off by 100.0000",
    }


def test_a_posting_to_nowhere_is_found(entry):
    posting = entry.postings.get(line_no=1)
    tamper("UPDATE ledger_posting SET credit_account_id = 0 WHERE id = %s", posting.pk)
    assert breaches()["postings_at_home"][0][1].endswith("credit nowhere")


def test_a_lying_snapshot_is_found(entry):
    cash = Account.objects.get(code="cash")
    tamper("UPDATE ledger_balancesnapshot SET credit = 1 WHERE account_id = %s", cash.pk)
    assert breaches() == {
        "snapshots_true": [(str(cash.pk), "kept 14.0000 / 1.0000, summed 14.0000 / 9.0000")]
    }


def test_a_vanished_snapshot_is_found(entry):
    cash = Account.objects.get(code="cash")
    tamper("DELETE FROM ledger_balancesnapshot WHERE account_id = %s", cash.pk)
    first = Posting.objects.filter(debit_account=cash).earliest("id")
    assert breaches() == {
        "snapshots_reach": [(str(cash.pk), f"posting {first.pk} is in no snapshot")]
    }


def test_a_reversal_that_is_no_mirror_is_found(entry):
    mirror = Entry.objects.get(reverses__isnull=False)
    tamper("UPDATE ledger_entry SET reverses_id = %s WHERE id = %s", entry.pk, mirror.pk)
    assert breaches() == {
        "reversals_mirror": [(str(mirror.pk), f"is not the mirror of {entry.pk}")]
    }


@pytest.mark.usefixtures("entry")
def test_a_guard_switched_off_is_found():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER ALL")
    off = "is missing or switched off"
    assert breaches() == {
        "guards_stand": [
            ("ledger_posting.posting_at_home", off),
            ("ledger_posting.rows_never_change", off),
        ]
    }

"""Corrections are mirror images, made once."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.models import Entry, Posting
from ledger.queries import balance
from ledger.services.posting import Line
from ledger.services.reversal import NotReversible, reverse
from outbox.models import AuditEntry
from tests.unit.ledger.conftest import NOW

pytestmark = pytest.mark.django_db


def undo(entry, books, *, reason="typed twice", on=date(2016, 3, 2)):
    return reverse(entry=entry, reason=reason, booked_on=on, actor=books.actor, now=NOW)


@pytest.fixture
def entry(books):
    return books.post(
        Line("principal:L1", "clearing", Decimal("100.00")),
        Line("fees:L1", "fee_income", Decimal("1.25")),
        reference="L1",
        idempotency_key="draw",
    )


def test_a_reversal_moves_every_line_back(books, entry):
    mirror = undo(entry, books)
    assert (mirror.kind, mirror.reverses, mirror.line_count) == ("reversal", entry, 2)
    assert (mirror.reference, mirror.narrative) == ("L1", "typed twice")
    assert (mirror.booked_on, mirror.recorded_at) == (date(2016, 3, 2), NOW)
    lines = mirror.postings.order_by("line_no").values_list(
        "line_no", "debit_account__code", "credit_account__code", "amount", "currency"
    )
    assert list(lines) == [
        (1, "clearing", "principal:L1", Decimal("100.0000"), "USD"),
        (2, "fee_income", "fees:L1", Decimal("1.2500"), "USD"),
    ]
    for code in ("principal:L1", "clearing", "fees:L1", "fee_income"):
        assert balance(tenant_id=books.tenant_id, code=code, currency="USD") == 0
    assert list(entry.reversals.all()) == [mirror]


def test_a_reversal_is_in_the_journal_of_acts(books, entry):
    mirror = undo(entry, books)
    told = AuditEntry.objects.get(action="reverse")
    assert (told.object_type, told.object_id) == ("ledger.entry", str(entry.pk))
    assert (told.tenant_id, told.reason) == (books.tenant_id, "typed twice")
    assert told.detail == {"reversal": mirror.number}


def test_an_entry_is_reversed_once(books, entry):
    undo(entry, books)
    with pytest.raises(NotReversible, match=f"{entry.number} is reversed already"):
        undo(entry, books)
    assert Entry.objects.count() == 2
    assert Posting.objects.count() == 4


def test_a_reversal_is_final(books, entry):
    mirror = undo(entry, books)
    with pytest.raises(NotReversible, match="is a reversal"):
        undo(mirror, books)
    assert Entry.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"reason": "  "}, "reason"), ({"on": date(2016, 2, 29)}, "booked_on")],
)
def test_a_reversal_has_a_reason_and_comes_after(books, entry, changes, field):
    with pytest.raises(NotReversible) as refused:
        undo(entry, books, **changes)
    assert refused.value.field == field
    assert Entry.objects.count() == 1


def test_the_entry_can_be_posted_anew_under_another_key(books, entry):
    undo(entry, books)
    books.move("principal:L1", "clearing", "101.00", idempotency_key="draw, corrected")
    assert balance(tenant_id=books.tenant_id, code="principal:L1", currency="USD") == 101

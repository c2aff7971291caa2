"""The journal of acts is added to and read by those it concerns; it never changes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from outbox.models import AuditEntry
from outbox.services import record

NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Someone:
    label: str = "Li Wei"
    person_id: int | None = 3
    organisation_id: int | None = 30
    sees_everything: bool = False


def note(actor=Someone(), **changes):
    facts = {
        "action": "release_pledge",
        "object_type": "pledges.position",
        "object_id": 12,
        "at": NOW,
        "business_date": date(2016, 3, 1),
        "detail": {"quantity": Decimal("12.5")},
        "reason": "sold",
    }
    return record(actor=actor, **{**facts, **changes})


@pytest.mark.django_db
def test_an_entry_says_who_did_what_to_which_thing_when_and_why():
    entry = AuditEntry.objects.get(pk=note(tenant_id=10).pk)
    assert (entry.actor_id, entry.actor_label, entry.organisation_id) == (3, "Li Wei", 30)
    assert (entry.action, entry.object_type, entry.object_id) == (
        "release_pledge",
        "pledges.position",
        "12",
    )
    assert (entry.at, entry.business_date, entry.reason) == (NOW, date(2016, 3, 1), "sold")
    assert (entry.tenant_id, entry.detail) == (10, {"quantity": "12.5"})
    assert str(entry) == "2016-03-01 09:00 Li Wei: release_pledge"


@pytest.mark.django_db
def test_the_database_keeps_the_journal_as_it_was_written():
    note()
    for act in (
        lambda: AuditEntry.objects.update(reason="other"),
        lambda: AuditEntry.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            act()
        assert constraint_name(caught.value) == "auditentry_rows_never_change"
    assert AuditEntry.objects.get().reason == "sold"


@pytest.mark.django_db
def test_the_journal_cannot_be_emptied():
    note()
    with connection.cursor() as cursor:
        # Tests run with this one guard off (see tests/conftest.py): put it back for a moment.
        cursor.execute("ALTER TABLE outbox_auditentry ENABLE TRIGGER USER")
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            cursor.execute("TRUNCATE outbox_auditentry")
    assert constraint_name(caught.value) == "auditentry_never_emptied"


@pytest.mark.django_db(transaction=True)
def test_an_act_outside_a_transaction_is_not_recorded():
    with pytest.raises(transaction.TransactionManagementError):
        note()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_entries_are_read_by_the_lender_and_by_those_who_acted():
    own = note(tenant_id=10)
    foreign = note(Someone(organisation_id=40), tenant_id=11)

    def read(**facts):
        return set(AuditEntry.objects.visible_to(Someone(**facts)))

    assert read(organisation_id=30) == {own}
    assert read(organisation_id=10) == {own}
    assert read(organisation_id=11) == {foreign}
    assert read(organisation_id=99) == set()
    assert read(organisation_id=None) == set()
    assert read(organisation_id=None, sees_everything=True) == {own, foreign}

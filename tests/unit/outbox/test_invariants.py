"""Each invariant is silent on sound rows and names the one that breaks it."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from outbox.invariants import INVARIANTS
from outbox.models import Event
from outbox.services import emit

SILENT = {invariant.name: [] for invariant in INVARIANTS}


@pytest.fixture
def event(db):
    return emit(
        topic="test.told",
        aggregate="thing",
        aggregate_id=1,
        payload={},
        tenant_id=1,
        now=datetime(2016, 3, 1, tzinfo=UTC),
    )


def breaches():
    return {invariant.name: invariant.breaches() for invariant in INVARIANTS}


def test_a_new_event_breaks_nothing(event):
    assert breaches() == SILENT


def test_a_dead_event_is_named_with_its_error(event):
    Event.objects.update(state="running", last_error="no luck")
    Event.objects.update(state="dead")
    dead = [(str(event.pk), "test.told: no luck")]
    assert breaches() == {**SILENT, "no_event_given_up": dead}


def test_a_claim_without_a_lease_is_named(event):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_event SET state = 'running'")
    assert breaches() == {**SILENT, "every_attempt_has_a_lease": [(str(event.pk), "test.told")]}

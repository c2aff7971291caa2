"""A suspended position secures nothing until every reason against it is gone."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from outbox.models import Event
from pledges.measure import measure
from pledges.models import Position, Suspension
from pledges.services.conversion import Take
from pledges.services.cover import Requirement
from pledges.services.eligibility import restore, suspend
from pledges.states import SuspensionReason
from portal.proofs import prove_all
from tests.factories.lending import START
from tests.factories.pledges import Vault

pytestmark = pytest.mark.django_db
LAPSED = {"policy": "P-1", "ended_on": "2016-03-01"}


def lending_value(vault: Vault) -> Decimal:
    return measure(as_of=START, facility_ids=[vault.facility_id])[vault.facility_id].lending_value


def set_aside(vault: Vault, position: Position, reason: SuspensionReason) -> None:
    with vault.act(requirement=Requirement.NONE) as act:
        suspend(act=act, reason=reason, findings={position.pk: LAPSED})


def bring_back(vault: Vault, position: Position, reason: SuspensionReason) -> None:
    with vault.act() as act:
        restore(act=act, reason=reason, position_ids=[position.pk])


def test_a_suspended_position_counts_again_when_every_reason_is_gone(vault: Vault) -> None:
    position = vault.pledge(4_000)
    assert lending_value(vault) == 1_000_000

    set_aside(vault, position, SuspensionReason.INSURANCE)
    set_aside(vault, position, SuspensionReason.CONTROL)
    assert lending_value(vault) == 0
    bring_back(vault, position, SuspensionReason.INSURANCE)
    assert lending_value(vault) == 0
    bring_back(vault, position, SuspensionReason.CONTROL)

    assert lending_value(vault) == 1_000_000
    told = Event.objects.filter(aggregate_id=str(position.pk)).order_by("pk")
    assert [event.topic for event in told] == [
        "pledges.position_suspended",
        "pledges.position_suspended",
        "pledges.position_restored",
    ]
    assert all(proof.holds for proof in prove_all())


def test_the_same_reason_suspends_once(vault: Vault) -> None:
    position = vault.pledge(4_000)

    set_aside(vault, position, SuspensionReason.INSURANCE)
    set_aside(vault, position, SuspensionReason.INSURANCE)

    assert Suspension.objects.count() == 1
    assert lending_value(vault) == 0


def test_what_is_taken_from_a_suspended_position_leaves_the_pool_alone(vault: Vault) -> None:
    position = vault.pledge(4_000)
    vault.pledge(2_000)
    set_aside(vault, position, SuspensionReason.INSPECTION)

    vault.release(Take(position.pk, Decimal(1_000)))

    assert lending_value(vault) == 500_000
    assert all(proof.holds for proof in prove_all())


def test_the_flag_is_the_suspensions_to_set(vault: Vault) -> None:
    position = vault.pledge(4_000)

    with pytest.raises(DatabaseError, match="a suspension suspends"), transaction.atomic():
        Position.objects.filter(pk=position.pk).update(suspended=True)

    set_aside(vault, position, SuspensionReason.PLACE)
    with pytest.raises(DatabaseError, match="not deleted"), transaction.atomic():
        Suspension.objects.all().delete()

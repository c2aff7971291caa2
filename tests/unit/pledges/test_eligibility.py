"""A suspended position secures nothing until every reason against it is gone."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from outbox.models import Event
from pledges.measure import measure
from pledges.models import Position, Suspension
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import Requirement
from pledges.services.eligibility import restore, suspend
from pledges.services.mortgage import crystallise_mortgage
from pledges.states import CrystallisationCause, Right, SuspensionReason
from portal.proofs import prove_all
from tests.factories.lending import START
from tests.factories.mortgages import make_yard
from tests.factories.parties import NOW
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


def test_every_reason_goes_over_into_the_fixed_claim_with_what_was_found(vault: Vault) -> None:
    yard = make_yard(vault)
    lots = [yard.receive(100), yard.receive(200)]
    floating_ones = list(Position.objects.live().filter(facility_id=yard.facility_id))
    reasons = (SuspensionReason.PLACE, SuspensionReason.INSURANCE, SuspensionReason.INSPECTION)
    with yard.vault.act(requirement=Requirement.NONE) as act:
        for reason in reasons:
            suspend(
                act=act,
                reason=reason,
                findings={
                    one.pk: {"found": f"{reason} {one.quantity:.0f}"} for one in floating_ones
                },
            )

    crystallise_mortgage(
        mortgage=yard.mortgage,
        cause=CrystallisationCause.AGREED_EVENT,
        evidence=Evidence("notice", "2016-44"),
        reason="agreed event",
        on=START,
        actor=vault.desk.team.risk_officer,
        now=NOW,
    )

    fixed = Suspension.objects.filter(position__right=Right.PLEDGE, lifted_at__isnull=True)
    assert {(one.position.lot_id, one.reason, one.detail["found"]) for one in fixed} == {
        (lot.pk, str(reason), f"{reason} {quantity}")
        for lot, quantity in zip(lots, (100, 200), strict=True)
        for reason in reasons
    }
    assert yard.vault.cover().lending_value == 0
    assert all(proof.holds for proof in prove_all())

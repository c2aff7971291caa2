"""What is offered twice is refused in neutral words, and both risk desks are told."""

from dataclasses import replace

import pytest

from logistics.refusals import AlreadyClaimed
from outbox.models import Alert, AuditEntry
from pledges.services.double_pledge import claim_or_alarm
from pledges.states import Right
from tests.factories.lending import make_facility
from tests.factories.parties import NOW, make_lender_team
from tests.factories.pledges import Vault

pytestmark = pytest.mark.django_db


def rival_of(vault: Vault) -> Vault:
    """Return another lender's facility for the same borrower, on the same goods."""
    team = make_lender_team()
    facility = make_facility(team=team, borrower=vault.desk.borrower)
    return replace(vault, desk=replace(vault.desk, team=team, facility=facility))


def try_to_pledge(vault: Vault, lot) -> AlreadyClaimed:
    with pytest.raises(AlreadyClaimed) as refused:
        claim_or_alarm(
            lambda: vault.pledge_lot(lot),
            facility=vault.desk.facility,
            actor=vault.desk.team.approver,
            now=NOW,
        )
    return refused.value


def test_both_desks_are_told_and_neither_learns_of_the_other(vault: Vault) -> None:
    rival = rival_of(vault)
    lot = vault.lot(100)
    vault.pledge_lot(lot)

    try_to_pledge(rival, lot)

    told = {alert.organisation_id: alert for alert in Alert.objects.all()}
    asked, held = told[rival.desk.team.lender.pk], told[vault.desk.team.lender.pk]
    assert set(told) == {rival.desk.team.lender.pk, vault.desk.team.lender.pk}
    assert (asked.topic, held.topic) == (
        "pledges.double_claim_refused",
        "pledges.double_claim_met",
    )
    for alert, other in ((asked, vault), (held, rival)):
        said = f"{alert.key} {alert.payload} {alert.aggregate}"
        assert other.desk.team.lender.name not in said
        assert other.desk.facility.code not in said
    assert AuditEntry.objects.filter(action="note_double_claim").count() == 1


def test_the_refusal_is_the_same_whoever_holds(vault: Vault) -> None:
    """Another lender's claim and the asker's own read alike, but for the lot's own number."""
    rival = rival_of(vault)
    other, own = vault.lot(100, number="A 1"), vault.lot(100, number="A 2")
    rival.pledge_lot(other)
    vault.pledge_lot(own)

    first, second = try_to_pledge(vault, other), try_to_pledge(vault, own)

    assert first.message.replace("A 1", "?") == second.message.replace("A 2", "?")
    assert first.numbers | {"lot": 0} == second.numbers | {"lot": 0}
    assert Alert.objects.filter(organisation_id=rival.desk.team.lender.pk).count() == 1


def test_trying_again_on_the_same_day_is_one_alert(vault: Vault) -> None:
    rival = rival_of(vault)
    lot = vault.lot(100)
    vault.pledge_lot(lot)
    try_to_pledge(rival, lot)
    try_to_pledge(rival, lot)
    assert Alert.objects.count() == 2
    assert AuditEntry.objects.filter(action="note_double_claim").count() == 2


def test_a_claim_that_is_free_raises_no_alarm(vault: Vault) -> None:
    lot = vault.lot(100)
    position = claim_or_alarm(
        lambda: vault.pledge_lot(lot),
        facility=vault.desk.facility,
        actor=vault.desk.team.approver,
        now=NOW,
    )
    assert position.right == Right.PLEDGE
    assert not Alert.objects.exists()

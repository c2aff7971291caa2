"""Thirty-two lenders are offered one receipt at once, each in a spelling of its own: F14.

A few rounds in every run, a thousand in `make test-deep` (RACE_ROUNDS says how many).
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from logistics.models import Lot, WarehouseReceipt
from outbox.models import Alert, AuditEntry
from pledges.invariants import INVARIANTS
from pledges.models import ClaimedReceipt, Position
from pledges.services.claims import OfferedTwice
from pledges.services.double_pledge import claim_or_alarm
from pledges.services.receipt_pledges import pledge_receipt
from tests.concurrency.racing import race, rounds
from tests.factories.lending import make_facility
from tests.factories.logistics import make_receipt
from tests.factories.parties import NOW, make_lender_team
from tests.factories.pledges import EVIDENCE, Vault, make_vault

pytestmark = pytest.mark.django_db(transaction=True)

LENDERS = 32
ROUNDS = rounds(3)
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


def spelt(number: str, racer: int) -> str:
    """Return the number as the racer writes it: case, gaps, dashes, full-width signs."""
    gap = ("", " ", "-", "—", "\u3000", "_", "\u200b", " - ")[racer % 8]
    written = gap.join([number[:2], number[2:5], number[5:]])
    written = written.lower() if racer // 8 % 2 else written
    return written.translate(WIDE) if racer // 16 % 2 else written


@pytest.fixture
def lenders() -> list[Vault]:
    """One borrower with goods, courted by thirty-two lenders."""
    first = make_vault()
    vaults = [first]
    for _ in range(LENDERS - 1):
        team = make_lender_team()
        facility = make_facility(team=team, borrower=first.desk.borrower)
        vaults.append(replace(first, desk=replace(first.desk, team=team, facility=facility)))
    return vaults


def offer(vault: Vault, receipt: WarehouseReceipt, number: str) -> Position:
    """Pledge the receipt as a page does it: the alarm after the rollback."""

    def pledge() -> Position:
        with vault.act(cause="pledge") as act:
            return pledge_receipt(
                act=act, operator=receipt.operator, number=number, evidence=EVIDENCE
            )

    return claim_or_alarm(
        pledge, facility=vault.desk.facility, actor=vault.desk.team.approver, now=NOW
    )


def test_one_receipt_and_thirty_two_lenders_one_is_accepted(lenders):
    assert len({spelt("WR2016001", racer) for racer in range(LENDERS)}) == LENDERS
    lots = [lenders[0].lot(10) for _ in range(ROUNDS)]
    receipts = [make_receipt(lot=lot, number=f"WR2016{n:04d}") for n, lot in enumerate(lots)]

    played = race(
        LENDERS,
        lambda racer, n: offer(lenders[racer], receipts[n], spelt(receipts[n].number, racer)),
        rounds=ROUNDS,
    )

    houses = [vault.desk.team.lender.pk for vault in lenders]
    for number, outcomes in enumerate(played):
        [winner] = [racer for racer, outcome in enumerate(outcomes) if outcome.won]
        refusals = [outcome.error for outcome in outcomes if not outcome.won]
        assert {type(error) for error in refusals} == {OfferedTwice}
        assert {str(error.as_dict()) for error in refusals} == {str(refusals[0].as_dict())}
        # Every desk that was asked is told, and the one that holds: none of them of another.
        told = Alert.objects.filter(aggregate="lot", aggregate_id=str(lots[number].pk))
        assert dict(told.values_list("organisation_id", "topic")) == {
            house: "pledges.double_claim_met" if racer == winner else "pledges.double_claim_refused"
            for racer, house in enumerate(houses)
        }
    assert ClaimedReceipt.objects.filter(lifted_at__isnull=True).count() == ROUNDS
    assert Position.objects.count() == ROUNDS
    assert set(Lot.objects.values_list("claimed", "held")) == {(Decimal(10), Decimal(10))}
    assert AuditEntry.objects.filter(action="note_double_claim").count() == ROUNDS * (LENDERS - 1)
    assert [(rule.name, row) for rule in INVARIANTS for row in rule.breaches()] == []

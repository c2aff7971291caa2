"""The proofs of instructions find and name what came in with the guards off."""

from decimal import Decimal

import pytest

from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from tests.factories.instructions import make_counter
from tests.factories.pledges import Vault
from tests.unit.pledges.test_invariants import breaches, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.tampers]


@pytest.fixture
def executed(vault: Vault) -> Instruction:
    """A release of 1,000 kg that the warehouse has executed."""
    counter = make_counter(vault)
    asked = counter.ask_release(vault.pledge(4_000), 1_000)
    done = counter.bring_to(asked, InstructionState.EXECUTED)
    assert breaches() == {}
    return done


def test_tampered_stamp_that_vanished_is_found(executed: Instruction) -> None:
    tamper(
        "DELETE FROM pledges_instructionstep WHERE step = 'executed' AND instruction_id = %s",
        executed.pk,
    )

    [(name, told)] = breaches()["instructions_are_stamped"]
    assert name == f"instruction {executed.pk}"
    assert told.startswith("executed after requested, instructed, acknowledged")


def test_tampered_line_that_moved_other_goods_is_found(executed: Instruction) -> None:
    tamper(
        "UPDATE pledges_instructionline SET quantity = 900 WHERE instruction_id = %s",
        executed.pk,
    )

    [(name, told)] = breaches()["executed_as_instructed"]
    assert name == f"conversion {executed.conversion_id}"
    ordered, moved = told.split("ordered ")[1].split(", moved ")
    assert (Decimal(ordered), Decimal(moved)) == (900, 1_000)

"""Instructions in the state a test wants, stamped by the people of three houses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from logistics.models import Lot
from outbox.models import Alert
from parties.actors import Actor
from parties.roles import Role
from pledges.instruction_states import InstructionKind, InstructionState
from pledges.models import AutoApprovalRule, Instruction
from pledges.rules.approval import Bounds
from pledges.services.approval_rules import approve_rule, propose_rule
from pledges.services.approvals import approve_instruction
from pledges.services.conversion import Take
from pledges.services.custody import (
    acknowledge_instruction,
    execute_instruction,
    give_evidence,
)
from pledges.services.instructions import request_instruction
from tests.factories.lending import START
from tests.factories.parties import NOW, make_actor
from tests.factories.pledges import Vault

PAPER = "a" * 64


def minutes(count: int) -> datetime:
    """Return the instant so many minutes after NOW."""
    return NOW + timedelta(minutes=count)


@dataclass(frozen=True, slots=True)
class Counter:
    """A vault with the people who work on its instructions."""

    vault: Vault
    asker: Actor
    keeper: Actor

    def ask(
        self,
        kind: InstructionKind = InstructionKind.RELEASE,
        *,
        give: Sequence[Take] = (),
        bring: Sequence[tuple[Lot, Decimal]] = (),
        actor: Actor | None = None,
        on: date = START,
        now: datetime = NOW,
        **values: Any,
    ) -> Instruction:
        """Request; by the borrower unless somebody else is named."""
        return request_instruction(
            facility=self.vault.desk.facility,
            kind=kind,
            give=give,
            bring=bring,
            reason=values.pop("reason", "sold for cash"),
            actor=actor or self.asker,
            on=on,
            now=now,
            **values,
        )

    def ask_release(self, position: Any, quantity: Decimal | int, **values: Any) -> Instruction:
        """Request (part of) one position."""
        return self.ask(give=[Take(position.pk, Decimal(quantity))], **values)

    def ask_pledge(self, lot: Lot, quantity: Decimal | int, **values: Any) -> Instruction:
        """Offer (part of) one free lot."""
        kind = InstructionKind.PLEDGE
        return self.ask(kind, bring=[(lot, Decimal(quantity))], **values)

    def approve(self, instruction: Instruction, **values: Any) -> Instruction:
        """Approve by the lender's approver."""
        given = {"actor": self.vault.desk.team.approver, "on": START, "now": minutes(10)}
        return approve_instruction(instruction=instruction, **(given | values))

    def acknowledge(self, instruction: Instruction, **values: Any) -> Instruction:
        """Acknowledge by the warehouse."""
        given = {"actor": self.keeper, "now": minutes(25)}
        return acknowledge_instruction(instruction=instruction, **(given | values))

    def execute(self, instruction: Instruction, **values: Any) -> Instruction:
        """Execute by the warehouse."""
        given = {"actor": self.keeper, "on": START, "now": minutes(100)}
        return execute_instruction(instruction=instruction, **(given | values))

    def evidence(self, instruction: Instruction, **values: Any) -> Instruction:
        """Give evidence by the warehouse."""
        given = {
            "reference": "GDN-1",
            "sha256": PAPER,
            "actor": self.keeper,
            "now": minutes(130),
        }
        return give_evidence(instruction=instruction, **(given | values))

    def bring_to(self, instruction: Instruction, state: InstructionState) -> Instruction:
        """Stamp on, from where it stands, until it is in a state of the four steps."""
        stamps = {
            InstructionState.REQUESTED: self.approve,
            InstructionState.INSTRUCTED: self.acknowledge,
            InstructionState.ACKNOWLEDGED: self.execute,
            InstructionState.EXECUTED: self.evidence,
        }
        while instruction.state != state:
            instruction = stamps[InstructionState(instruction.state)](instruction)
        return instruction

    def rule(
        self, kind: InstructionKind = InstructionKind.RELEASE, **bounds: Any
    ) -> AutoApprovalRule:
        """Put a rule in force: up to 100,000 USD, coverage 1.2, no rating asked."""
        given = {
            "max_amount": Decimal(100_000),
            "min_coverage": Decimal("1.2"),
            "min_rating": None,
            "min_rated": 0,
            "valid_from": START,
            "valid_until": START + timedelta(days=30),
        }
        team = self.vault.desk.team
        rule = propose_rule(
            facility=self.vault.desk.facility,
            kind=kind,
            bounds=Bounds(**(given | bounds)),
            actor=team.preparer,
            now=NOW,
        )
        return approve_rule(rule=rule, actor=team.approver, now=NOW)


def make_counter(vault: Vault) -> Counter:
    """Return a counter at a vault: somebody of the borrower, somebody of the warehouse."""
    return Counter(
        vault=vault,
        asker=make_actor(organisation=vault.desk.borrower, roles=[Role.PREPARER]),
        keeper=make_actor(organisation=vault.warehouse.operator, roles=[Role.PARTNER]),
    )


def at_another_vault(counter: Counter, vault: Vault) -> Counter:
    """Return the same people's counter for another lender's facility."""
    return replace(counter, vault=vault)


def stamps_of(instruction: Instruction) -> list[tuple[str, int | None]]:
    """Return its steps with the seconds each was waited for."""
    return list(instruction.steps.values_list("step", "waited_seconds"))


def desks_alerted(topic: str) -> list[int]:
    """Return the organisations that were alerted, in order of their keys."""
    return sorted(Alert.objects.filter(topic=topic).values_list("organisation_id", flat=True))


def fresh(instruction: Instruction) -> Instruction:
    """Return the instruction as the database has it."""
    return Instruction.objects.get(pk=instruction.pk)

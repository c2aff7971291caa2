"""The stamps of an instruction: who, when, on what, after what wait; and what they tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from outbox.services.alerts import NewAlert, raise_alerts
from outbox.services.audit import record
from outbox.services.events import emit
from outbox.states import Severity
from parties.actors import Actor
from pledges.models import Instruction, InstructionStep
from pledges.rules.promise import Promise, promise_of


@dataclass(frozen=True, slots=True)
class Paper:
    """What a stamp rests on: a document's reference and the SHA-256 of its content."""

    reference: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What goes with a stamp besides who and when."""

    paper: Paper = Paper()
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def promise() -> Promise:
    """Return the deployment's promise (settings.INSTRUCTION_PROMISE_MINUTES)."""
    return promise_of(settings.INSTRUCTION_PROMISE_MINUTES)


def stamp(
    instruction: Instruction, *, actor: Actor, now: datetime, said: Said | None = None
) -> InstructionStep:
    """Stamp the state that the instruction has just reached, set its clock, save and tell.

    The wait counts from the stamp before; a clock that was set back counts as no wait.
    """
    said = said or Said()
    waited = max(0, int((now - instruction.stamped_at).total_seconds()))
    step = InstructionStep(
        instruction=instruction,
        step=instruction.state,
        person_id=actor.person_id,
        organisation_id=actor.organisation_id,
        actor_label=actor.label,
        at=now,
        waited_seconds=waited,
        was_due_at=instruction.step_due_at,
        reference=said.paper.reference,
        sha256=said.paper.sha256,
        reason=said.reason,
        detail=plain(said.detail),
    )
    instruction.stamped_at = now
    instruction.step_due_at = promise().step_due_at(instruction.state, now)
    instruction.save()
    step.save()
    _tell(instruction, step, actor=actor, now=now)
    return step


def plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return details as JSON-ready values; figures become text."""
    return {
        name: value if isinstance(value, bool | int | str | list | dict | None) else str(value)
        for name, value in detail.items()
    }


def _tell(instruction: Instruction, step: InstructionStep, *, actor: Actor, now: datetime) -> None:
    payload = {
        "facility": instruction.facility_id,
        "number": instruction.number,
        "kind": instruction.kind,
        "custodian": instruction.custodian_id,
        "waited_seconds": step.waited_seconds,
        "reference": step.reference,
        "sha256": step.sha256,
        **step.detail,
    }
    emit(
        topic=f"pledges.instruction_{instruction.state}",
        aggregate="pledges.instruction",
        aggregate_id=instruction.pk,
        payload=payload,
        tenant_id=instruction.tenant_id,
        now=now,
    )
    record(
        action=f"pledges.instruction_{instruction.state}",
        actor=actor,
        object_type="pledges.instruction",
        object_id=instruction.pk,
        at=now,
        tenant_id=instruction.tenant_id,
        detail=payload,
        reason=step.reason,
    )


def alert_sides(
    instruction: Instruction,
    *,
    topic: str,
    key: str,
    organisation_ids: set[int],
    payload: Mapping[str, Any],
    now: datetime,
    severity: Severity = Severity.WARNING,
) -> int:
    """Alert several desks about one instruction, each once per key; return how many were new."""
    facts = {
        "instruction": instruction.pk,
        "number": instruction.number,
        "kind": instruction.kind,
        **plain(payload),
    }
    return raise_alerts(
        [
            NewAlert(
                organisation_id=organisation_id,
                topic=topic,
                aggregate="pledges.instruction",
                aggregate_id=instruction.pk,
                key=key,
                severity=severity,
                payload=facts,
            )
            for organisation_id in sorted(organisation_ids)
        ],
        now=now,
    )

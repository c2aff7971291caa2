"""The clock of instructions: late steps reach both desks, old orders are struck off."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from outbox.services.alerts import NewAlert, raise_alerts
from outbox.states import Severity
from parties.actors import Actor
from pledges.instruction_states import PENDING, InstructionState
from pledges.models import Instruction
from pledges.services.stamps import Said, stamp

# What one run takes on; the next minute's run goes on with the rest.
BATCH = 500
_S = InstructionState


def chase_overdue(*, actor: Actor, now: datetime) -> int:
    """Expire what is too old and alert the desks to what is late; return how many it touched.

    Each late step is told once, the broken promise of the whole once. Instructions that somebody
    is working on at this moment are left to the next run.
    """
    return _expire(actor, now) + _chase(now)


@transaction.atomic
def _expire(actor: Actor, now: datetime) -> int:
    old = _take(Q(state__in=PENDING, expires_at__lte=now))
    for instruction in old:
        instruction.expire()
        stamp(instruction, actor=actor, now=now, said=Said(detail={"due_at": instruction.due_at}))
    raise_alerts(
        [
            _alert(instruction, organisation_id, "expired", Severity.WARNING, {})
            for instruction in old
            for organisation_id in _sides(instruction)
        ],
        now=now,
    )
    return len(old)


@transaction.atomic
def _chase(now: datetime) -> int:
    """Tell both sides, in a constant number of statements, whatever the number of orders."""
    step_late = Q(step_due_at__lt=now) & ~Q(chased_state=F("state"))
    whole_late = Q(state__in=PENDING, due_at__lt=now, broken_at__isnull=True)
    late = _take(step_late | whole_late)
    alerts = []
    for instruction in late:
        for what, severity, payload in _lateness(instruction, now):
            alerts += [
                _alert(instruction, organisation_id, what, severity, payload)
                for organisation_id in _sides(instruction)
            ]
        if instruction.state in PENDING and instruction.due_at < now:
            instruction.broken_at = instruction.broken_at or now
        if instruction.step_due_at and instruction.step_due_at < now:
            instruction.chased_state = instruction.state
    Instruction.objects.bulk_update(late, ["chased_state", "broken_at"])
    raise_alerts(alerts, now=now)
    return len(late)


def _take(late: Q) -> list[Instruction]:
    rows = Instruction.objects.filter(late, step_due_at__isnull=False).order_by("pk")
    locked = rows.select_for_update(no_key=True, of=("self",), skip_locked=True)
    return list(locked.select_related("facility")[:BATCH])


def _lateness(
    instruction: Instruction, now: datetime
) -> list[tuple[str, Severity, dict[str, Any]]]:
    found: list[tuple[str, Severity, dict[str, Any]]] = []
    step_due, state = instruction.step_due_at, instruction.state
    if step_due is not None and step_due < now and instruction.chased_state != state:
        payload = {"state": str(state), "due_at": step_due.isoformat()}
        found.append((f"{state}_late", Severity.WARNING, payload))
    if state in PENDING and instruction.due_at < now and instruction.broken_at is None:
        payload = {"state": str(state), "due_at": instruction.due_at.isoformat()}
        found.append(("whole_late", Severity.URGENT, payload))
    return found


def _sides(instruction: Instruction) -> list[int]:
    """Return the houses concerned: lender and asker, and the custodian once it was sent to him."""
    houses = {instruction.tenant_id, instruction.maker_organisation_id}
    if instruction.instructed_at is not None:
        houses.add(instruction.custodian_id)
    return sorted(houses)


def _alert(
    instruction: Instruction,
    organisation_id: int,
    what: str,
    severity: Severity,
    payload: dict[str, Any],
) -> NewAlert:
    topics = {"expired": "pledges.instruction_expired", "whole_late": "pledges.promise_broken"}
    return NewAlert(
        organisation_id=organisation_id,
        topic=topics.get(what, "pledges.instruction_step_late"),
        aggregate="pledges.instruction",
        aggregate_id=instruction.pk,
        key=f"instruction:{instruction.pk}:{what}",
        severity=severity,
        payload={"number": instruction.number, "kind": str(instruction.kind), **payload},
    )

"""The promise of four hours: how long each step of an instruction may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pledges.instruction_states import InstructionState


@dataclass(frozen=True, slots=True)
class Promise:
    """Time from the request to the moved goods, and what each step may use of it.

    Evidence follows the execution and lies outside the whole. What has not been executed after
    `expires` moves nothing any more: price and need are no longer those it was asked for.
    """

    whole: timedelta = timedelta(hours=4)
    decide: timedelta = timedelta(hours=1)
    acknowledge: timedelta = timedelta(minutes=30)
    execute: timedelta = timedelta(hours=2)
    evidence: timedelta = timedelta(hours=2)
    expires: timedelta = timedelta(hours=48)

    def step_due_at(self, state: str, since: datetime) -> datetime | None:
        """Return when the stamp after this state shall be there; None where nothing waits."""
        allowed = {
            InstructionState.REQUESTED: self.decide,
            InstructionState.INSTRUCTED: self.acknowledge,
            InstructionState.ACKNOWLEDGED: self.execute,
            InstructionState.EXECUTED: self.evidence,
        }.get(InstructionState(state))
        return None if allowed is None else since + allowed


def promise_of(minutes: dict[str, int]) -> Promise:
    """Return the promise with the parameters that a deployment sets, in minutes by name."""
    return Promise(**{name: timedelta(minutes=value) for name, value in minutes.items()})

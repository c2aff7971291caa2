"""Where rooms above are told, inside the transaction, that an exposure has changed.

Pledges registers here from its `AppConfig.ready`: cover is judged before the commit that moved
the money. A callback that raises rolls the whole act back.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Protocol

from parties.actors import Actor

Cause = Literal["draw", "repay", "accrue", "fee", "write_off", "terms", "unpay"]


class ExposureChanged(Protocol):
    """What is called after `exposure` of the facilities has been refreshed."""

    def __call__(
        self, *, facility_ids: Sequence[int], cause: Cause, on: date, actor: Actor, now: datetime
    ) -> None:
        """Act on the new exposures; raise a Refusal to undo the act that caused them."""


_callbacks: list[ExposureChanged] = []


def on_exposure_changed(callback: ExposureChanged) -> ExposureChanged:
    """Register a callback (usable as a decorator); registering it again changes nothing."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def forget(callback: ExposureChanged) -> None:
    """Take a callback out again: for tests, which must not leave theirs behind."""
    _callbacks.remove(callback)


def exposure_changed(
    *, facility_ids: Sequence[int], cause: Cause, on: date, actor: Actor, now: datetime
) -> None:
    """Call every callback in the order of registration; nothing to tell means no call."""
    if not facility_ids:
        return
    for callback in list(_callbacks):
        callback(facility_ids=facility_ids, cause=cause, on=on, actor=actor, now=now)

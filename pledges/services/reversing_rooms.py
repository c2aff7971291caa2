"""Reversals that touch the books of a room above: that room carries them out.

Registered in `AppConfig.ready`. A collection goes back with its bank entry, an application with its
repayment, a delivery on an order with the order's quantities.
"""

from datetime import date, datetime
from typing import Protocol

from parties.actors import Actor
from pledges.models import Conversion
from pledges.services.reversal import is_reversed_as_such
from pledges.states import ConversionKind


class TakesBack(Protocol):
    """Reverses a conversion with all that its room has noted of it."""

    def __call__(
        self,
        *,
        conversion: Conversion,
        maker_id: int,
        reason: str,
        on: date,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Do it in one transaction; the actor is the second person."""


_rooms: dict[ConversionKind, TakesBack] = {}


def taken_back_by(kind: ConversionKind, room: TakesBack) -> None:
    """Let a room take back the conversions of a kind that are not reversed as such."""
    _rooms[kind] = room


def room_for(conversion: Conversion) -> TakesBack | None:
    """Return the room that takes a conversion back; None where it is reversed as such, or never."""
    if is_reversed_as_such(conversion):
        return None
    return _rooms.get(ConversionKind(conversion.kind))


def can_be_reversed(conversion: Conversion) -> bool:
    """Tell whether a conversion can go back at all, by itself or by its room."""
    return is_reversed_as_such(conversion) or room_for(conversion) is not None

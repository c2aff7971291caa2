"""What rooms above do when goods come and go, inside the same transaction.

Registered in `AppConfig.ready`. An exception from a callback rolls the whole act back.

A callback that changes a facility's cover locks that facility, and the facility comes before the
lots. So whoever must act on goods that leave is told *before* the lots are locked and tested: it
may lock its facility and lift its claim, and the goods are then free. Whoever is told of goods
received finds their lots locked already: it must hold its facility's lock by then, as callers
that opened the act on the facility do, or leave the matter to the outbox event.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar
from uuid import UUID

from logistics.models import StockAct, StockEvent
from logistics.states import StockActKind
from parties.actors import Actor


@dataclass(frozen=True, slots=True)
class Departure:
    """Goods about to leave their lots; quantities by lot, as seen before any lock.

    A count also says what it found, by lot, and the act in which it is entered.
    """

    kind: StockActKind
    quantities: Mapping[int, Decimal]
    reference: str
    occurred_at: datetime
    counted: Mapping[int, Decimal] = field(default_factory=dict)
    act_id: UUID | None = None


class GoodsLeaving(Protocol):
    """Called before goods are shipped, moved, consumed or counted away; lots are not locked."""

    def __call__(self, *, departure: Departure, actor: Actor, now: datetime) -> None:
        """Make way, or raise a refusal to keep the goods."""


class GoodsReceived(Protocol):
    """Called after goods were received, produced, moved in, returned or found by a count."""

    def __call__(
        self, *, act: StockAct, events: Sequence[StockEvent], actor: Actor, now: datetime
    ) -> None:
        """Do what follows. `events` are the act's inflows; their lots are locked."""


_leaving: list[GoodsLeaving] = []
_received: list[GoodsReceived] = []

_Callback = TypeVar("_Callback", bound=Callable[..., None])


def on_goods_leaving(callback: GoodsLeaving) -> GoodsLeaving:
    """Register a callback; registering it again has no effect."""
    return _register(_leaving, callback)


def on_goods_received(callback: GoodsReceived) -> GoodsReceived:
    """Register a callback; registering it again has no effect."""
    return _register(_received, callback)


def _register(callbacks: list[_Callback], callback: _Callback) -> _Callback:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


def goods_leave(*, departure: Departure, actor: Actor, now: datetime) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _leaving:
        callback(departure=departure, actor=actor, now=now)


def goods_received(
    *, act: StockAct, events: Sequence[StockEvent], actor: Actor, now: datetime
) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _received:
        callback(act=act, events=events, actor=actor, now=now)


@contextmanager
def only_hooks(
    *, leaving: Sequence[GoodsLeaving] = (), received: Sequence[GoodsReceived] = ()
) -> Iterator[None]:
    """Put these callbacks in place of the registered ones inside the block; for tests."""
    before = list(_leaving), list(_received)
    _leaving[:], _received[:] = leaving, received
    try:
        yield
    finally:
        _leaving[:], _received[:] = before

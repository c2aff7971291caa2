"""What rooms above do when goods come and go, inside the same transaction.

Registered in `AppConfig.ready`. An exception from a callback rolls the whole act back.

A callback that changes a facility's cover locks that facility, and the facility comes before the
lots. So whoever may have to act is told *around* the report, before its reference is entered and
before any lot is locked (`on_goods_moving`): there it locks its facility. Goods that leave are
announced once more when the report is known to be new, still before their lots are locked and
tested: a claim may be lifted then, and the goods are free. Whoever is told of goods received
finds their lots locked already and must hold its facility's lock by then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar
from uuid import UUID

from logistics.models import StockAct, StockEvent, WarehouseReceipt
from logistics.states import ReceiptAct, StockActKind
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


@dataclass(frozen=True, slots=True)
class Movement:
    """What a report is about to do, as seen before any lock; it may prove to be an old one.

    `sites` are those where goods come in (none where they only leave), `leaving` the quantities
    by lot that go out or are used up.
    """

    kind: StockActKind
    owners: frozenset[int]
    items: frozenset[int]
    sites: frozenset[int]
    leaving: Mapping[int, Decimal]
    reference: str
    occurred_at: datetime


class GoodsMoving(Protocol):
    """Entered before a report is entered and any lot locked, left when all of it is done."""

    def __call__(
        self, *, movement: Movement, actor: Actor, now: datetime
    ) -> AbstractContextManager[None]:
        """Lock what the movement may change; judge it on leaving."""


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


class ReceiptsEnding(Protocol):
    """Called before receipts end; neither they nor their lots are locked."""

    def __call__(
        self, *, receipts: Sequence[WarehouseReceipt], act: ReceiptAct, actor: Actor, now: datetime
    ) -> None:
        """Make ready (lock facilities, let claims count for nothing), or refuse."""


class ReceiptsEnded(Protocol):
    """Called when receipts have ended, under their locks and those of their lots."""

    def __call__(
        self,
        *,
        receipts: Sequence[WarehouseReceipt],
        act: ReceiptAct,
        successors: Sequence[WarehouseReceipt],
        now: datetime,
    ) -> None:
        """Let claims follow to the successors, or refuse what came in between."""


_ending: list[ReceiptsEnding] = []
_ended: list[ReceiptsEnded] = []
_moving: list[GoodsMoving] = []
_leaving: list[GoodsLeaving] = []
_received: list[GoodsReceived] = []

_Callback = TypeVar("_Callback", bound=Callable[..., object])


def on_goods_moving(callback: GoodsMoving) -> GoodsMoving:
    """Register a callback; registering it again has no effect."""
    return _register(_moving, callback)


def on_goods_leaving(callback: GoodsLeaving) -> GoodsLeaving:
    """Register a callback; registering it again has no effect."""
    return _register(_leaving, callback)


def on_goods_received(callback: GoodsReceived) -> GoodsReceived:
    """Register a callback; registering it again has no effect."""
    return _register(_received, callback)


def on_receipts_ending(callback: ReceiptsEnding) -> ReceiptsEnding:
    """Register a callback; registering it again has no effect."""
    return _register(_ending, callback)


def on_receipts_ended(callback: ReceiptsEnded) -> ReceiptsEnded:
    """Register a callback; registering it again has no effect."""
    return _register(_ended, callback)


def receipts_ending(
    *, receipts: Sequence[WarehouseReceipt], act: ReceiptAct, actor: Actor, now: datetime
) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _ending:
        callback(receipts=receipts, act=act, actor=actor, now=now)


def receipts_ended(
    *,
    receipts: Sequence[WarehouseReceipt],
    act: ReceiptAct,
    successors: Sequence[WarehouseReceipt] = (),
    now: datetime,
) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _ended:
        callback(receipts=receipts, act=act, successors=successors, now=now)


def _register(callbacks: list[_Callback], callback: _Callback) -> _Callback:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


@contextmanager
def goods_moving(*, movement: Movement, actor: Actor, now: datetime) -> Iterator[None]:
    """Enter every registered callback, in the order of registration, around the block.

    A room above that locks rows of its own before it reports goods opens this first.
    """
    with ExitStack() as stack:
        for callback in _moving:
            stack.enter_context(callback(movement=movement, actor=actor, now=now))
        yield


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
    *,
    moving: Sequence[GoodsMoving] = (),
    leaving: Sequence[GoodsLeaving] = (),
    received: Sequence[GoodsReceived] = (),
) -> Iterator[None]:
    """Put these callbacks in place of the registered ones inside the block; for tests."""
    before = list(_moving), list(_leaving), list(_received)
    _moving[:], _leaving[:], _received[:] = moving, leaving, received
    try:
        yield
    finally:
        _moving[:], _leaving[:], _received[:] = before

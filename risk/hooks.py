"""What rooms above do when prices or rates change, inside the same transaction.

Registered in `AppConfig.ready`. An exception from a callback rolls the prices back: no price is
ever recorded without noting what must follow from it. Whoever moves prices or rates does it inside
`moving_market`, which calls for that work as soon as they stand.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from django.db import transaction

from parties.actors import Actor
from risk.models import PriceBatch


class PricesRecorded(Protocol):
    """Called after prices were recorded that change the latest price of these commodities."""

    def __call__(
        self,
        *,
        batch: PriceBatch,
        commodity_ids: Sequence[int],
        as_of: date,
        actor: Actor,
        now: datetime,
    ) -> None:
        """Do what follows, in the caller's transaction."""


class RatesPublished(Protocol):
    """Called after rates of these commodities were published, or their prices went stale."""

    def __call__(
        self, *, commodity_ids: Sequence[int], as_of: date, actor: Actor, now: datetime
    ) -> None:
        """Do what follows, in the caller's transaction."""


class MarketMoved(Protocol):
    """Called after the transaction in which prices or rates moved."""

    def __call__(self, *, now: datetime) -> object:
        """Do what the other callbacks made due."""


class Weighs(Protocol):
    """Asked how much the platform holds against a commodity."""

    def __call__(self, *, commodity_id: int) -> Decimal:
        """Return the weight, in the commodity's unit."""
        ...


_prices_recorded: list[PricesRecorded] = []
_rates_published: list[RatesPublished] = []
_market_moved: list[MarketMoved] = []
_weighs: list[Weighs] = []

_Callback = TypeVar("_Callback", PricesRecorded, RatesPublished, MarketMoved, Weighs)


def on_prices_recorded(callback: PricesRecorded) -> PricesRecorded:
    """Register a callback; registering it again has no effect."""
    return _register(_prices_recorded, callback)


def on_rates_published(callback: RatesPublished) -> RatesPublished:
    """Register a callback; registering it again has no effect."""
    return _register(_rates_published, callback)


def on_market_moved(callback: MarketMoved) -> MarketMoved:
    """Register a callback; registering it again has no effect."""
    return _register(_market_moved, callback)


def on_weight_asked(callback: Weighs) -> Weighs:
    """Register a callback; registering it again has no effect."""
    return _register(_weighs, callback)


def _register(callbacks: list[_Callback], callback: _Callback) -> _Callback:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


@contextmanager
def moving_market(*, now: datetime) -> Iterator[None]:
    """Open the transaction in which prices or rates move; afterwards, call what waits for them."""
    with transaction.atomic():
        yield
    for callback in _market_moved:
        callback(now=now)


def prices_recorded(
    *,
    batch: PriceBatch,
    commodity_ids: Sequence[int],
    as_of: date,
    actor: Actor,
    now: datetime,
) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _prices_recorded:
        callback(batch=batch, commodity_ids=commodity_ids, as_of=as_of, actor=actor, now=now)


def rates_published(
    *, commodity_ids: Sequence[int], as_of: date, actor: Actor, now: datetime
) -> None:
    """Call every registered callback, in the order of registration."""
    for callback in _rates_published:
        callback(commodity_ids=commodity_ids, as_of=as_of, actor=actor, now=now)


def weight_of(commodity_id: int) -> Decimal:
    """Return how much the platform holds against a commodity, in its unit, over all callbacks."""
    return sum((callback(commodity_id=commodity_id) for callback in _weighs), Decimal(0))

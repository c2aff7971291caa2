"""Let several real connections do the same thing at the same instant, again and again.

Use it in tests marked ``@pytest.mark.django_db(transaction=True)``: the threads see committed
rows only, and what they commit is really committed.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connections

_Result = TypeVar("_Result")

# A racer that waits longer than this for the others, or for its answer, is stuck. Seconds.
PATIENCE = 60
# The nightly run (make test-deep) plays a thousand rounds of each race that asks `rounds`.
ASKED = int(os.environ.get("RACE_ROUNDS") or (1_000 if os.environ.get("DEEP") else 0))


def rounds(few: int) -> int:
    """Return how many rounds to play: a few in every run, more if RACE_ROUNDS asks for them."""
    return max(few, ASKED)


class Outcome(Generic[_Result]):
    """What one racer got: a result, or the exception that it raised."""

    def __init__(self, *, result: _Result | None = None, error: Exception | None = None) -> None:
        self._result = result
        self.error = error

    @property
    def won(self) -> bool:
        """Whether the racer returned instead of raising."""
        return self.error is None

    @property
    def result(self) -> _Result:
        """The racer's result; raises its exception if it has none."""
        if self.error is not None:
            raise self.error
        return self._result  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Outcome({self.error!r})" if self.error else f"Outcome({self._result!r})"


def race(
    n_threads: int, fn: Callable[[int, int], _Result], rounds: int = 1
) -> list[list[Outcome[_Result]]]:
    """Run ``fn(racer, round)`` in ``n_threads`` threads at once, ``rounds`` times over.

    Each thread has a connection of its own, kept over the rounds and closed in the end. A barrier
    lets all start together in every round. Returns the outcomes as ``[round][racer]``; a racer's
    exception is its outcome and does not stop the others.
    """
    start = threading.Barrier(n_threads, timeout=PATIENCE)

    def run(racer: int) -> list[Outcome[_Result]]:
        try:
            return [_attempt(start, fn, racer, number) for number in range(rounds)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(n_threads) as pool:
        racers = [pool.submit(run, racer) for racer in range(n_threads)]
        by_racer = [racer.result(timeout=PATIENCE * rounds) for racer in racers]
    return [list(outcomes) for outcomes in zip(*by_racer, strict=True)]


def _attempt(
    start: threading.Barrier, fn: Callable[[int, int], _Result], racer: int, number: int
) -> Outcome[_Result]:
    start.wait()
    try:
        return Outcome(result=fn(racer, number))
    except Exception as error:
        return Outcome(error=error)

"""The register of benchmarks, and how a time is taken.

A room puts its benchmarks into `<app>/benchmarks.py`; `manage.py bench` finds and runs them in a
database of their own. Each measures the platform's way beside its floor (the least the same
machine needs for the same effect, such as bare SQL) and, where it helps, beside a peer's way of
doing the job, in the same run: seconds differ between machines, ratios much less.
"""

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measured case: what was done, how much of it, and how long each way took in seconds.

    wal_bytes: what the platform's way wrote to the database's log, where that was measured.
    """

    case: str
    size: int
    seconds: float
    floor_seconds: float | None = None
    peer: str | None = None
    peer_seconds: float | None = None
    wal_bytes: int | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the floor the platform took; 1 is perfect."""
        return self.seconds / self.floor_seconds if self.floor_seconds else None

    @property
    def peer_ratio(self) -> float | None:
        """How many times the platform's time the peer took; above 1 the platform is faster."""
        return self.peer_seconds / self.seconds if self.peer_seconds and self.seconds else None


Measure = Callable[[int], Iterable[Result]]


@dataclass(frozen=True)
class Benchmark:
    """A registered benchmark: `measure` fills the empty database itself for the size it gets."""

    name: str
    sizes: tuple[int, ...]
    measure: Measure


_REGISTER: dict[str, Benchmark] = {}


def benchmark(name: str, *, sizes: Iterable[int]) -> Callable[[Measure], Measure]:
    """Register the decorated function under `name`, to be run with each of `sizes` by default.

    Raises ValueError for a name that is taken.
    """

    def register(measure: Measure) -> Measure:
        if name in _REGISTER:
            raise ValueError(f"benchmark {name!r} is registered twice")
        _REGISTER[name] = Benchmark(name, tuple(sizes), measure)
        return measure

    return register


def registered() -> Mapping[str, Benchmark]:
    """Return every benchmark by name, in alphabetical order."""
    return dict(sorted(_REGISTER.items()))


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call of `work` takes on the wall clock, without garbage collection."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    finally:
        gc.enable()


def side_by_side(ways: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> dict[str, float]:
    """Return each way's median seconds over `rounds`.

    The ways take turns, so that a busy spell of the machine falls on all of them alike.
    """
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            taken[way].append(seconds(work))
    return {way: median(times) for way, times in taken.items()}

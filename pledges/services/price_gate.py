"""The gate between price ticks and acts on cover.

A tick holds the gate alone, an act shares it, both until commit. Without it an act could judge
itself by yesterday's price while the tick judges the facility by yesterday's exposure, and both
would commit: uncovered, in silence. A tick never waits for a facility's row while it holds the
gate (whoever changed a facility measures it again behind the gate), so the two cannot deadlock.
"""

from django.db import connection

# The only advisory lock of the platform; the number is its name in pg_locks.
PRICE_GATE = 7_204_011


def share_gate() -> None:
    """Wait for a running tick to commit, then keep ticks out until this transaction ends."""
    _lock("pg_advisory_xact_lock_shared")


def close_gate() -> None:
    """Wait for the acts in flight, then keep new ones waiting until this transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [PRICE_GATE])

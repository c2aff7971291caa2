"""The gates between price ticks and acts on cover, one for prices and one for each lender's book.

Prices and rates change behind the price gate, alone: an act that shares it measures its cover
before and after at the same prices. A tick of a lender's book holds that book's gate alone, and an
act on one of its facilities shares it: otherwise an act could judge itself by yesterday's price
while the tick judges the facility by yesterday's exposure, and both would commit: uncovered, in
silence. Gates are held until commit. A tick never waits for a facility's row while it holds a gate
(whoever changed a facility measures it again behind the gate), so the two cannot deadlock.
"""

from collections.abc import Collection

from django.db import connection

# The only advisory locks of the platform; the number is their name in pg_locks, book 0 the prices.
PRICE_GATE = 7_204_011

_SHARE = """
SELECT count(pg_advisory_xact_lock_shared(%s, book)) FROM (
    SELECT 0 AS book UNION ALL
    (SELECT DISTINCT tenant_id::integer FROM lending_facility
     WHERE %s::bigint[] IS NULL OR id = ANY (%s) ORDER BY 1)) books
"""


def share_gates(facility_ids: Collection[int] | None = None) -> None:
    """Wait for running ticks of the books of these facilities (None: all), and keep more out.

    Keeps prices and rates as they are, too, until this transaction ends.
    """
    ids = None if facility_ids is None else list(facility_ids)
    _run(_SHARE, [PRICE_GATE, ids, ids])


def close_price_gate() -> None:
    """Wait for the acts in flight, then keep new ones waiting until the new prices are in."""
    _run("SELECT pg_advisory_xact_lock(%s, 0)", [PRICE_GATE])


def close_book(tenant_id: int) -> None:
    """Wait for the acts in flight on a lender's book, then keep new ones waiting until commit."""
    _run("SELECT pg_advisory_xact_lock(%s, %s::integer)", [PRICE_GATE, tenant_id])


def _run(sql: str, parameters: list[int | list[int] | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)

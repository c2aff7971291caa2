"""What the framework itself costs: the ground the rooms' benchmarks stand on."""

from collections.abc import Iterator

import psycopg2
from django.db import connection

from common.bench import Result, benchmark, side_by_side


@benchmark("round_trip", sizes=[1_000])
def round_trip(size: int) -> Iterator[Result]:
    """Ask the database `size` trivial questions through Django, beside the bare driver."""
    connection.ensure_connection()
    bare = psycopg2.connect(**connection.get_connection_params())

    def through_django() -> None:
        for _ in range(size):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", [1])
                cursor.fetchone()

    def through_driver() -> None:
        for _ in range(size):
            with bare.cursor() as cursor:
                cursor.execute("SELECT %s", [1])
                cursor.fetchone()

    try:
        taken = side_by_side({"django": through_django, "driver": through_driver})
    finally:
        bare.close()
    yield Result(
        case="one value", size=size, seconds=taken["django"], floor_seconds=taken["driver"]
    )

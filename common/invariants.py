"""How a room states what must always hold, so that one command can prove it on live data."""

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that is always true, and the query that would name whoever breaks it.

    ``sql`` selects offending rows: first a readable id, second what is wrong with it. Each room
    lists its own in ``<app>/invariants.py`` as ``INVARIANTS``.
    """

    name: str
    sentence: str
    sql: str

    def breaches(self, *, at_most: int = 20) -> list[tuple[str, str]]:
        """Return up to so many offending rows, each as its id and what is wrong; none is well."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql)
            return [(str(row[0]), str(row[1])) for row in cursor.fetchmany(at_most)]

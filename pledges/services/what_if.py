"""What a book would be if prices or rates were others. Reads pool lines; writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.db import connection

from pledges.rules.stress import Book, Floats, Verdict, judge

_FACILITIES = """
SELECT id, exposure::float8, watch_line::float8, call_line::float8, "limit"::float8
FROM lending_facility WHERE id = ANY (%s) ORDER BY id
"""
_LINES = """
SELECT l.facility_id, l.basis_id,
       sum(l.market_weight * q.unit_price)::float8, sum(l.lending_weight * q.unit_price)::float8
FROM pledges_poolline l
JOIN lending_facility f ON f.id = l.facility_id
JOIN risk_quotes(%(on)s) q ON q.commodity_id = l.basis_id AND q.fresh AND q.currency = f.currency
WHERE l.facility_id = ANY (%(ids)s) AND l.market_weight > 0
GROUP BY l.facility_id, l.basis_id
"""
_HELD = """
SELECT c.id, c.code, c.name, c.name_zh, c.asset_class, c.kind = 'commodity',
       c.horizon_days, q.rate::float8, q.glided_rate::float8, c.disposal_cost::float8
FROM risk_quotes(%(on)s) q JOIN risk_commodity c ON c.id = q.commodity_id
WHERE EXISTS (SELECT FROM pledges_poolline l
              WHERE l.basis_id = c.id AND l.market_weight > 0
                AND l.facility_id = ANY (%(ids)s))
ORDER BY c.kind, c.code
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A price basis of the book; money is one too, and its price never moves."""

    id: int
    code: str
    name: str
    name_zh: str
    asset_class: str
    is_priced: bool
    horizon_days: int
    rate: float
    glided: float
    disposal_cost: float


@dataclass(frozen=True, slots=True)
class LoadedBook:
    """The book as arrays, with what their rows are.

    facility_ids, limits: the facilities in the book's order. held: its price bases, likewise.
    """

    facility_ids: Sequence[int]
    limits: Floats
    held: Sequence[Held]
    book: Book

    @property
    def priced(self) -> list[Held]:
        """The bases whose price can move."""
        return [one for one in self.held if one.is_priced]

    @property
    def classes(self) -> dict[int, str]:
        """Each priced basis and its asset class, in the book's order."""
        return {one.id: one.asset_class for one in self.priced}

    def factors(self, priced: Floats) -> Floats:
        """Return scenarios × all bases from scenarios × the priced ones."""
        whole = np.ones((len(priced), len(self.held)))
        whole[:, [one.is_priced for one in self.held]] = priced
        return whole

    def drawn(self, share: float) -> "LoadedBook":
        """Return the book with a share of what may still be drawn today drawn everywhere."""
        book = self.book
        line_lending = book.eligible * book.rate[book.commodity]
        lending = np.bincount(book.facility, line_lending, minlength=len(self.facility_ids))
        headroom = np.maximum(np.minimum(self.limits, lending) - book.exposure, 0.0)
        return replace(self, book=replace(book, exposure=book.exposure + share * headroom))

    def shocks(self, changes: Mapping[str, float]) -> Floats:
        """Return one scenario: prices changed by shares (−0.2 is a fall by a fifth), by code."""
        return self.factors(np.array([[1 + changes.get(one.code, 0.0) for one in self.priced]]))

    def rates(self, other: Mapping[int, float]) -> Floats:
        """Return one rate a basis: another one where it is given."""
        return np.array([other.get(one.id, one.rate) for one in self.held])

    def verdict(self, factors: Floats, rates: Floats | None = None) -> Verdict:
        """Return what the scenarios do to the book."""
        return judge(self.book, factors, rates)


def load_book(*, facility_ids: Collection[int], on: date) -> LoadedBook:
    """Read facilities and their pool lines at the prices and rates of a day (three queries).

    What has no fresh price counts for nothing, as everywhere.
    """
    ids = sorted(facility_ids)
    facilities = np.array(_rows(_FACILITIES, [ids]), np.float64).reshape(-1, 5)
    held = [Held(*row) for row in _rows(_HELD, {"on": on, "ids": ids})]
    lines = np.array(_rows(_LINES, {"on": on, "ids": ids}), np.float64).reshape(-1, 4)
    known = facilities[:, 0].astype(np.int64)
    by_id = np.argsort([one.id for one in held])
    basis_ids = np.array([one.id for one in held], np.int64)[by_id]
    book = Book(
        exposure=facilities[:, 1],
        watch_line=facilities[:, 2],
        call_line=facilities[:, 3],
        facility=np.searchsorted(known, lines[:, 0].astype(np.int64)),
        commodity=by_id[np.searchsorted(basis_ids, lines[:, 1].astype(np.int64))],
        market=lines[:, 2],
        eligible=lines[:, 3],
        rate=np.array([one.rate for one in held], np.float64),
        glided=np.array([one.glided for one in held], np.float64),
        disposal_cost=np.array([one.disposal_cost for one in held], np.float64),
    )
    return LoadedBook(known.tolist(), facilities[:, 4], held, book)


def _rows(sql: str, parameters: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

"""Where the boxes of a lineage stand: layers by longest path, rows by the mean of the parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place(Generic[Key]):
    """A box's column and its row within it, both from zero; rows may be fractions."""

    key: Key
    column: int
    row: float


def layers(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> dict[Key, int]:
    """Return each node's longest distance from a source; the edges have no cycle.

    `nodes` are given in an order in which every edge points forward.
    """
    found = dict.fromkeys(nodes, 0)
    parents: dict[Key, list[Key]] = defaultdict(list)
    for source, target in edges:
        parents[target].append(source)
    for node in nodes:
        found[node] = max((found[parent] + 1 for parent in parents[node]), default=0)
    return found


def arrange(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> list[Place[Key]]:
    """Return the places of all nodes: each column is centred, its nodes sorted by their parents."""
    depth = layers(nodes, edges)
    parents: dict[Key, list[Key]] = defaultdict(list)
    for source, target in edges:
        parents[target].append(source)
    columns: dict[int, list[Key]] = defaultdict(list)
    for node in nodes:
        columns[depth[node]].append(node)
    tallest = max((len(column) for column in columns.values()), default=0)
    rows: dict[Key, float] = {}
    for index in sorted(columns):
        column = columns[index]
        wish = {node: _mean([rows[p] for p in parents[node] if p in rows]) for node in column}
        column.sort(key=lambda node: wish[node])
        top = (tallest - len(column)) / 2
        rows.update({node: top + place for place, node in enumerate(column)})
    return [Place(node, depth[node], rows[node]) for node in nodes]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0

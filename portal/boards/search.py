"""Search results."""

from __future__ import annotations

from dataclasses import dataclass, field

from parties.actors import Actor
from portal.queries.search import Hits, search
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class SearchBoard:
    """What was asked and found."""

    text: str
    groups: list[Hits]
    count: int
    tables: dict[str, Table] = field(default_factory=dict)


def search_board(actor: Actor, text: str) -> SearchBoard:
    """Return hits by kind."""
    groups = search(actor, text)
    return SearchBoard(text.strip(), groups, sum(len(group.hits) for group in groups))

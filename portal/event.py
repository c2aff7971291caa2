"""One thing that happened, as journals, timelines and charts show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `cover` is told where the cover was measured around it."""

    at: datetime
    rank: int
    kind: str
    icon: str
    text: str
    who: str
    evidence: str
    href: str
    cover: str = ""
    band: str = ""
    lending_value: Decimal | None = None
    exposure: Decimal | None = None

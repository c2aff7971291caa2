"""What every feed speaks: it is asked, it fetches parcels, and parcels are read into observations.

Fetching is the only part that touches the world; reading is a function of what was fetched, so
that a stored parcel can be read again.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from django.utils.translation import gettext as _


class FeedError(Exception):
    """A feed that cannot be had or read now.

    code: stable word. again: whether trying again soon may help. retry_after: seconds that the
    source itself asks to be left alone. The message never holds an address's query or a key.
    """

    def __init__(
        self, code: str, message: str, *, again: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.again, self.retry_after = code, message, again, retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesAsk:
    """One series that is wanted, and what its prices are quoted in."""

    series: str
    currency: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAsk:
    """One run of a feed. since: the first day of interest, None for all there is."""

    code: str
    kind: str
    settings: Mapping[str, Any]
    series: Sequence[SeriesAsk]
    since: date | None
    now: datetime
    key: str = ""

    @property
    def today(self) -> date:
        """The last day that can have been observed."""
        return self.now.date()

    def wanted(self, series: str) -> SeriesAsk | None:
        """Return the ask for a series; None if nobody wants it."""
        return next((one for one in self.series if one.series == series), None)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes as they came, with the name of what was asked for."""

    name: str
    body: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesObservation:
    """One price as a source states it, not judged yet.

    fetched_at: when we saw it. raw_hash: SHA-256 of the parcel it stood in. corrects: the source
    calls it a correction. What it supersedes is known only beside what is recorded.
    """

    series: str
    observed_on: date
    price: Decimal
    currency: str
    unit: str
    kind: str
    source: str
    fetched_at: datetime
    raw_hash: str
    corrects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProblem:
    """One thing in a parcel that is no price; observed_on is None where the day is not known."""

    series: str
    observed_on: date | None
    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the problem as a run keeps it."""
        day = self.observed_on.isoformat() if self.observed_on else ""
        return {"series": self.series, "on": day, "code": self.code, "message": self.message}


@dataclass(slots=True)
class Reading:
    """What was read from parcels."""

    observations: list[SeriesObservation] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)

    def refuse(self, series: str, on: date | None, code: str, message: str) -> None:
        """Note what is no price."""
        self.problems.append(ReadProblem(series=series, observed_on=on, code=code, message=message))


class Adapter(Protocol):
    """One way to get prices."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Yield parcels; each list is recorded as one, all or nothing. Raises FeedError."""
        ...

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Return what the parcels say; raises FeedError where they are not readable as a whole."""
        ...

    def put_away(self, ask: FeedAsk, parcels: Sequence[Parcel], problem: str) -> None:
        """Do what the source needs once parcels were recorded, or refused with a problem."""
        ...


class Remote:
    """An adapter of a server: nothing is to be put away there."""

    def put_away(self, ask: FeedAsk, parcels: Sequence[Parcel], problem: str) -> None:
        """Leave the server as it is."""


def observation(
    ask: FeedAsk, parcel: Parcel, series: SeriesAsk, on: date, price: Decimal, **other: Any
) -> SeriesObservation:
    """Return an observation in the series' own currency and unit, unless `other` names others."""
    said = {"currency": series.currency, "unit": series.unit} | other
    return SeriesObservation(
        series=series.series,
        observed_on=on,
        price=price,
        kind=ask.kind,
        source=ask.code,
        fetched_at=ask.now,
        raw_hash=parcel.digest,
        **said,
    )


def decimal_of(value: Any) -> Decimal:
    """Return a JSON number or text as a decimal; NaN for what is no number (it is refused)."""
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return Decimal("NaN")


def unreadable(what: str) -> FeedError:
    """Return the error for an answer that is cut off or not of the expected shape."""
    return FeedError("unreadable", _("the answer cannot be read: %s") % what)

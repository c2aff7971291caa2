"""Any server that answers JSON, by a mapping kept in the feed's settings.

    {"url": "https://prices.example/v1/daily?symbol={series}&from={since}",
     "rows": "data.list",
     "fields": {"series": "symbol", "date": "day", "price": "settle", "unit": "per",
                "currency": "ccy", "correction": "amended"},
     "date_format": "%Y%m%d", "key_header": "X-Api-Key"}

`{series}` in the address asks once for every series; without it one answer holds all and
`fields.series` is needed. What `fields` leaves out is as the series is set up.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from risk.feeds import http
from risk.feeds.interface import (
    FeedAsk,
    Parcel,
    Reading,
    Remote,
    SeriesAsk,
    decimal_of,
    observation,
    unreadable,
)

FIELDS = ("series", "date", "price", "currency", "unit", "correction")


class HttpJson(Remote):
    """JSON over HTTP, mapped field by field."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Ask once for all series, or once for each."""
        if "{series}" in ask.settings["url"]:
            yield [_ask(ask, one.series, one.series) for one in ask.series]
        else:
            yield [_ask(ask, "all", "")]

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Read the rows of all answers."""
        reading = Reading()
        for parcel in parcels:
            for row in rows_at(http.decode(parcel), ask.settings.get("rows", ""), parcel.name):
                read_row(ask, parcel, row, reading, only=ask.wanted(parcel.name))
        return reading


def _ask(ask: FeedAsk, name: str, series: str) -> Parcel:
    since = ask.since.isoformat() if ask.since else ""
    url = ask.settings["url"].replace("{series}", series).replace("{since}", since)
    headers = {}
    if ask.key and (header := ask.settings.get("key_header")):
        headers[header] = ask.key
    if ask.key and (parameter := ask.settings.get("key_param")):
        url += f"{'&' if '?' in url else '?'}{parameter}={ask.key}"
    return http.get(ask, name, url, headers=headers)


def rows_at(answer: Any, path: str, name: str) -> list[Any]:
    """Return the list at a dotted path of an answer; the answer itself for an empty path."""
    for step in filter(None, path.split(".")):
        answer = answer.get(step) if isinstance(answer, Mapping) else None
    if not isinstance(answer, list):
        raise unreadable(f"{name}: no list at {path or '.'!r}")
    return answer


def read_row(
    ask: FeedAsk, parcel: Parcel, row: Any, reading: Reading, *, only: SeriesAsk | None = None
) -> None:
    """Read one row into the reading: its observation, or the problem with it.

    only: the series that was asked for, where rows do not name theirs.
    """
    if not isinstance(row, Mapping):
        raise unreadable(f"{parcel.name}: {row!r} is no row")
    names = {"date": "date", "price": "price"} | dict(ask.settings.get("fields", {}))
    said = {field: row.get(names[field]) for field in FIELDS if field in names}
    one = ask.wanted(str(said["series"])) if said.get("series") is not None else only
    if one is None:
        return  # a source may say more than is wanted
    try:
        on = _day(said["date"], ask.settings.get("date_format", "%Y-%m-%d"))
    except (TypeError, ValueError):
        reading.refuse(one.series, None, "bad_date", repr(said["date"]))
        return
    other = {field: str(said[field]) for field in ("currency", "unit") if said.get(field)}
    corrects = bool(said.get("correction"))
    reading.observations.append(
        observation(ask, parcel, one, on, decimal_of(said["price"]), corrects=corrects, **other)
    )


def _day(value: Any, pattern: str) -> date:
    """Return the date of a text or a whole number such as 20240603."""
    return datetime.strptime(str(value), pattern).date()  # noqa: DTZ007  (a day has no zone)

"""The US Energy Information Administration, API version 2: `<route>/data/`, 5,000 rows a page.

Settings: `route`, such as "petroleum/pri/spt" or "natural-gas/pri/fut". Each row names its unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from risk.feeds import http
from risk.feeds.denominations import says_otherwise
from risk.feeds.interface import (
    FeedAsk,
    Parcel,
    Reading,
    Remote,
    decimal_of,
    observation,
    unreadable,
)

PAGE = 5_000
MOST_PAGES = 40


class Eia(Remote):
    """Daily spot and futures prices by their series, such as RWTC."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Ask for all series of the route, page by page."""
        parcels: list[Parcel] = []
        for page in range(MOST_PAGES):
            parcels.append(self._page(ask, page))
            if (page + 1) * PAGE >= _total(parcels[-1]):
                break
        yield parcels

    def _page(self, ask: FeedAsk, page: int) -> Parcel:
        params = {
            "api_key": ask.key,
            "frequency": "daily",
            "data[0]": "value",
            "sort[0][column]": "period",
            "sort[0][direction]": "asc",
            "offset": str(page * PAGE),
            "length": str(PAGE),
        }
        params |= {f"facets[series][{n}]": one.series for n, one in enumerate(ask.series)}
        if ask.since:
            params["start"] = ask.since.isoformat()
        url = f"{settings.FEED_BASE_URLS['eia']}/{ask.settings['route'].strip('/')}/data/"
        return http.get(ask, f"page {page + 1}", url, params=params)

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Read the rows of all pages; fewer than the source counts is half a batch."""
        reading = Reading()
        rows = [(parcel, row) for parcel in parcels for row in _rows(parcel)]
        if len(rows) < _total(parcels[-1]):
            raise unreadable(f"{len(rows)} of {_total(parcels[-1])} rows")
        for parcel, row in rows:
            self._read_row(ask, parcel, row, reading)
        return reading

    def _read_row(
        self, ask: FeedAsk, parcel: Parcel, row: Mapping[str, Any], reading: Reading
    ) -> None:
        try:
            series, on, value = row["series"], date.fromisoformat(row["period"]), row["value"]
            units = str(row["units"])
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(f"{parcel.name}: {error!r}") from error
        one = ask.wanted(series)
        if one is None or value is None:
            return
        if says_otherwise(units, currency=one.currency, unit=one.unit):
            told = _("%(told)r; expected %(currency)s per %(unit)s")
            figures = {"told": units, "currency": one.currency, "unit": one.unit}
            reading.refuse(series, on, "wrong_unit", told % figures)
            return
        reading.observations.append(observation(ask, parcel, one, on, decimal_of(value)))


def _response(parcel: Parcel) -> dict[str, Any]:
    try:
        return dict(http.decode(parcel)["response"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(f"{parcel.name}: {error!r}") from error


def _rows(parcel: Parcel) -> list[Mapping[str, Any]]:
    data = _response(parcel).get("data")
    if not isinstance(data, list):
        raise unreadable(f"{parcel.name}: no data")
    return data


def _total(parcel: Parcel) -> int:
    """Return how many rows the source has in all; it writes the number as text."""
    try:
        return int(_response(parcel)["total"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(f"{parcel.name}: {error!r}") from error

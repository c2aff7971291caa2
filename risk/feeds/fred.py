"""FRED of the Federal Reserve Bank of St. Louis: `series/observations` as JSON.

Values are text, "." where there is none. The unit stands only in `series`, so that is asked, too.
"""

from collections.abc import Iterator, Sequence
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
    SeriesAsk,
    decimal_of,
    observation,
    unreadable,
)

NO_VALUE = "."


class Fred(Remote):
    """Daily series by their id, such as DCOILWTICO."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Ask for the unit and the observations of every series."""
        parcels = []
        for one in ask.series:
            told = {"series_id": one.series, "api_key": ask.key, "file_type": "json"}
            since = {"observation_start": ask.since.isoformat()} if ask.since else {}
            base = settings.FEED_BASE_URLS["fred"]
            parcels.append(http.get(ask, f"units {one.series}", f"{base}/series", params=told))
            url = f"{base}/series/observations"
            parcels.append(http.get(ask, one.series, url, params=told | since))
        yield parcels

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Read observations, refusing a series whose unit is another one."""
        reading = Reading()
        bodies = {parcel.name: parcel for parcel in parcels}
        for one in ask.series:
            units = _first(http.decode(bodies[f"units {one.series}"]), one).get("units", "")
            if says_otherwise(units, currency=one.currency, unit=one.unit):
                told = _("%(told)r; expected %(currency)s per %(unit)s")
                figures = {"told": units, "currency": one.currency, "unit": one.unit}
                reading.refuse(one.series, None, "wrong_unit", told % figures)
            else:
                self._read_one(ask, bodies[one.series], one, reading)
        return reading

    def _read_one(self, ask: FeedAsk, parcel: Parcel, one: SeriesAsk, reading: Reading) -> None:
        answer = http.decode(parcel)
        try:
            rows = [
                (date.fromisoformat(row["date"]), row["value"]) for row in answer["observations"]
            ]
            count = int(answer.get("count", len(rows)))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(f"{parcel.name}: {error!r}") from error
        if count > len(rows):
            raise unreadable(f"{parcel.name}: {len(rows)} of {count} observations")
        for on, value in rows:
            if value != NO_VALUE:
                reading.observations.append(observation(ask, parcel, one, on, decimal_of(value)))


def _first(answer: Any, one: SeriesAsk) -> dict[str, Any]:
    """Return the description of a series (FRED's list is called `seriess`)."""
    try:
        return dict(answer["seriess"][0])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise unreadable(f"{one.series}: {error!r}") from error

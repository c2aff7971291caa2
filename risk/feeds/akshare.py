"""Chinese futures through the optional package akshare: continuous contracts such as CU0.

The package is not among the requirements (it brings a browser's worth of others); where it is not
installed the feed says so. Settings: none; unit and currency are those of the series.
"""

import importlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from types import ModuleType

from django.utils.translation import gettext as _

from risk.feeds import http
from risk.feeds.interface import (
    FeedAsk,
    FeedError,
    Parcel,
    Reading,
    Remote,
    decimal_of,
    observation,
    unreadable,
)

PACKAGE = "akshare"


class Akshare(Remote):
    """Daily settlements of Chinese exchanges by symbol."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Ask for every symbol; the package's table is kept as JSON text."""
        package = _package()
        parcels = []
        for one in ask.series:
            try:
                frame = package.futures_zh_daily_sina(symbol=one.series)
            except Exception as error:  # whatever the package meets out there
                message = _("akshare failed: %s") % type(error).__name__
                raise FeedError("unreachable", message) from error
            rows = frame.astype(str).to_dict("records")
            parcels.append(Parcel(one.series, json.dumps(rows, ensure_ascii=False).encode()))
        yield parcels

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Read the settlement, or the close of days whose settlement is not out."""
        reading = Reading()
        for parcel in parcels:
            one = ask.wanted(parcel.name)
            for row in http.decode(parcel) if one else ():
                try:
                    on = date.fromisoformat(row["date"][:10])
                    settle, close = decimal_of(row["settle"]), decimal_of(row["close"])
                except (KeyError, TypeError, ValueError) as error:
                    raise unreadable(f"{parcel.name}: {error!r}") from error
                if one and (ask.since is None or on >= ask.since):
                    price = settle if settle.is_finite() and settle else close
                    reading.observations.append(observation(ask, parcel, one, on, price))
        return reading


def _package() -> ModuleType:
    try:
        return importlib.import_module(PACKAGE)
    except ImportError as error:
        message = _("akshare is not installed: `pip install akshare` where the worker runs")
        raise FeedError("not_installed", message, again=False) from error

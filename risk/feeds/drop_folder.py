"""A folder in which others leave files: CSV, one series a file, or JSON, several series a file.

CSV is as price files are (`date,price,currency,unit`; the stem is the series). JSON is a list, or
an object with the list `observations`, of rows as in `http_json`; `fields` names them otherwise.
Each file is recorded by itself. What was recorded goes to `done/`, what was refused to `refused/`
with the reason beside it. Names that begin with a dot or end in .part or .tmp are still written.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from risk.feeds import http
from risk.feeds.http import MAX_BODY
from risk.feeds.http_json import read_row, rows_at
from risk.feeds.interface import FeedAsk, FeedError, Parcel, Reading, observation
from risk.price_files import parse_prices

SUFFIXES = {".csv", ".json"}
JSON_FIELDS = {name: name for name in ("series", "currency", "unit", "correction")}


class DropFolder:
    """Files under FEED_FOLDER, in the folder with the feed's code."""

    def fetch(self, ask: FeedAsk) -> Iterator[list[Parcel]]:
        """Yield the files that wait, by name, each as a parcel of its own."""
        folder = folder_of(ask.code)
        if not folder.is_dir():
            raise FeedError("no_folder", _("there is no folder %s") % folder.name, again=False)
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != ".":
                if path.stat().st_size > MAX_BODY:
                    raise FeedError("too_large", _("%s is too large") % path.name, again=False)
                yield [Parcel(path.name, path.read_bytes())]

    def read(self, ask: FeedAsk, parcels: Sequence[Parcel]) -> Reading:
        """Read one file."""
        reading = Reading()
        for parcel in parcels:
            if parcel.name.lower().endswith(".csv"):
                _read_csv(ask, parcel, reading)
            else:
                _read_json(ask, parcel, reading)
        return reading

    def put_away(self, ask: FeedAsk, parcels: Sequence[Parcel], problem: str) -> None:
        """Move the files to `done` or `refused`; a name that is taken there gets the digest."""
        for parcel in parcels:
            path = folder_of(ask.code) / parcel.name
            to = path.parent / ("refused" if problem else "done")
            to.mkdir(exist_ok=True)
            goal = to / parcel.name
            if goal.exists():
                goal = to / f"{path.stem}-{parcel.digest[:12]}{path.suffix}"
            shutil.move(path, goal)
            if problem:
                goal.with_name(f"{goal.name}.reason.txt").write_text(f"{problem}\n")


def folder_of(code: str) -> Path:
    """Return the folder of a feed."""
    return Path(settings.FEED_FOLDER) / code


def _read_csv(ask: FeedAsk, parcel: Parcel, reading: Reading) -> None:
    """Read a price file whose stem names the series."""
    stem = Path(parcel.name).stem
    one = ask.wanted(stem)
    if one is None:
        reading.refuse(stem, None, "unknown_series", _("no commodity is fed by this series"))
        return
    lines = parcel.body.decode("utf-8-sig", errors="replace").splitlines()
    found = parse_prices(lines, name=parcel.name, code=stem, today=ask.today)
    for row in found.rows:
        said = {"currency": row.currency, "unit": row.unit}
        reading.observations.append(
            observation(ask, parcel, one, row.observed_on, row.price, **said)
        )
    for problem in found.problems:
        reading.refuse(stem, None, problem.code, str(problem))


def _read_json(ask: FeedAsk, parcel: Parcel, reading: Reading) -> None:
    """Read rows that name their series."""
    answer = http.decode(parcel)
    path = "" if isinstance(answer, list) else "observations"
    fields = JSON_FIELDS | dict(ask.settings.get("fields", {}))
    mapped = replace(ask, settings={**ask.settings, "fields": fields})
    for row in rows_at(answer, path, parcel.name):
        read_row(mapped, parcel, row, reading)

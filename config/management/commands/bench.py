"""`manage.py bench [NAME] [--size N] [--json FILE]`: benchmarks beside their floors."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import autodiscover_modules

from common.bench import Benchmark, Result, registered
from config.bench_database import bench_database, migrated_template

COLUMNS = (
    "name",
    "case",
    "size",
    "seconds",
    "floor",
    "ratio",
    "peer",
    "peer s",
    "peer ratio",
    "WAL",
)
LINE = "{:<20} {:<32} {:>10} {:>10} {:>10} {:>7} {:<24} {:>10} {:>10} {:>10}"


class Command(BaseCommand):
    help = "Run benchmarks in a database of their own, each beside its floor and a peer's way."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="one benchmark, or the start of several names")
        parser.add_argument("--size", type=int, help="instead of each benchmark's own sizes")
        parser.add_argument("--json", type=Path, help="also write the results to this file")
        parser.add_argument("--keep", action="store_true", help="keep the last run's database")

    def handle(
        self, *, name: str | None, size: int | None, json: Path | None, **options: Any
    ) -> None:
        chosen = choose(name)
        self.stdout.write(LINE.format(*COLUMNS).rstrip())
        rows = []
        with migrated_template() as template:
            for bench, with_size in runs(chosen, size):
                # Fresh for each run: no table grows from one size, or one benchmark, to the next.
                with bench_database(keep=options["keep"], template=template):
                    for result in bench.measure(with_size):
                        rows.append(row(bench.name, result))
                        self.stdout.write(line(rows[-1]))
        if json:
            write_json(json, rows)


def choose(name: str | None) -> list[Benchmark]:
    """Return the benchmarks whose names start with `name`, or all; CommandError if none does."""
    autodiscover_modules("benchmarks")
    known = registered()
    chosen = [bench for key, bench in known.items() if key.startswith(name or "")]
    if not chosen:
        raise CommandError(f"No benchmark {name!r}. There are: {', '.join(known)}")
    return chosen


def runs(chosen: Sequence[Benchmark], size: int | None) -> Iterator[tuple[Benchmark, int]]:
    """Yield each benchmark with each of its sizes, or with the one asked for."""
    for bench in chosen:
        for with_size in [size] if size else bench.sizes:
            yield bench, with_size


def row(name: str, result: Result) -> dict[str, Any]:
    """Return the result as published: its fields, and the two ratios."""
    values = {"name": name} | asdict(result)
    values |= {"ratio": result.ratio, "peer_ratio": result.peer_ratio}
    order = ("name", "case", "size", "seconds", "floor_seconds", "ratio")
    return {key: values[key] for key in (*order, "peer", "peer_seconds", "peer_ratio", "wal_bytes")}


def line(values: dict[str, Any]) -> str:
    """Return one line of the printed table; what was not measured stays empty."""
    digits = {"seconds": 4, "floor_seconds": 4, "ratio": 2, "peer_seconds": 4, "peer_ratio": 2}
    cells = [
        "" if value is None else f"{value:.{digits[key]}f}" if key in digits else value
        for key, value in values.items()
    ]
    return LINE.format(*cells).rstrip()


def write_json(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows as a JSON list, at full precision."""
    path.write_text(json.dumps(rows, indent=1) + "\n")

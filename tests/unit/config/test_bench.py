"""`manage.py bench` measures in a database of its own and publishes ratios."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection

from common import bench
from common.bench import Result, benchmark, side_by_side
from config.bench_database import bench_database
from config.management.commands.bench import choose, runs


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrations of the test go with the test."""
    choose(None)
    monkeypatch.setattr(bench, "_REGISTER", dict(bench._REGISTER))


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


def test_ratios_compare_with_the_floor_and_the_peer() -> None:
    result = Result(
        case="all", size=10, seconds=3.0, floor_seconds=2.0, peer="loop", peer_seconds=600.0
    )

    assert (result.ratio, result.peer_ratio) == (1.5, 200.0)
    bare = Result(case="all", size=10, seconds=3.0)
    assert (bare.ratio, bare.peer_ratio) == (None, None)


def test_ways_take_turns() -> None:
    calls: list[str] = []
    ways = {"ours": lambda: calls.append("ours"), "floor": lambda: calls.append("floor")}

    taken = side_by_side(ways, rounds=3)

    assert calls == ["ours", "floor"] * 3
    assert list(taken) == ["ours", "floor"]
    assert all(value > 0 for value in taken.values())


@pytest.mark.usefixtures("registry")
def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'round_trip' is registered twice"):
        benchmark("round_trip", sizes=[1])(lambda size: [])


@pytest.mark.usefixtures("registry")
def test_names_are_chosen_by_their_start() -> None:
    assert [chosen.name for chosen in choose("round")] == ["round_trip"]
    with pytest.raises(CommandError, match=r"No benchmark 'nothing'. There are: .*round_trip"):
        choose("nothing")


@pytest.mark.django_db(transaction=True)
def test_the_bench_database_is_migrated_and_gone_afterwards() -> None:
    used, broker = connection.settings_dict["NAME"], current_app.conf.broker_url

    with bench_database() as name:
        assert name in databases()
        assert connection.settings_dict["NAME"] == name == f"{used}_bench"
        assert "django_migrations" in connection.introspection.table_names()
        assert current_app.conf.broker_url != broker

    assert connection.settings_dict["NAME"] == used
    assert current_app.conf.broker_url == broker
    assert name not in databases()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("registry")
def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    @benchmark("probe", sizes=[5, 7])
    def probe(size: int) -> Iterator[Result]:
        yield Result(case="half", size=size, seconds=0.5, floor_seconds=0.25)
        yield Result(case="peer", size=size, seconds=0.5, peer="loop", peer_seconds=5.0)

    out = StringIO()
    path = tmp_path / "results.json"
    call_command("bench", "probe", json=path, stdout=out)

    rows = json.loads(path.read_text())
    assert [(row["case"], row["size"]) for row in rows] == [
        ("half", 5),
        ("peer", 5),
        ("half", 7),
        ("peer", 7),
    ]
    assert rows[0] == {
        "name": "probe",
        "case": "half",
        "size": 5,
        "seconds": 0.5,
        "floor_seconds": 0.25,
        "ratio": 2.0,
        "peer": None,
        "peer_seconds": None,
        "peer_ratio": None,
        "wal_bytes": None,
    }
    assert (rows[1]["peer"], rows[1]["peer_ratio"]) == ("loop", 10.0)
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[1].split() == ["probe", "half", "5", "0.5000", "0.2500", "2.00"]

    assert [with_size for _bench, with_size in runs(choose("probe"), 9)] == [9]

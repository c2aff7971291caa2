"""The embedded PostgreSQL: one cluster a checkout, on a Unix socket only."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from config.services.binaries import postgres_program
from config.services.places import Place
from config.services.processes import (
    PAUSE,
    command_line,
    end,
    fresh_log,
    last_lines,
    launch,
    run_as,
)

NAME = "postgres"
DATABASE = "fullchain"
USER = "fullchain"
START_PATIENCE = 120.0  # seconds: recovery after a crash replays the journal first
STOP_PATIENCE = 60.0
# A pid beyond the kernel's limit (2**22): sure to be nobody's.
NO_PID = 2**22 + 1

# For a small machine shared with web and workers. Durability (fsync, synchronous_commit) keeps
# PostgreSQL's defaults: losing a committed pledge is not a tuning option.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def url(place: Place) -> str:
    """Return the address of the application's database."""
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(place.sockets))}"


def answers(place: Place) -> bool:
    """Tell whether the server accepts connections and holds the application's database."""
    error = _connect_error(place, DATABASE)
    # A full server runs: the caller's own connection shall tell.
    return error is None or "too many clients" in error


def start(place: Place) -> None:
    """Start the server, making its cluster and database if they are missing.

    The caller holds the services' lock. Raises RuntimeError with the log's end on failure.
    """
    error = _connect_error(place, "postgres")
    if error and "FATAL" in error:  # it speaks: a start or a recovery is under way
        _wait_until_ready(place, time.monotonic() + START_PATIENCE)
    elif error:
        # If ours is alive all the same, its socket was swept away and only a restart helps.
        stop(place)
        _start_server(place)
    _ensure_database(place)


def stop(place: Place) -> bool:
    """Stop the server this checkout started; tell whether there was one."""
    # SIGINT rolls back what is open and shuts down cleanly; SIGQUIT leaves it to recovery.
    return end(place.record(NAME), ask=signal.SIGINT, force=signal.SIGQUIT, patience=STOP_PATIENCE)


def _connect_error(place: Place, database: str) -> str | None:
    """Try to connect; return why it failed, None when it worked."""
    if not (place.sockets / ".s.PGSQL.5432").exists():
        return "no socket"
    import psycopg2

    try:
        psycopg2.connect(
            dbname=database, user=USER, host=str(place.sockets), connect_timeout=5
        ).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return None


def _cluster(place: Place) -> Path:
    """Return the data folder, made by initdb on first use."""
    parent = place.folder("postgres")
    data = parent / "16"
    if not (data / "PG_VERSION").exists():
        # Made aside and renamed: a killed initdb leaves no half-made cluster behind.
        fresh = parent / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        _initdb(place, fresh)
        fresh.rename(data)
    return data


def _initdb(place: Place, data: Path) -> None:
    # Only the servers' user and root can reach the socket, so the socket needs no password.
    command = [str(postgres_program(place, "initdb")), "-D", str(data), "-U", USER]
    command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    made = subprocess.run(
        command,
        cwd=data.parent,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
        **run_as(place.account),
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.strip()}")


def _disown_stale_pid(pid_file: Path, data: Path) -> None:
    """Keep a pid in a killed server's pid file from passing for that server.

    PostgreSQL only asks whether some process has the pid: one that got it later, or the dead
    server itself where nobody reaps orphans (containers without an init). The file must stay: its
    last lines let the new server see whether old backends still use the shared memory.
    """
    try:
        first, _, rest = pid_file.read_text().partition("\n")
        words = command_line(int(first))
    except (OSError, ValueError):
        return
    if "postgres" in words and str(data) in words:
        raise RuntimeError(f"process {first} already serves {data}")
    with pid_file.open("r+") as file:  # in place: the file's owner must stay the same
        file.truncate()
        file.write(f"{NO_PID}\n{rest}")


def _start_server(place: Place) -> None:
    data = _cluster(place)
    _disown_stale_pid(data / "postmaster.pid", data)
    # The socket folder is this cluster's alone, so the data folder's own lock suffices.
    (place.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    log_path = place.run_dir / "postgres.log"
    deadline = time.monotonic() + START_PATIENCE
    command = [str(postgres_program(place, "postgres")), "-D", str(data), *_options(place)]
    while True:
        with fresh_log(log_path) as log:
            pid = launch(command, log=log, cwd=data, account=place.account)
        place.record(NAME).write(pid)
        if _wait_until_ready(place, deadline):
            return
        # A killed server's backends may still be finishing; they end by themselves.
        lingering = "shared memory block" in last_lines(log_path)
        if not lingering or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{last_lines(log_path)}")
        time.sleep(10 * PAUSE)


def _options(place: Place) -> list[str]:
    settings = SETTINGS | {"unix_socket_directories": str(place.sockets)}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _wait_until_ready(place: Place, deadline: float) -> bool:
    """Wait for the first accepted connection; False when the process ends or time runs out."""
    record = place.record(NAME)
    while time.monotonic() < deadline:
        if _connect_error(place, "postgres") is None:
            return True
        if record.pid() is None:
            return False
        time.sleep(PAUSE)
    return False


def _ensure_database(place: Place) -> None:
    import psycopg2

    connection = psycopg2.connect(dbname="postgres", user=USER, host=str(place.sockets))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()

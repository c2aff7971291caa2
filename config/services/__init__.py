"""Embedded PostgreSQL and Redis: started or attached to when no server is named.

Every name here is imported before Django is, so the package needs nothing but the standard
library until it talks to a server. `DATABASE_URL` and `REDIS_URL` name servers of your own, each
for itself; what is not named runs under `<checkout>/.run/` on Unix sockets only.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.services import addresses, postgres, redis
from config.services.locks import held
from config.services.places import locate

RUN_DIR = Path(__file__).resolve().parent.parent.parent / ".run"

# Commands that neither read the database nor send a task: they must work with nothing running.
OFFLINE_COMMANDS = frozenset(
    {
        "backtest",
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "draw_states",
        "findstatic",
        "help",
        "makemessages",
        "messages",
        "pledge_rates",
        "spectacular",
        "staged_loan",
        "startapp",
        "version",
    }
)
OFFLINE_OPTIONS = frozenset({"-h", "--help", "--version"})


def needs_services(argv: Sequence[str]) -> bool:
    """Tell whether the command line `argv` (without the program's name) uses a server."""
    command = next((word for word in argv if not word.startswith("-")), "help")
    return command not in OFFLINE_COMMANDS and OFFLINE_OPTIONS.isdisjoint(argv)


def ensure_services(
    argv: Sequence[str], *, run_dir: Path = RUN_DIR, env: Mapping[str, str] = os.environ
) -> None:
    """Start what the command `argv` needs and nobody named; attach to what already runs.

    Leaves the process with one line on standard error when a server cannot be had.
    """
    if not needs_services(argv):
        return
    try:
        start_services(run_dir=run_dir, env=env)
    except (OSError, RuntimeError) as error:
        raise SystemExit(f"embedded services: {error}") from error


def start_services(*, run_dir: Path = RUN_DIR, env: Mapping[str, str] = os.environ) -> None:
    """Start or attach to each server that `env` does not name.

    Two commands that start at once are put in line by a file lock in `run_dir`. Raises
    RuntimeError with the server's last words when one does not come up.
    """
    wanted = [
        server
        for name, server in ((addresses.DATABASE, postgres), (addresses.BROKER, redis))
        if not env.get(name)
    ]
    if not wanted:
        return
    place = locate(run_dir)
    missing = [server for server in wanted if not server.answers(place)]
    if not missing:
        return
    with held(run_dir / "services.lock"):
        for server in missing:
            if not server.answers(place):
                server.start(place)


def stop_services(*, run_dir: Path = RUN_DIR) -> list[str]:
    """Stop the servers this checkout started, and no others; return the names of those stopped."""
    if not run_dir.is_dir():
        return []
    place = locate(run_dir)
    with held(run_dir / "services.lock"):
        return [server.NAME for server in (redis, postgres) if server.stop(place)]


def status(*, run_dir: Path = RUN_DIR, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return, for each server, "named", "running" or "stopped"."""
    states = {}
    for name, server in ((addresses.DATABASE, postgres), (addresses.BROKER, redis)):
        if env.get(name):
            states[server.NAME] = "named"
        else:
            running = run_dir.is_dir() and server.answers(locate(run_dir))
            states[server.NAME] = "running" if running else "stopped"
    return states


def database_settings(
    *, run_dir: Path = RUN_DIR, env: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Return Django's `DATABASES` entry: the server `DATABASE_URL` names, or the embedded one."""
    url = env.get(addresses.DATABASE) or postgres.url(locate(run_dir))
    return addresses.database(url, test_name=env.get("TEST_DATABASE_NAME"))


def redis_url(*, run_dir: Path = RUN_DIR, env: Mapping[str, str] = os.environ) -> str:
    """Return the broker's address for Celery: `REDIS_URL`, or the embedded server's socket."""
    return env.get(addresses.BROKER) or redis.url(locate(run_dir))

"""A database with the whole story in it, played once for all test processes of a run.

The story is played by `manage.py story --check` in a process of its own, as a user would; tests
read copies of the result, which PostgreSQL makes in a moment.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from psycopg2 import sql

from config.services import addresses

ROOT = Path(__file__).resolve().parent.parent
PLAYED = "fullchain_test_story"
PATIENCE = 900  # seconds for the slowest command on a busy machine


def server() -> Mapping[str, Any]:
    """Return the settings of the test server's own database."""
    return settings.DATABASES["default"]


def url_of(name: str) -> str:
    """Return the address of another database on the test server."""
    # Lost rows after a crash of the machine would not matter to a test.
    quick = {**server(), "OPTIONS": {"options": "-c synchronous_commit=off"}}
    return addresses.database_url(quick, name=name)


def manage(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    """Run one management command on a database, in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {addresses.DATABASE: url_of(database)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def administration() -> Iterator[Any]:
    """Give a cursor that may create and drop databases."""
    connection = psycopg2.connect(url_of("postgres"))
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


def create(name: str, *, template: str = "template0") -> None:
    """Create a database anew, as a copy of another."""
    with administration() as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        cursor.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def drop(name: str) -> None:
    """Drop a database, whoever is connected to it."""
    with administration() as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


@contextmanager
def copied(purpose: str) -> Iterator[str]:
    """Give the name of this process's own copy of the played story, for one purpose."""
    name = "_".join(filter(None, (PLAYED, purpose, str(os.getpid()))))
    create(name, template=PLAYED)
    try:
        yield name
    finally:
        drop(name)


def play_once(shared: Path) -> str:
    """Play the story unless another test process of this run has; return what it printed."""
    printed = shared / "story.txt"
    with (shared / "story.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            create(PLAYED)
            migrated = manage("migrate", "--verbosity=0", database=PLAYED)
            assert migrated.returncode == 0, migrated.stderr
            told = manage("story", "--check", database=PLAYED)
            assert told.returncode == 0, told.stdout + told.stderr
            printed.write_text(told.stdout)
    return printed.read_text()

"""A database and a broker number of their own for benchmarks: the demo's data stay untouched."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app
from django.core.management import call_command
from django.db import connection, connections

from config.services import addresses, redis_url

BROKER_NUMBER = 15  # tests use 1 to 15 too, but nobody measures while testing


@contextmanager
def migrated_template() -> Iterator[str]:
    """Create a migrated database to copy others from, which takes a moment; dropped at the end."""
    with bench_database(suffix="_bench_template", keep=True) as name:
        pass
    try:
        yield name
    finally:
        _drop(name)


@contextmanager
def bench_database(
    *, keep: bool = False, template: str = "", suffix: str = "_bench"
) -> Iterator[str]:
    """Create a fresh, migrated database, and make it and broker 15 this process's own.

    Its name is that of the database in use with the suffix after it. With a `template` it is a
    copy of that. Threads and child processes started inside see it too. It is dropped at the end
    unless `keep`.
    """
    original = connection.settings_dict["NAME"]
    broker = current_app.conf.broker_url
    environment = dict(os.environ)
    name = f"{original}{suffix}"
    _replace(name, template or "template1")
    try:
        _move_to(name, addresses.broker_with_number(redis_url(), BROKER_NUMBER))
        if not template:
            call_command("migrate", verbosity=0)
        yield name
    finally:
        _move_to(original, broker)
        os.environ.clear()
        os.environ.update(environment)
        if not keep:
            _drop(name)


def _replace(name: str, template: str) -> None:
    _drop(name)
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")


def _drop(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")


def _move_to(name: str, broker: str) -> None:
    """Let the connections of every thread, and child processes, go to these two."""
    connections.close_all()
    connection.settings_dict["NAME"] = name
    current_app.conf.update(broker_url=broker)
    os.environ[addresses.DATABASE] = addresses.database_url(connection.settings_dict)
    os.environ[addresses.BROKER] = broker

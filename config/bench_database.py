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
def bench_database(name: str, *, keep: bool = False) -> Iterator[None]:
    """Create database `name` afresh, migrate it, and make it and broker 15 this process's own.

    Threads and child processes started inside see them too. The database is dropped at the end
    unless `keep`.
    """
    original = connection.settings_dict["NAME"]
    if name == original:
        raise ValueError(f"{name} is the database in use: benchmarks would erase it")
    environment = dict(os.environ)
    _replace(name)
    try:
        _move_to(name)
        call_command("migrate", verbosity=0)
        yield
    finally:
        _move_to(original)
        os.environ.clear()
        os.environ.update(environment)
        if not keep:
            _drop(name)


def _replace(name: str) -> None:
    _drop(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")


def _drop(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")


def _move_to(name: str) -> None:
    """Let the connections of every thread, and child processes, go to database `name`."""
    connections.close_all()
    connection.settings_dict["NAME"] = name
    broker = addresses.broker_with_number(redis_url(), BROKER_NUMBER)
    os.environ[addresses.DATABASE] = addresses.database_url(connection.settings_dict)
    os.environ[addresses.BROKER] = broker
    current_app.conf.broker_url = broker

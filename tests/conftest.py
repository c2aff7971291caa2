"""Every test meets real PostgreSQL and Redis: named servers, or the checkout's embedded ones."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from config.celery import app
from config.services import addresses, ensure_services, redis_url
from tests import storybook

# Beside the demo's number 0. Redis has 16 databases, so workers beyond the fourteenth share.
FIRST_BROKER_NUMBER = 1
BROKER_NUMBERS = 15

# The browser's driver runs an event loop in the thread of the test that asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_configure() -> None:
    """Have servers running before the first test, and point this process at its own corner."""
    ensure_services(["test"])
    app.conf.update(broker_url=_own_broker())
    # A crash may lose a test's rows, and nobody minds; the servers themselves stay durable.
    settings.DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _own_broker() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return addresses.broker_with_number(
        redis_url(), FIRST_BROKER_NUMBER + int(worker) % BROKER_NUMBERS
    )


@pytest.fixture
def process_env(django_db_setup: None) -> Mapping[str, str]:
    """Environment for another process that shall see this test's database and broker."""
    from django.db import connection

    return os.environ | {
        addresses.DATABASE: addresses.database_url(connection.settings_dict),
        addresses.BROKER: _own_broker(),
    }


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let Django empty the append-only tables between transactional tests.

    Only in the test database, and only the guards against TRUNCATE, which no service ever says.
    """
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for model in apps.get_models():
            for trigger in getattr(model._meta, "triggers", []):
                if trigger.name == "never_emptied":
                    cursor.execute(trigger.compile(model).disable_sql)


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `manage.py story --check` printed; the story is played once for all processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return storybook.play_once(Path(shared))


@pytest.fixture
def book(told: str) -> Iterator[str]:
    """The name of a database with the whole story, the test's own."""
    with storybook.copied("") as name:
        yield name

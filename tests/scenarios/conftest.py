"""The story, played once; each test that changes something gets a copy."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests import storybook


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `manage.py story --check` printed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return storybook.play_once(Path(shared))


@pytest.fixture
def book(told: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a database with the whole story, the test's own."""
    name = f"{storybook.PLAYED}_{os.getpid()}"
    storybook.create(name, template=storybook.PLAYED)
    yield name
    storybook.drop(name)


@pytest.fixture
def rows(book: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor on the test's own copy; every statement is committed at once."""
    connection = psycopg2.connect(storybook.url_of(book))
    connection.autocommit = True
    yield connection.cursor()
    connection.close()

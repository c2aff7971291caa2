"""The story's rows; `told` and `book` come from the tests' own conftest."""

from collections.abc import Iterator

import psycopg2
import pytest

from tests import storybook


@pytest.fixture
def rows(book: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor on the test's own copy; every statement is committed at once."""
    connection = psycopg2.connect(storybook.url_of(book))
    connection.autocommit = True
    yield connection.cursor()
    connection.close()

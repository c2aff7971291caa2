"""The portal's pages are read on the story: a copy of its database, rolled back after each test."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from parties.models import Person
from tests import storybook

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins in English: a page leaves its reader's language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def read_book(told: str) -> Iterator[str]:
    """The name of this process's own copy of the told story."""
    with storybook.copied("read") as name:
        yield name


@pytest.fixture
def story(read_book: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Point the default connection at the story; whatever the test writes is rolled back."""
    usual = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = read_book
        try:
            with transaction.atomic():
                yield
                transaction.set_rollback(True)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual


@pytest.fixture
def sign_in(story: None) -> Callable[..., Client]:
    """Return a browser of a person of the story, signed in, with cookies."""

    def signed_in(username: str, **cookies: str) -> Client:
        client = Client()
        client.force_login(Person.objects.get(username=username), backend=BACKEND)
        for name, value in cookies.items():
            client.cookies[name] = value
        return client

    return signed_in

"""The portal's pages are read on the story: a copy of its database, rolled back after each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from parties.models import Person
from tests import storybook

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(scope="session")
def story_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of this process's own copy of the told story."""
    base = tmp_path_factory.getbasetemp()
    storybook.play_once(Path(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base))
    name = f"{storybook.PLAYED}_portal_{os.getpid()}"
    storybook.create(name, template=storybook.PLAYED)
    yield name
    storybook.drop(name)


@pytest.fixture
def story(story_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Point the default connection at the story; whatever the test writes is rolled back."""
    usual = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = story_database
        try:
            with transaction.atomic():
                yield
                transaction.set_rollback(True)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual


@pytest.fixture
def sign_in(story: None) -> Callable[[str], Client]:
    """Return a browser of a person of the story, signed in."""

    def signed_in(username: str, **cookies: str) -> Client:
        client = Client()
        client.force_login(Person.objects.get(username=username), backend=BACKEND)
        for name, value in cookies.items():
            client.cookies[name] = value
        return client

    return signed_in

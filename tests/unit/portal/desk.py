"""What the tests of acting pages share: a person's browser, and a form that is sent."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from parties.actors import Actor
from parties.models import Person
from tests.unit.portal.conftest import BACKEND


def browser(who: Actor | Person) -> Client:
    """Return a browser of a person, signed in."""
    person = Person.objects.get(pk=who.person_id) if isinstance(who, Actor) else who
    client = Client()
    client.force_login(person, backend=BACKEND)
    return client


def send(client: Client, address: str, act: str, **said: object) -> Any:
    """Send one of a page's forms."""
    values = {"key": "k", **said}
    return client.post(address, {f"{act}-{name}": value for name, value in values.items()})


def offered(client: Client, address: str) -> list[str]:
    """Return the acts that a page offers."""
    return [form.name for form in client.get(address).context["board"].forms]


def errors_of(answer: Any) -> dict[str, list[str]]:
    """Return the errors of a refused page's form by field."""
    assert answer.status_code == 422
    [form] = [one for one in answer.context["board"].forms if one.is_bound]
    return {name: list(errors) for name, errors in form.errors.items()}


def statements(client: Client, address: str) -> int:
    """Return how many statements a page takes."""
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return len(queries)

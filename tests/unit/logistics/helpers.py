"""What the tests of this room share: a refusal leaves every table as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from common.errors import Refusal
from tests.factories.logistics import unique
from tests.factories.parties import NOW, SYSTEM

LATER = NOW + timedelta(hours=1)


def told(source: Any, *, reference: str | None = None, **others: Any) -> dict[str, Any]:
    """Return what every report carries besides the goods."""
    return {
        "source": source,
        "reference": reference or unique("REF"),
        "occurred_at": NOW,
        "actor": SYSTEM,
        "now": LATER,
    } | others


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the room, of the outbox and of the audit journal."""
    models = [
        *apps.get_app_config("logistics").get_models(),
        *apps.get_app_config("outbox").get_models(),
    ]
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values_list())
        for model in models
    }


@contextmanager
def refused(kind: type[Refusal], message: str | None = None) -> Iterator[Any]:
    """Expect exactly this refusal, and nothing changed by the attempt."""
    before = everything()
    with pytest.raises(Refusal) as caught, transaction.atomic():
        yield caught
    assert type(caught.value) is kind
    if message is not None:
        assert str(caught.value) == message
    assert everything() == before

"""Row locks in one order. Facility first, then lots, then accounts; within each, by id."""

from typing import TypeVar

from django.db import models

_Model = TypeVar("_Model", bound=models.Model)


def lock_in_order(rows: "models.QuerySet[_Model]") -> list[_Model]:
    """Lock the rows against other writers in order of their keys and return them, evaluated.

    FOR NO KEY UPDATE lets foreign keys to the rows be inserted meanwhile; ``of self`` leaves
    joined tables alone. A list, because a lazy queryset would take its lock later or never.
    """
    return list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)))


def lock_one(rows: "models.QuerySet[_Model]", pk: object) -> _Model:
    """Lock one row by key and return it; DoesNotExist if the queryset has no such row."""
    return rows.select_for_update(no_key=True, of=("self",)).get(pk=pk)

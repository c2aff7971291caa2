"""Rows that are written once, and columns that keep what they were given."""

import pgtrigger
from django.db import models

from common.triggers import RefusingTrigger


def append_only() -> list[pgtrigger.Trigger]:
    """Return the triggers (for ``Meta.triggers``) that refuse UPDATE, DELETE and TRUNCATE.

    They break the constraints ``<model>_rows_never_change`` and ``<model>_never_emptied``.
    """
    return kept(pgtrigger.Update | pgtrigger.Delete)


def kept(operation: pgtrigger.Operation = pgtrigger.Delete) -> list[pgtrigger.Trigger]:
    """Return the triggers that refuse DELETE and TRUNCATE alone, under the same constraints.

    For rows of which a column or two may change, beside `frozen_columns` for the others.
    """
    return [
        RefusingTrigger(
            constraint="rows_never_change",
            message="rows are only ever added",
            operation=operation,
        ),
        RefusingTrigger(
            constraint="never_emptied",
            message="rows are only ever added",
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
        ),
    ]


class _FrozenColumns(RefusingTrigger):
    def __init__(self, *columns: str, constraint: str) -> None:
        self.columns = columns
        message = f"{', '.join(columns)} never change"
        super().__init__(constraint=constraint, message=message, operation=pgtrigger.Update)

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: one of the columns would differ (NULL counts as a value)."""
        names = [f'"{model._meta.get_field(column).column}"' for column in self.columns]  # type: ignore[union-attr]
        changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in names)
        return f"WHEN ({changed})"


def frozen_columns(*columns: str, constraint: str = "columns_frozen") -> pgtrigger.Trigger:
    """Return a trigger (for ``Meta.triggers``) that refuses an UPDATE changing one of the columns.

    It breaks the constraint ``<model>_<constraint>``; name another one for a second group.
    """
    return _FrozenColumns(*columns, constraint=constraint)

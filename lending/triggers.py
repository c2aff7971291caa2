"""Guards of the credit tables that a CHECK cannot express."""

from typing import Any

import pgtrigger
from django.db import models

from common.triggers import RefusingTrigger


class CopiesAgree(RefusingTrigger):
    """Refuses an INSERT whose copied columns differ from the rows they were copied from.

    `source` is the SELECT that finds the row's origins with equal columns. The copies and what
    they copy are frozen, so that no later UPDATE can part them and no lock is needed here.
    """

    def __init__(self, *, source: str, constraint: str, message: str) -> None:
        self.source = source
        super().__init__(constraint=constraint, message=message, operation=pgtrigger.Insert)

    def get_func(self, model: models.Model) -> str:
        """Return the test and the refusal; a row in order goes through as it came."""
        refusal = super().get_func(model)
        return f"IF NOT EXISTS ({self.source}) THEN {refusal} END IF; RETURN NEW;"


class NeverRaised(RefusingTrigger):
    """Refuses an UPDATE that raises an amount which may only be cut down."""

    def __init__(self, column: str, **kwargs: Any) -> None:
        self.column = column
        super().__init__(
            constraint=f"{column}_never_raised",
            message=f"{column} is never raised",
            operation=pgtrigger.Update,
            **kwargs,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: the new amount is higher."""
        return f'WHEN (NEW."{self.column}" > OLD."{self.column}")'


class FrozenAfterDraft(RefusingTrigger):
    """Refuses an UPDATE of agreed terms once the row has left its draft."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        super().__init__(
            constraint="terms_frozen_after_draft",
            message="agreed terms never change once the draft is approved",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: not a draft, and one of the columns would differ."""
        changed = " OR ".join(f'OLD."{c}" IS DISTINCT FROM NEW."{c}"' for c in self.columns)
        return f"WHEN (OLD.\"state\" <> 'draft' AND ({changed}))"

"""Guards of the rights engine's tables that a CHECK cannot express."""

import pgtrigger
from django.db import models

from common.triggers import RefusingTrigger


class DueMovesByExtension(RefusingTrigger):
    """Refuses a new deadline unless an extension from the old to the new one was granted."""

    def __init__(self) -> None:
        super().__init__(
            constraint="due_moves_by_extension",
            message="a deadline moves only by an extension that was granted",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: the deadline would move."""
        return "WHEN (OLD.due_at IS DISTINCT FROM NEW.due_at)"

    def get_func(self, model: models.Model) -> str:
        """Return the test and the refusal; a deadline that was granted goes through."""
        return f"""
            IF NOT EXISTS (
                SELECT FROM pledges_margincallextension e
                WHERE e.call_id = NEW.id AND e.state = 'granted'
                  AND e.due_before = OLD.due_at AND e.due_after = NEW.due_at
            ) THEN {super().get_func(model)} END IF;
            RETURN NEW;
        """

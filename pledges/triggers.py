"""Guards of the rights engine's tables that a CHECK cannot express."""

import pgtrigger
from django.db import models

from common.triggers import RefusingTrigger
from lending.triggers import CopiesAgree


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


class ContinuesOnly(CopiesAgree):
    """Refuses to point a row at another claim in money than one that continues its own."""

    def __init__(self, column: str, *, when: str = "TRUE") -> None:
        name = f"{column}_id"
        super().__init__(
            constraint=f"{column}_only_continues",
            message=f"the {column} gives way only to what a reversal restored of it",
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(f"{when} AND OLD.{name} IS DISTINCT FROM NEW.{name}"),
            source="SELECT FROM pledges_position new_ JOIN pledges_position old_ "
            f'ON new_."right" = old_."right" WHERE new_.id = NEW.{name} AND old_.id = OLD.{name} '
            "AND new_.parent_id = COALESCE((SELECT root.id FROM pledges_position root "
            'WHERE root.id = old_.parent_id AND root."right" = old_."right"), old_.id)',
        )

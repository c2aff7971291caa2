"""The guard of every act that takes authority: the checker's limit, looked up by the database."""

from typing import Any

import pgtrigger
from django.db import models

from common.triggers import RefusingTrigger, quoted
from parties.roles import Act


class WithinAuthority(RefusingTrigger):
    """Refuses a row by which somebody decides on more than their authority limit.

    All arguments are SQL over NEW: the checker's column, the amount at stake, its currency, and
    the house the checker must belong to. Where nobody is named the system acted, by itself: the
    CHECKs beside it say where it may. Breaks ``<model>_within_the_checkers_authority``. The
    condition picks the rows that record such an act, so that no other row pays for the look-up;
    acts that need two people come one by one, never in bulk.
    """

    def __init__(
        self,
        act: Act,
        *,
        amount: str,
        currency: str,
        checker: str = 'NEW."checker_id"',
        house: str = 'NEW."tenant_id"',
        constraint: str = "within_the_checkers_authority",
        operation: pgtrigger.Operation = pgtrigger.Update,
        **kwargs: Any,
    ) -> None:
        self.checker = checker
        self.call = f"{house}, {checker}, {quoted(act.value)}, ({currency}), ({amount})"
        super().__init__(
            constraint=constraint,
            message="an active person of the lender decides within their authority limit",
            operation=operation,
            **kwargs,
        )

    def get_func(self, model: models.Model) -> str:
        """Return the look-up and the refusal; a row in order goes through as it came."""
        refusal = super().get_func(model)
        decided = f"{self.checker} IS NOT NULL AND NOT parties_may_decide({self.call})"
        return f"IF {decided} THEN {refusal} END IF; RETURN NEW;"


def enters(state: str) -> pgtrigger.Condition:
    """Return the condition of an UPDATE that moves the column `state` into a state."""
    return pgtrigger.Condition(f'OLD."state" <> NEW."state" AND NEW."state" = {quoted(state)}')

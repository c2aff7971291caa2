"""Guards of the credit tables that a CHECK cannot express."""

from typing import Any

import pgtrigger
from django.db import models

from common.triggers import FirmTrigger, RefusingTrigger


class CopiesAgree(RefusingTrigger):
    """Refuses an INSERT whose copied columns differ from the rows they were copied from.

    `source` is the SELECT that finds the row's origins with equal columns. The copies and what
    they copy are frozen, so that no later UPDATE can part them and no lock is needed here. For an
    UPDATE give the operation, and the condition under which the source is asked.
    """

    def __init__(
        self,
        *,
        source: str,
        constraint: str,
        message: str,
        operation: pgtrigger.Operation = pgtrigger.Insert,
        **kwargs: Any,
    ) -> None:
        self.source = source
        super().__init__(constraint=constraint, message=message, operation=operation, **kwargs)

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
    """Refuses an UPDATE of agreed terms once the row has left its draft.

    Unless the database itself makes it, for a change of terms that two people have decided on
    (see `AppliesTerms`): nothing that a session says can do that.
    """

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        super().__init__(
            constraint="terms_frozen_after_draft",
            message="agreed terms never change once the draft is approved",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: not a draft, not from within, and a column would differ."""
        changed = " OR ".join(f'OLD."{c}" IS DISTINCT FROM NEW."{c}"' for c in self.columns)
        return f"WHEN (pg_trigger_depth() = 0 AND OLD.\"state\" <> 'draft' AND ({changed}))"


class AppliesTerms(FirmTrigger):
    """Carries a change of terms out as its row becomes `applied`, exactly as it was asked for.

    The values it was asked against must still stand, and the facility must be in use; otherwise
    it breaks ``<model>_applies_to_the_terms_it_names``.
    """

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        super().__init__(
            name="applies_terms",
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(
                'OLD."state" <> NEW."state" AND NEW."state" = \'applied\''
            ),
        )

    def get_func(self, model: models.Model) -> str:
        """Return the one UPDATE that may change agreed terms."""
        columns = ", ".join(f'"{column}"' for column in self.columns)
        values = ", ".join(f'then_."{column}"' for column in self.columns)
        return f"""
            UPDATE lending_facility AS f SET ({columns}) = (
                SELECT {values} FROM jsonb_populate_record(f, NEW."after") AS then_)
            WHERE f.id = NEW.facility_id AND f.tenant_id = NEW.tenant_id
              AND f.state IN ('active', 'frozen')
              AND jsonb_populate_record(f, NEW."before") IS NOT DISTINCT FROM f;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING
                    MESSAGE = TG_TABLE_NAME || ': the terms it was asked against no longer stand',
                    ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                    CONSTRAINT = '{model._meta.model_name}_applies_to_the_terms_it_names';
            END IF;
            RETURN NULL;
        """

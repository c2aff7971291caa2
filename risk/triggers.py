"""Guards of the risk tables that a CHECK cannot express."""

import pgtrigger
from django.db import models

from common.triggers import FirmTrigger, RefusingTrigger


class FrozenFromOutside(RefusingTrigger):
    """Refuses an UPDATE of a column, unless the database itself makes it.

    So the column changes by another trigger alone: nothing that a session says can do it.
    """

    def __init__(self, column: str, *, constraint: str) -> None:
        self.column = column
        super().__init__(
            constraint=constraint,
            message=f"{column} changes by the decision of two people",
            operation=pgtrigger.Update,
        )

    def render_condition(self, model: models.Model) -> str:
        """Return the condition: not from within, and the column would differ."""
        return (
            f'WHEN (pg_trigger_depth() = 0 AND OLD."{self.column}" IS DISTINCT FROM '
            f'NEW."{self.column}")'
        )


class AppliesRateModel(FirmTrigger):
    """Puts another model in force as its switch becomes `applied`, exactly as it was asked for.

    The model it was asked against must still stand; otherwise it breaks
    ``<model>_applies_to_the_model_it_names``.
    """

    def __init__(self) -> None:
        super().__init__(
            name="applies_rate_model",
            when=pgtrigger.After,
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(
                'OLD."state" <> NEW."state" AND NEW."state" = \'applied\''
            ),
        )

    def get_func(self, model: models.Model) -> str:
        """Return the one UPDATE that may change a commodity's model."""
        return f"""
            UPDATE risk_commodity SET rate_model = NEW.model_after
            WHERE id = NEW.commodity_id AND rate_model = NEW.model_before;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING
                    MESSAGE = TG_TABLE_NAME || ': the model it was asked against no longer stands',
                    ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                    CONSTRAINT = '{model._meta.model_name}_applies_to_the_model_it_names';
            END IF;
            RETURN NULL;
        """

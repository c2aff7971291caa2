"""Triggers that nobody can switch off from a session, and that name the constraint they guard.

django-pgtrigger installs and migrates them. Its own template lets any session skip a trigger by
``SET pgtrigger.ignore``; a guard that the guarded may wave away is none, so ours leaves that out.
Each trigger carries its whole condition in WHEN: a row that is in order costs no function call.
"""

from typing import Any

import pgtrigger
from django.db import models
from pgtrigger import compiler


class FirmTriggerSql(compiler.UpsertTriggerSql):
    """The installation template without the way out. Migrations refer to it: do not edit."""

    def get_template(self) -> str:
        """Return the template that pgtrigger fills in."""
        return """
            CREATE OR REPLACE FUNCTION {pgid}()
            RETURNS TRIGGER AS $$
                {declare}
                BEGIN
                    {func}
                END;
            $$ LANGUAGE plpgsql;

            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing}
                {referencing}
                FOR EACH {level} {condition}
                EXECUTE PROCEDURE {execute};

            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class FirmTrigger(pgtrigger.Trigger):
    """A trigger without pgtrigger's way out. Give it ``func``, or subclass it."""

    def compile(self, model: models.Model) -> compiler.Trigger:
        """Return the trigger as migrations keep it."""
        return compiler.Trigger(name=self.name, sql=FirmTriggerSql(**self._parts(model)))

    def _parts(self, model: models.Model) -> dict[str, Any]:
        return {
            "pgid": self.get_pgid(model),
            "declare": self.render_declare(model),
            "func": self.render_func(model),
            "table": model._meta.db_table,
            "constraint": "CONSTRAINT" if self.timing else "",
            "when": self.when,
            "operation": self.operation,
            "timing": f"DEFERRABLE INITIALLY {self.timing}" if self.timing else "",
            "referencing": self.referencing or "",
            "level": self.level,
            "condition": self.render_condition(model),
            "execute": self.render_execute(model),
        }


class RefusingTrigger(FirmTrigger):
    """Refuses the rows its condition selects, as a breach of ``<model>_<constraint>``.

    The error is a check violation (IntegrityError in Django), so that
    :func:`common.errors.constraint_refusals` can turn it into a refusal.
    """

    when = pgtrigger.Before

    def __init__(self, *, constraint: str, message: str, **kwargs: Any) -> None:
        super().__init__(name=constraint, **kwargs)
        self.constraint = constraint
        self.message = message

    def get_func(self, model: models.Model) -> str:
        """Return the one statement of the trigger: the refusal."""
        return (
            f"RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || {quoted(': ' + self.message)}, "
            f"ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, "
            f"CONSTRAINT = '{model._meta.model_name}_{self.constraint}';"
        )


def quoted(value: str) -> str:
    """Return a value as an SQL literal; for declared names only, never for what a user sent."""
    return "'" + value.replace("'", "''") + "'"

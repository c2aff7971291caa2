"""Foreign keys of several columns: a row and what it points to share a tenant, a currency.

Django's own foreign key holds one column. This one also holds the columns that both rows carry, so
that no query, however written, can join a dollar posting to a euro account, or two lenders' books::

    constraints = [
        SharedReference("debit_account", shares=("tenant", "currency"), name="posting_debits_..."),
    ]

The target needs a unique constraint over its key and the shared columns. Declare the field itself
with ``db_constraint=False``: the composite key holds all that a single one would.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class SharedReference(models.BaseConstraint):
    """A composite foreign key over a ForeignKey field and columns of the same name on both sides.

    Checked at the end of each statement, not at commit, so that a breach has a place and a name.
    """

    def __init__(self, field: str, *, shares: Sequence[str], name: str) -> None:
        super().__init__(name=name)
        self.field = field
        self.shares = tuple(shares)

    def constraint_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Put the key off to the migration's end, when both tables and their keys stand."""
        if model is None or schema_editor is None:
            raise ValueError("a constraint is made on a model, by a schema editor")
        schema_editor.deferred_sql.append(self._add(model, schema_editor))
        return ""

    def create_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Put the key off likewise when it is added to a table that stands."""
        return self.constraint_sql(model, schema_editor)

    def remove_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Return the statement that drops the key."""
        if model is None or schema_editor is None:
            raise ValueError("a constraint is dropped from a model, by a schema editor")
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Leave it to the database: asking first would only race."""

    def deconstruct(self) -> Any:
        """Return what migrations keep."""
        path = f"{self.__class__.__module__}.{self.__class__.__name__}"
        return path, (self.field,), {"shares": self.shares, "name": self.name}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SharedReference):
            return NotImplemented
        return bool(self.deconstruct() == other.deconstruct())

    def __hash__(self) -> int:
        return hash((self.name, self.field, self.shares))

    def _add(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        quote = schema_editor.quote_name
        target: Any = model._meta.get_field(self.field).related_model
        ours = ", ".join(quote(_column(model, name)) for name in (self.field, *self.shares))
        theirs = ", ".join(quote(_column(target, name)) for name in ("pk", *self.shares))
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)} "
            f"FOREIGN KEY ({ours}) REFERENCES {quote(target._meta.db_table)} ({theirs})"
        )


def _column(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return str(field.column)

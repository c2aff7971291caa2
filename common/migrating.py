"""Migrations of many small steps: the models are rendered once for all of them.

Django renders the models anew after every constraint, index, trigger and foreign key. With a
hundred related models that makes an empty database a minute's work; together it is a second's.
"""

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class Together(Operation):
    """Carry out operations one after the other, all seen from the state after the last of them.

    For constraints, indexes, triggers and added columns, which need no intermediate state; a
    `CreateModel` does.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        """Take the operations in the order in which the database gets them."""
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change the state by all operations, rendered models left out of it until needed."""
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Carry the operations out in order."""
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Undo the operations, the last one first."""
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """Say how much is done at once."""
        return f"{len(self.operations)} columns, constraints, indexes and triggers"

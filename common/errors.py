"""Refusals that people can act on, and the alarm for what must never happen.

A service declares its refusals beside itself::

    class FacilityLimitReached(Refusal):
        code = "facility_limit_reached"

and raises ``FacilityLimitReached(message=_("short 12.5 USD"), field="amount", numbers={...})``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.db import DatabaseError, transaction


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, not an error)
    """An anticipated "no": nothing was changed, and the message says what is missing.

    ``code`` is stable and belongs to the API; ``message`` is for people and carries the numbers;
    ``field`` names the input to correct; ``numbers`` holds the same figures for machines.
    """

    code: ClassVar[str] = "refused"

    def __init__(
        self, *, message: str, field: str | None = None, numbers: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.numbers: dict[str, Any] = dict(numbers or {})

    def __str__(self) -> str:
        return str(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as JSON-ready values: decimals as text, dates in ISO 8601."""
        return {
            "code": self.code,
            "message": str(self.message),
            "field": self.field,
            "numbers": {name: _plain(value) for name, value in self.numbers.items()},
        }


class InvariantBroken(AssertionError):  # noqa: N818
    """What must never happen has happened: roll back, answer 500, wake somebody."""


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | int | str | None) else str(value)


def constraint_name(error: DatabaseError) -> str | None:
    """Return the constraint that PostgreSQL names in this error (a trigger may name one, too)."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None)


@contextmanager
def constraint_refusals(
    refusals: Mapping[str, Refusal | Callable[[], Refusal]],
) -> Iterator[None]:
    """Turn a breach of a named constraint inside the block into its refusal; pass others on.

    The block runs in its own savepoint, so that the transaction around it stays usable. Deferred
    constraints (Django's foreign keys) speak only at commit and are not seen here.
    """
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        name = constraint_name(error)
        refusal = refusals.get(name) if name else None
        if refusal is None:
            raise
        raise (refusal if isinstance(refusal, Refusal) else refusal()) from error

"""Columns as PostgreSQL array literals: one constant to parse, where ARRAY[...] is thousands."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal


def text_array(values: Iterable[str | None]) -> str:
    """Return texts as an array literal; None becomes NULL."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def plain_array(values: Iterable[int | Decimal | date]) -> str:
    """Return numbers or dates as an array literal; their text needs no quoting."""
    return "{" + ",".join(map(str, values)) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'

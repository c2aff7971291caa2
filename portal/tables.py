"""Tables as data: one description gives the page's table and its CSV file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how to read a row, how to show it, what to say on focus, where it leads.

    `get` gives the exact value (the CSV's); `show` its text, or `show_row` where the text needs
    more of the row. `chip` names a way of drawing: "band", "right", "state" or "meter". Where a
    table is wide, `wrap` lets words go to a second line, `wide` keeps room for sentences. A
    `file_only` column stands in the CSV file alone.
    """

    label: Text
    get: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    show_row: Callable[[Any], str] | None = None
    unit: str = ""
    numeric: bool = False
    wrap: bool = False
    wide: bool = False
    href: Callable[[Any], str] | None = None
    exact: Callable[[Any], str] | None = None
    sub: Callable[[Any], str] | None = None
    chip: str = ""
    file_only: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What the template draws."""

    text: str
    column: Column
    href: str
    exact: str
    sub: str
    value: Any

    @property
    def css(self) -> str:
        """Name how the cell's text flows; a number or a code without a space is never broken."""
        if self.column.numeric:
            return "num"
        if self.column.wide:
            return "words"
        return "wraps" if self.column.wrap and " " in self.text.strip() else "nowrap"

    @property
    def width(self) -> str:
        """The length of a meter in per cent, between nothing and all."""
        share = self.value if isinstance(self.value, Decimal) else Decimal(0)
        return f"{min(max(share, Decimal(0)), Decimal(1)) * 100:.1f}"


@dataclass(frozen=True, slots=True)
class Table:
    """A captioned table; `empty` says what belongs here, `foot` holds one text per column."""

    key: str
    title: Text
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: Text
    first_step: Text = ""
    foot: Sequence[str] = ()
    group: Callable[[Any], str] | None = field(default=None)

    @property
    def shown(self) -> list[Column]:
        """The columns of the page."""
        return [column for column in self.columns if not column.file_only]

    def body(self) -> Iterator[tuple[str, list[Cell]]]:
        """Yield each row's cells, with a heading where a new group begins."""
        last: str | None = None
        for row in self.rows:
            name = self.group(row) if self.group else ""
            yield (name if name != last else ""), [_cell(column, row) for column in self.shown]
            last = name

    def exact_rows(self) -> Iterator[list[str]]:
        """Yield the CSV's rows: headings with units, then exact values."""
        yield [
            f"{column.label} ({column.unit})" if column.unit else str(column.label)
            for column in self.columns
        ]
        for row in self.rows:
            yield [_plain(column.get(row)) for column in self.columns]


def _cell(column: Column, row: Any) -> Cell:
    value = column.get(row)
    return Cell(
        text=column.show_row(row) if column.show_row else column.show(value),
        column=column,
        href=column.href(row) if column.href else "",
        exact=column.exact(row) if column.exact else "",
        sub=column.sub(row) if column.sub else "",
        value=value,
    )


def _plain(value: Any) -> str:
    """Return the exact value; a text that a spreadsheet would run as a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" else text

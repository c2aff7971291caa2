"""Reading price files: CSV `date,price,currency,unit`, one commodity a file, oldest row first.

Every row that is not right becomes a `RowProblem` that says where, which field, what is wrong and
what would be right; the other rows are kept. Reading judges a file by itself; whether its
commodity, currency and unit are the ones expected is for the caller to say.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

COLUMNS = ("date", "price", "currency", "unit")
MAX_DECIMALS = 8
MAX_WHOLE_DIGITS = 16

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One good row: the price as quoted, and the line it stands on."""

    line: int
    observed_on: date
    price: Decimal
    currency: str
    unit: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with one field of one row."""

    file: str
    line: int
    field: str
    code: str
    message: str

    def __str__(self) -> str:
        """Return `file:line: field: what is wrong; what would be right`."""
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


@dataclass(slots=True)
class PriceFile:
    """What a file holds: its commodity's code (the file's stem), good rows and problems."""

    name: str
    code: str
    rows: list[PriceRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def refuse(self, line: int, column: str, code: str, message: str) -> None:
        """Record a problem."""
        self.problems.append(RowProblem(self.name, line, column, code, message))


class _RowError(Exception):
    """A field that cannot be read."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


def find_price_files(path: Path) -> list[Path]:
    """Return the CSV files of a folder by name, or the one file that the path names.

    Raises:
        FileNotFoundError: nothing there, or a folder without a CSV file; the message says which.

    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        message = f"{path}: no such folder or file"
        raise FileNotFoundError(message)
    if files := sorted(path.glob("*.csv")):
        return files
    message = f"{path}: no file that ends in .csv"
    raise FileNotFoundError(message)


def read_price_file(path: Path, *, today: date) -> PriceFile:
    """Read one file. `today` is the last date that can have been observed.

    Raises:
        OSError: the file cannot be opened.

    """
    # Undecodable bytes become U+FFFD and fail the check of their field, with file and line.
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        return parse_prices(lines, name=path.name, code=path.stem, today=today)


def parse_prices(lines: Iterable[str], *, name: str, code: str, today: date) -> PriceFile:
    """Read the lines of one file; see `read_price_file`."""
    found = PriceFile(name, code)
    reader = csv.reader(lines)
    header = [cell.strip() for cell in next(reader, [])]
    if sorted(header) != sorted(COLUMNS):
        shown = ",".join(header) or "nothing"
        message = f"the first line is {shown!r}; it must be {','.join(COLUMNS)!r}"
        found.refuse(1, "header", "bad_header", message)
        return found
    order = [header.index(column) for column in COLUMNS]
    for line, cells in _numbered(reader, found):
        try:
            row = _parse_row(line, cells, order)
            _check_place(row, found.rows, today)
        except _RowError as error:
            found.refuse(line, error.column, error.code, error.message)
        else:
            found.rows.append(row)
    if not found.rows and not found.problems:
        found.refuse(1, "file", "no_rows", "the file has a header and no row")
    return found


def _numbered(reader: Iterator[list[str]], found: PriceFile) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells, without blank lines; what is no CSV ends the file."""
    line = 1
    try:
        for line, cells in enumerate(reader, start=2):
            if cells:
                yield line, cells
    except csv.Error as error:
        found.refuse(line + 1, "row", "bad_csv", f"not a CSV row: {error}")


def _parse_row(line: int, cells: list[str], order: list[int]) -> PriceRow:
    """Return the row's values."""
    if len(cells) != len(COLUMNS):
        message = f"{len(cells)} fields; there must be {len(COLUMNS)}: {', '.join(COLUMNS)}"
        raise _RowError("row", "wrong_field_count", message)
    day, price, currency, unit = (cells[index].strip() for index in order)
    if not _CURRENCY.fullmatch(currency):
        message = f"{currency!r} is not an ISO 4217 code such as USD"
        raise _RowError("currency", "bad_currency", message)
    if not unit or "�" in unit:
        message = f"{unit!r} is not a unit such as '100 lb' or 'troy ounce'"
        raise _RowError("unit", "bad_unit", message)
    return PriceRow(line, _parse_date(day), _parse_price(price), currency, unit)


def _parse_date(text: str) -> date:
    """Return the date of an ISO text."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            message = f"{text!r} is not a day of the calendar"
            raise _RowError("date", "bad_date", message) from None
    raise _RowError("date", "bad_date", f"{text!r} is not a date such as 2021-12-31")


def _parse_price(text: str) -> Decimal:
    """Return the price of a decimal text; zero and negative prices are real."""
    if not _NUMBER.fullmatch(text):
        message = f"{text!r} is not a decimal number such as 437.05"
        raise _RowError("price", "bad_price", message)
    price = Decimal(text)
    exponent = int(price.normalize().as_tuple().exponent)
    if -exponent > MAX_DECIMALS:
        message = f"{text!r} has {-exponent} decimals; at most {MAX_DECIMALS} are kept exactly"
        raise _RowError("price", "too_precise", message)
    if price.adjusted() >= MAX_WHOLE_DIGITS:
        message = f"{text!r} is too large; at most {MAX_WHOLE_DIGITS} digits before the point"
        raise _RowError("price", "too_large", message)
    return price


def _check_place(row: PriceRow, before: list[PriceRow], today: date) -> None:
    """Refuse a row whose date does not fit the rows before it."""
    if row.observed_on > today:
        message = f"{row.observed_on} is in the future; the last day that can be known is {today}"
        raise _RowError("date", "future_date", message)
    if not before:
        return
    last = before[-1]
    if row.observed_on == last.observed_on:
        message = f"{row.observed_on} is on line {last.line} already; one row a day"
        raise _RowError("date", "duplicate_date", message)
    if row.observed_on < last.observed_on:
        message = (
            f"{row.observed_on} is before {last.observed_on} on line {last.line}; oldest first"
        )
        raise _RowError("date", "descending_date", message)


def keep_denomination(
    found: PriceFile, *, currency: str, is_unit: Callable[[str], bool], unit: str
) -> None:
    """Refuse the rows in another currency or unit; the others stay.

    is_unit: tells whether a unit's text means the right one; unit: how to write it.
    """
    good: list[PriceRow] = []
    for row in found.rows:
        if row.currency != currency:
            message = f"{row.currency!r}; this series is in {currency}"
            found.refuse(row.line, "currency", "wrong_currency", message)
        elif not is_unit(row.unit):
            message = f"{row.unit!r}; this series is priced per {unit!r}"
            found.refuse(row.line, "unit", "wrong_unit", message)
        else:
            good.append(row)
    found.rows = good

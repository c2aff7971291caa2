"""Reading price files: every bad row is named, every good one kept."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from risk.price_files import PriceFile, find_price_files, parse_prices, read_price_file

TODAY = date(2024, 6, 3)
HEADER = "date,price,currency,unit\n"


def _parse(text: str) -> PriceFile:
    return parse_prices(
        text.splitlines(keepends=True), name="copper.csv", code="copper", today=TODAY
    )


def test_good_rows() -> None:
    found = _parse(HEADER + "2024-05-30,437.05,USD,100 lb\n\n2024-05-31,-36.98,USD,100 lb\n")
    assert found.problems == []
    assert [(r.line, r.observed_on, r.price) for r in found.rows] == [
        (2, date(2024, 5, 30), Decimal("437.05")),
        (4, date(2024, 5, 31), Decimal("-36.98")),
    ]


def test_columns_may_stand_in_any_order() -> None:
    found = _parse("unit,date,currency,price\n100 lb,2024-05-30,USD,1e2\n")
    assert [(r.price, r.unit) for r in found.rows] == [(Decimal(100), "100 lb")]


@pytest.mark.parametrize(
    ("row", "field", "code", "message"),
    [
        ("2024-13-01,1,USD,t", "date", "bad_date", "'2024-13-01' is not a day of the calendar"),
        ("01/02/2024,1,USD,t", "date", "bad_date", "'01/02/2024' is not a date such as 2021-12-31"),
        ("20240102,1,USD,t", "date", "bad_date", "'20240102' is not a date such as 2021-12-31"),
        ("2024-06-04,1,USD,t", "date", "future_date", "2024-06-04 is in the future; the last day"),
        ("2024-05-01,NaN,USD,t", "price", "bad_price", "'NaN' is not a decimal number"),
        ("2024-05-01,inf,USD,t", "price", "bad_price", "'inf' is not a decimal number"),
        ("2024-05-01,,USD,t", "price", "bad_price", "'' is not a decimal number"),
        ("2024-05-01,1_000,USD,t", "price", "bad_price", "'1_000' is not a decimal number"),
        ('2024-05-01,"1,000",USD,t', "price", "bad_price", "'1,000' is not a decimal number"),
        ("2024-05-01,١,USD,t", "price", "bad_price", "is not a decimal number"),
        ("2024-05-01,0.123456789,USD,t", "price", "too_precise", "has 9 decimals; at most 8"),
        ("2024-05-01,1e17,USD,t", "price", "too_large", "at most 16 digits before the point"),
        ("2024-05-01,1,usd,t", "currency", "bad_currency", "'usd' is not an ISO 4217 code"),
        ("2024-05-01,1,USD,", "unit", "bad_unit", "'' is not a unit such as '100 lb'"),
        ("2024-05-01,1,USD", "row", "wrong_field_count", "3 fields; there must be 4"),
        ("2024-05-01,1,USD,t,x", "row", "wrong_field_count", "5 fields; there must be 4"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stay(
    row: str, field: str, code: str, message: str
) -> None:
    found = _parse(f"{HEADER}2024-04-30,1,USD,t\n{row}\n2024-05-31,2,USD,t\n")
    assert [r.line for r in found.rows] == [2, 4]
    (problem,) = found.problems
    assert (problem.file, problem.line, problem.field, problem.code) == (
        "copper.csv",
        3,
        field,
        code,
    )
    assert message in problem.message
    assert str(problem) == f"copper.csv:3: {field}: {problem.message}"


def test_days_ascend_and_stand_once() -> None:
    found = _parse(
        HEADER + "2024-05-02,1,USD,t\n2024-05-02,2,USD,t\n2024-05-01,3,USD,t\n2024-05-03,4,USD,t\n"
    )
    assert [r.price for r in found.rows] == [1, 4]
    assert [(p.line, p.code) for p in found.problems] == [
        (3, "duplicate_date"),
        (4, "descending_date"),
    ]
    assert found.problems[0].message == "2024-05-02 is on line 2 already; one row a day"


@pytest.mark.parametrize("text", ["", "day,price\n2024-05-02,1\n"])
def test_another_header_refuses_the_file(text: str) -> None:
    found = _parse(text)
    assert found.rows == []
    assert [(p.line, p.code) for p in found.problems] == [(1, "bad_header")]


def test_a_header_alone_is_a_problem() -> None:
    assert [p.code for p in _parse(HEADER).problems] == ["no_rows"]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "copper.csv"
    path.write_bytes(HEADER.encode() + b"2024-05-02,1,USD,\xff\xfe\n2024-05-03,1\x00,USD,t\n")
    found = read_price_file(path, today=TODAY)
    assert found.rows == []
    assert [(p.line, p.field) for p in found.problems] == [(2, "unit"), (3, "price")]


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "copper.csv"
    path.write_bytes(b"\xef\xbb\xbfdate,price,currency,unit\r\n2024-05-02,1,USD,t\r\n")
    found = read_price_file(path, today=TODAY)
    assert (found.code, len(found.rows), found.problems) == ("copper", 1, [])


def test_files_are_found_by_folder_or_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file that ends in \.csv"):
        find_price_files(tmp_path)
    for name in ("b.csv", "a.csv", "README.md"):
        (tmp_path / name).touch()
    assert [p.name for p in find_price_files(tmp_path)] == ["a.csv", "b.csv"]
    assert find_price_files(tmp_path / "a.csv") == [tmp_path / "a.csv"]
    with pytest.raises(FileNotFoundError, match="no such folder or file"):
        find_price_files(tmp_path / "c")

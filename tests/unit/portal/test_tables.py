from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

from portal import columns
from portal.tables import Column, Table
from portal.web.csv_files import csv_response

D = Decimal


def row(**values):
    return SimpleNamespace(**values)


def table(*columns_, rows, **more):
    return Table(key="t", title="T", columns=columns_, rows=rows, empty="nothing", **more)


def test_a_page_shows_texts_and_the_file_exact_values():
    made = table(
        columns.amount("Owed", "owed", "USD"),
        columns.share("Rate", "rate"),
        columns.day("Due", "due"),
        rows=[row(owed=D("1234.5600"), rate=D("0.84671"), due=date(2011, 9, 23))],
    )

    [(_group, cells)] = list(made.body())
    assert [cell.text for cell in cells] == ["1,234.56", "84.7 %", "23 Sep 2011"]
    assert list(made.exact_rows()) == [
        ["Owed (USD)", "Rate", "Due"],
        ["1234.5600", "0.84671", "2011-09-23"],
    ]


def test_columns_for_files_alone_stay_off_the_page():
    made = table(
        columns.text("Shown", "a"),
        columns.text("Hidden", "b", file_only=True),
        rows=[row(a="x", b="y")],
    )

    assert [column.label for column in made.shown] == ["Shown"]
    assert list(made.exact_rows())[1] == ["x", "y"]


def test_a_text_that_a_spreadsheet_would_run_is_quoted():
    made = table(
        columns.text("Name", "name"),
        columns.amount("Owed", "owed", "USD"),
        rows=[row(name="=1+2", owed=D("-5.00")), row(name="@x", owed=None)],
    )

    assert list(made.exact_rows())[1:] == [["'=1+2", "-5.00"], ["'@x", ""]]


def test_groups_are_headed_once():
    made = table(
        columns.text("Lot", "lot"),
        rows=[row(lot="1", site="A"), row(lot="2", site="A"), row(lot="3", site="B")],
        group=lambda one: one.site,
    )

    assert [group for group, _cells in made.body()] == ["A", "", "B"]


def test_quantities_of_different_units_share_a_column():
    made = table(
        columns.quantity("Left", "left", "unit"),
        rows=[row(left=D("41.2"), unit="TNE"), row(left=D(900), unit="USD")],
    )

    assert [cells[0].text for _group, cells in made.body()] == ["41.2 t", "900.00 USD"]


def test_meters_never_leave_their_room():
    made = table(
        columns.meter("Share", "share"),
        rows=[row(share=D("1.5")), row(share=D("-0.2")), row(share=None), row(share=D("0.625"))],
    )

    assert [cells[0].width for _group, cells in made.body()] == ["100.0", "0.0", "0.0", "62.5"]


def test_a_csv_file_is_utf8_that_spreadsheets_recognise():
    made = table(Column("名称", lambda one: one.name), rows=[row(name="铜箔, 70 t")])
    response = csv_response(made, name="lots")

    assert response["Content-Disposition"] == 'attachment; filename="lots.csv"'
    assert response.content.decode("utf-8") == '\ufeff名称\r\n"铜箔, 70 t"\r\n'


def test_instants_stand_as_day_and_hour():
    made = table(columns.moment("When", "at"), rows=[row(at=datetime(2011, 9, 23, 9, tzinfo=UTC))])

    [(_group, [cell])] = list(made.body())
    assert (cell.text, cell.sub) == ("23 Sep 2011", "09:00 UTC")

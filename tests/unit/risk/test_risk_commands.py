"""The commands of the risk room, as their users call them."""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.clock import SetClock, using_clock
from risk.models import Commodity, PledgeRate, Price

NOW = datetime(2022, 1, 3, 12, tzinfo=UTC)
HEADER = "date,price,currency,unit\n"


def _run(*arguments: str) -> list[str]:
    out = io.StringIO()
    with using_clock(SetClock(NOW)):
        call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


def _fails(*arguments: str) -> tuple[list[str], str]:
    """Run a command that must fail; return its lines and its last words."""
    out = io.StringIO()
    with using_clock(SetClock(NOW)), pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines(), str(caught.value)


def _write(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_pledge_rates_of_the_last_day_need_no_database(committed_prices: Path) -> None:
    lines = _run("pledge_rates", "--prices", str(committed_prices))
    assert lines[0] == "commodity,date,rate"
    rows = [line.split(",") for line in lines[1:]]
    assert [row[:2] for row in rows] == [
        ["copper_comex", "2021-12-23"],
        ["gold_comex", "2021-12-24"],
        ["silver_comex", "2021-12-23"],
    ]
    assert [float(row[2]) for row in rows] == pytest.approx(
        [0.8951928757818391, 0.9376868644533145, 0.864522350527808], abs=1e-9
    )


def test_pledge_rates_as_of_a_day_take_the_row_before_it(committed_prices: Path) -> None:
    copper = str(committed_prices / "copper_comex.csv")
    sunday = _run("pledge_rates", "--prices", copper, "--as-of", "2008-10-12")
    assert sunday == _run("pledge_rates", "--prices", copper, "--as-of", "2008-10-10")
    assert sunday[1].startswith("copper_comex,2008-10-10,0.")
    shorter = _run(
        "pledge_rates",
        "--prices",
        copper,
        "--as-of",
        "2008-10-10",
        "--horizon",
        "4",
        "--confidence",
        "0.95",
    )
    assert float(shorter[1].split(",")[2]) > float(sunday[1].split(",")[2])


def test_pledge_rates_of_all_days_equal_the_reference(shared_data: Path) -> None:
    lines = _run("pledge_rates", "--prices", str(shared_data / "prices"), "--all-dates")
    rates = {(row[0], row[1]): float(row[2]) for row in csv.reader(lines[1:])}
    assert len(rates) == 90_650
    with (shared_data / "reference_rates" / "h10_0.99.csv").open() as expected:
        worst = max(
            abs(rates[row["commodity"], row["date"]] - float(row["rate"]))
            for row in csv.DictReader(expected)
        )
    assert worst < 1e-9
    assert rates["wti", "2020-04-20"] == 0.0


def test_pledge_rates_name_bad_rows_and_go_on_with_other_files(
    tmp_path: Path, committed_prices: Path
) -> None:
    (tmp_path / "gold.csv").write_text((committed_prices / "gold_comex.csv").read_text())
    _write(
        tmp_path, "bad.csv", ["2020-01-01,1,USD,t", "2020-01-02,nan,USD,t", "2020-01-03,1,EUR,t"]
    )
    lines, words = _fails("pledge_rates", "--prices", str(tmp_path))
    assert [line.split(",")[0] for line in lines] == ["commodity", "gold"]
    assert "bad.csv:3: price: 'nan' is not a decimal number such as 437.05" in words
    assert "bad.csv:4: currency: 'EUR'; this series is in USD" in words
    assert words.endswith("2 bad rows; no rate was computed for bad.csv")


def test_pledge_rates_of_short_histories(tmp_path: Path) -> None:
    _write(tmp_path, "new.csv", ["2020-01-01,1,USD,t"])
    assert _fails("pledge_rates", "--prices", str(tmp_path)) == (
        ["commodity,date,rate"],
        "no file has enough rows for a rate",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--confidence", "99"], "confidence is 99.0; it must be between 0.5 and 1"),
        (["--horizon", "0"], "horizon is 0; it must be 1 trading day or more"),
        (["--as-of", "soon"], "'soon' is not a date such as 2021-12-31"),
    ],
)
def test_options_out_of_range_are_refused(
    committed_prices: Path, arguments: list[str], words: str
) -> None:
    assert words in _fails("pledge_rates", "--prices", str(committed_prices), *arguments)[1]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert _fails("pledge_rates", "--prices", missing)[1] == f"{missing}: no such folder or file"


@pytest.mark.django_db
def test_import_and_publish_from_an_empty_database(committed_prices: Path) -> None:
    copper = str(committed_prices / "copper_comex.csv")
    (line,) = _run("import_prices", copper)
    assert json.loads(line) == {
        "file": "copper_comex.csv",
        "commodity": "copper_comex",
        "status": "accepted",
        "accepted": 9152,
        "duplicate": 0,
        "corrected": 0,
        "refused": 0,
        "reasons": [],
    }
    assert json.loads(_run("import_prices", copper)[0])["status"] == "duplicate"
    (line,) = _run("publish_rates", "--as-of", "2021-12-23")
    assert json.loads(line)["published"] == {"copper_comex": 1}
    rate = PledgeRate.objects.get()
    assert rate.rate == rate.model_rate.quantize(rate.rate)
    assert float(rate.model_rate) == pytest.approx(0.8951928757818391, abs=1e-9)
    (line,) = _run("publish_rates", "--from", "2021-12-20", "--as-of", "2021-12-23")
    assert json.loads(line)["published"] == {"copper_comex": 4}


@pytest.mark.django_db
def test_import_reports_what_it_refused_and_fails(tmp_path: Path) -> None:
    _write(tmp_path, "wti.csv", ["2020-04-20,-36.98,USD,barrel", "2020-04-21,8.91,EUR,barrel"])
    _write(tmp_path, "zinc.csv", ["2020-04-20,1,USD,tonne"])
    lines, words = _fails("import_prices", str(tmp_path))
    wti, zinc = (json.loads(line) for line in lines)
    assert (wti["status"], wti["accepted"], wti["refused"]) == ("accepted", 1, 1)
    assert wti["reasons"] == ["wti.csv:3: currency: 'EUR'; this series is in USD"]
    assert zinc["status"] == "refused"
    assert "no commodity has the code 'zinc'" in zinc["reasons"][0]
    assert words == "2 rows refused; the reasons are above"
    assert Price.objects.get().observed_on == date(2020, 4, 20)


@pytest.mark.django_db
def test_the_catalogue_command() -> None:
    lines = _run("load_catalogue")
    assert "copper_comex: Copper (COMEX)" in lines
    assert len(lines) == Commodity.objects.count() == 15

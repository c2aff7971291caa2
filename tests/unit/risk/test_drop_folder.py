"""A folder in which others leave files: each recorded by itself and put away."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from risk.models import HeldPrice, Price
from risk.services.feeds import Mapped
from tests.factories.feeds import at, make_feed, run_now
from tests.factories.parties import make_lender
from tests.factories.risk import make_commodity, make_money

pytestmark = pytest.mark.django_db

D = Decimal
NOW = at("2024-06-04T09:00")


@pytest.fixture
def folder(tmp_path):
    make_money()
    make_commodity(code="copper")
    make_commodity(code="zinc")
    with override_settings(FEED_FOLDER=str(tmp_path)):
        (tmp_path / "desk").mkdir()
        yield tmp_path / "desk"


@pytest.fixture
def feed(folder):
    series = [Mapped(series="CU", commodity="copper"), Mapped(series="ZN", commodity="zinc")]
    return make_feed(tenant_id=make_lender().pk, adapter="drop_folder", series=series, now=NOW)


def current():
    rows = Price.objects.filter(superseded_by=None).order_by("commodity__code", "observed_on")
    return [(one.commodity.code, one.observed_on.isoformat(), one.price) for one in rows]


def names(folder, within=""):
    return sorted(path.name for path in (folder / within).iterdir() if path.is_file())


def test_files_are_recorded_and_put_away(folder, feed):
    (folder / "CU.csv").write_text("date,price,currency,unit\n2024-06-03,9000,USD,tonne\n")
    rows = [{"series": "ZN", "date": "2024-06-03", "price": 2900.5, "unit": "tonne"}]
    (folder / "zinc.json").write_text(json.dumps({"observations": rows}))
    (folder / "later.json.part").write_text("[")
    (folder / ".hidden.json").write_text("[")
    run = run_now(feed, NOW)
    assert (run.state, run.accepted, len(run.parcels)) == ("done", 2, 2)
    assert current() == [("copper", "2024-06-03", D(9000)), ("zinc", "2024-06-03", D("2900.5"))]
    assert names(folder) == [".hidden.json", "later.json.part"]
    assert names(folder, "done") == ["CU.csv", "zinc.json"]
    (folder / "CU.csv").write_text("date,price,currency,unit\n2024-06-03,9000,USD,tonne\n")
    assert run_now(feed, NOW).duplicate == 1
    assert len(names(folder, "done")) == 3


def test_a_file_cut_off_is_refused_and_the_others_go_on(folder, feed):
    (folder / "a.json").write_text('[{"series": "CU", "date": "2024-06-03", "pri')
    (folder / "b.json").write_text('[{"series": "ZN", "date": "2024-06-03", "price": 2900}]')
    run = run_now(feed, NOW)
    assert (run.state, run.error_code, run.accepted) == ("failed", "unreadable", 1)
    assert names(folder) == []
    assert names(folder, "refused") == ["a.json", "a.json.reason.txt"]
    assert "cannot be read" in (folder / "refused" / "a.json.reason.txt").read_text()
    assert current() == [("zinc", "2024-06-03", D(2900))]


def test_rows_of_a_price_file_are_refused_one_by_one(folder, feed):
    (folder / "CU.csv").write_text(
        "date,price,currency,unit\n"
        "2024-05-30,9000,USD,tonne\n2024-05-31,nine,USD,tonne\n2024-06-03,90,USD,100 lb\n"
        "2024-06-04,-1,USD,tonne\n"
    )
    (folder / "PB.csv").write_text("date,price,currency,unit\n2024-06-03,9000,USD,tonne\n")
    run = run_now(feed, NOW)
    assert (run.accepted, run.refused, run.quarantined) == (1, 3, 1)
    codes = {problem["code"] for problem in run.problems}
    assert codes == {"bad_price", "wrong_unit", "unknown_series"}
    assert HeldPrice.objects.get().reason == "non_positive"


def test_a_correction_may_be_of_a_day_before(folder, feed):
    (folder / "a.json").write_text('[{"series": "CU", "date": "2024-06-03", "price": 9000}]')
    run_now(feed, NOW)
    row = {"series": "CU", "date": "2024-05-31", "price": 8900}
    (folder / "b.json").write_text(json.dumps([row]))
    assert run_now(feed, NOW + timedelta(hours=1)).problems[0]["code"] == "older_than_recorded"
    (folder / "c.json").write_text(json.dumps([row | {"correction": True}]))
    assert run_now(feed, NOW + timedelta(hours=2)).accepted == 1


def test_a_folder_that_is_not_there_is_told(folder, feed):
    folder.rmdir()
    run = run_now(feed, NOW)
    assert (run.state, run.error_code) == ("failed", "no_folder")


def test_a_feed_is_run_by_hand(folder, feed, capsys):
    (folder / "a.json").write_text('[{"series": "CU", "date": "2024-06-03", "price": 9000}]')
    call_command("fetch_prices", "desk")
    told = json.loads(capsys.readouterr().out)
    assert (told["feed"], told["state"], told["accepted"]) == ("desk", "done", 1)
    folder.joinpath("b.json").write_text("[")
    with pytest.raises(CommandError, match="unreadable"):
        call_command("fetch_prices", "desk")
    with pytest.raises(CommandError, match="no feed x; set up are: desk"):
        call_command("fetch_prices", "x")

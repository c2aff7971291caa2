"""Every adapter against a server on a real socket: recorded shapes, refusals, slowness, halves."""

import json
import logging
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import ModuleType

import pandas
import pytest
from django.test import override_settings

from risk.feeds.denominations import parse_denomination
from risk.feeds.interface import FeedAsk, FeedError, SeriesAsk
from risk.feeds.registry import ADAPTERS, key_variable, settings_problem
from risk.units import parse_quotation
from tests.factories.feeds import (
    Answer,
    at,
    eia_answer,
    eia_rows,
    feed_server,
    fred_observations,
    fred_series,
)

D = Decimal
NOW = at("2020-04-24T09:00")
WTI = SeriesAsk(series="RWTC", currency="USD", unit="barrel")
KEY = "0123456789abcdef"


@pytest.fixture
def server():
    with (
        feed_server() as one,
        override_settings(
            FEED_BASE_URLS={"fred": one.url, "eia": f"{one.url}/v2"},
            FEED_HOSTS={"127.0.0.1"},
            FEED_TIMEOUT_SECONDS=0.3,
        ),
    ):
        yield one


def ask(**given):
    values = {"code": "feed", "kind": "spot", "settings": {}, "series": [WTI], "since": None}
    return FeedAsk(**(values | {"now": NOW, "key": KEY} | given))


def read(name, one):
    """Fetch all parcels and read them."""
    adapter = ADAPTERS[name].adapter
    [parcels] = adapter.fetch(one)
    return adapter.read(one, parcels)


def seen(reading):
    return {(one.series, one.observed_on.isoformat()): one.price for one in reading.observations}


def refused(name, one):
    with pytest.raises(FeedError) as caught:
        read(name, one)
    assert KEY not in caught.value.message
    return caught.value


# --- FRED ---------------------------------------------------------------------------------------


def serve_fred(server, prices, **series):
    server.routes["/series"] = Answer(fred_series("RWTC", **series))
    server.routes["/series/observations"] = Answer(fred_observations(prices))


def test_fred_gives_prices_and_leaves_out_days_without_one(server):
    serve_fred(server, {"2020-04-17": "18.31", "2020-04-19": ".", "2020-04-20": "-36.98"})
    reading = read("fred", ask(since=date(2020, 4, 1)))
    assert seen(reading) == {
        ("RWTC", "2020-04-17"): D("18.31"),
        ("RWTC", "2020-04-20"): D("-36.98"),
    }
    one = reading.observations[0]
    assert (one.currency, one.unit, one.kind, one.source, one.fetched_at) == (
        "USD", "barrel", "spot", "feed", NOW,
    )  # fmt: skip
    assert len(one.raw_hash) == 64
    path, query, _headers = server.asked[-1]
    assert (path, query["observation_start"], query["file_type"]) == (
        "/series/observations", "2020-04-01", "json",
    )  # fmt: skip


def test_fred_in_another_unit_is_refused(server):
    serve_fred(server, {"2020-04-17": "18.31"}, units="Dollars per Gallon")
    reading = read("fred", ask())
    assert reading.observations == []
    assert [problem.code for problem in reading.problems] == ["wrong_unit"]


def test_fewer_observations_than_counted_are_half_a_batch(server):
    half = fred_observations({"2020-04-17": "18.31"}) | {"count": 2}
    server.routes["/series"] = Answer(fred_series("RWTC"))
    server.routes["/series/observations"] = Answer(half)
    assert refused("fred", ask()).code == "unreadable"


def test_an_unknown_series_is_told_in_the_sources_words(server):
    told = {"error_code": 400, "error_message": f"Bad Request. The series {KEY} does not exist."}
    server.routes["/series"] = Answer(told, status=400)
    error = refused("fred", ask())
    assert (error.code, error.again) == ("refused_by_source", False)
    assert "does not exist" in error.message


# --- EIA ----------------------------------------------------------------------------------------

SPOT = {"route": "petroleum/pri/spt"}


def test_eia_gives_all_pages(server, monkeypatch):
    monkeypatch.setattr("risk.feeds.eia.PAGE", 2)
    rows = eia_rows({"2020-04-17": "18.31", "2020-04-20": "-36.98", "2020-04-21": "8.91"})

    def page(query):
        offset = int(query["offset"])
        return Answer(eia_answer(rows[offset : offset + 2], total=3))

    server.routes["/v2/petroleum/pri/spt/data/"] = page
    reading = read("eia", ask(settings=SPOT))
    assert list(seen(reading).values()) == [D("18.31"), D("-36.98"), D("8.91")]
    assert [query["offset"] for _path, query, _headers in server.asked] == ["0", "2"]
    assert server.asked[0][1]["facets[series][0]"] == "RWTC"


def test_eia_in_another_unit_and_without_value(server):
    rows = eia_rows({"2020-04-17": "0.44"}, units="$/GAL")
    rows += eia_rows({"2020-04-20": None, "2020-04-21": "8.91"})
    rows += eia_rows({"2020-04-21": "20"}, series="RBRTE")
    server.routes["/v2/petroleum/pri/spt/data/"] = Answer(eia_answer(rows))
    reading = read("eia", ask(settings=SPOT))
    assert seen(reading) == {("RWTC", "2020-04-21"): D("8.91")}
    assert [(p.observed_on, p.code) for p in reading.problems] == [
        (date(2020, 4, 17), "wrong_unit")
    ]


def test_fewer_rows_than_the_total_are_half_a_batch(server):
    rows = eia_rows({"2020-04-17": "18.31"})
    server.routes["/v2/petroleum/pri/spt/data/"] = Answer(eia_answer(rows, total=2))
    assert refused("eia", ask(settings=SPOT)).code == "unreadable"


def test_a_missing_key_is_told(server):
    told = {"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied."}}
    server.routes["/v2/petroleum/pri/spt/data/"] = Answer(told, status=403)
    with pytest.raises(FeedError, match="API_KEY_MISSING"):
        read("eia", ask(settings=SPOT, key=""))


# --- HTTP JSON ----------------------------------------------------------------------------------


def mapped(server, **given):
    settings = {
        "url": f"{server.url}/daily?from={{since}}",
        "rows": "data.list",
        "fields": {
            "series": "symbol", "date": "day", "price": "settle", "unit": "per",
            "currency": "ccy", "correction": "amended",
        },
        "date_format": "%Y%m%d",
        "key_header": "X-Api-Key",
    }  # fmt: skip
    return ask(settings=settings | given)


def test_json_is_mapped_field_by_field(server):
    rows = [
        {"symbol": "RWTC", "day": 20200417, "settle": 18.31, "per": "barrel", "ccy": "USD"},
        {"symbol": "RWTC", "day": 20200416, "settle": "19.82", "amended": True},
        {"symbol": "OTHER", "day": 20200417, "settle": 1},
        {"symbol": "RWTC", "day": "2020-04-17", "settle": 1},
    ]
    server.routes["/daily"] = Answer({"data": {"list": rows}})
    reading = read("http_json", mapped(server))
    assert seen(reading) == {("RWTC", "2020-04-17"): D("18.31"), ("RWTC", "2020-04-16"): D("19.82")}
    assert [one.corrects for one in reading.observations] == [False, True]
    assert [problem.code for problem in reading.problems] == ["bad_date"]
    assert server.asked[0][2]["X-Api-Key"] == KEY


def test_one_address_for_every_series(server):
    server.routes["/RWTC"] = Answer([{"date": "2020-04-17", "price": "18.31"}])
    reading = read("http_json", ask(settings={"url": f"{server.url}/{{series}}", "key_param": "k"}))
    assert seen(reading) == {("RWTC", "2020-04-17"): D("18.31")}
    assert server.asked[0][1] == {"k": KEY}


def test_nan_is_no_number(server):
    server.routes["/RWTC"] = Answer('[{"date": "2020-04-17", "price": NaN}]')
    [one] = read("http_json", ask(settings={"url": f"{server.url}/{{series}}"})).observations
    assert one.price.is_nan()


# --- what servers do ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code", "again", "retry_after"),
    [
        (Answer("busy", 429, {"Retry-After": "90"}), "rate_limited", True, 90),
        (
            Answer("busy", 429, {"Retry-After": "Fri, 24 Apr 2020 09:02:00 GMT"}),
            "rate_limited", True, 120,
        ),
        (Answer("down", 503, {"Retry-After": "soon"}), "server_error", True, None),
        (Answer("oops", 500), "server_error", True, None),
        (Answer("gone", 404), "refused_by_source", False, None),
        (Answer("", 302, {"Location": "http://10.0.0.1/"}), "refused_by_source", False, None),
        (Answer("[]", wait=0.6), "timeout", True, None),
        (Answer([{"date": "2020-04-17", "price": "18.31"}], cut=20), "unreachable", True, None),
        (Answer('[{"date": "2020-04-17", "pri'), "unreadable", True, None),
        (Answer({"data": 1}), "unreadable", True, None),
        (Answer([1]), "unreadable", True, None),
    ],
)  # fmt: skip
def test_what_servers_do(server, answer, code, again, retry_after):
    server.routes["/RWTC"] = answer
    error = refused("http_json", ask(settings={"url": f"{server.url}/{{series}}"}))
    assert (error.code, error.again, error.retry_after) == (code, again, retry_after)


def test_a_server_that_is_down_and_one_that_drips(server):
    down = ask(settings={"url": "http://127.0.0.1:1/{series}"})
    assert refused("http_json", down).code == "unreachable"
    server.routes["/RWTC"] = Answer("[]", wait=0.1)
    with override_settings(FEED_DEADLINE_SECONDS=-1):
        error = refused("http_json", ask(settings={"url": f"{server.url}/{{series}}"}))
    assert error.code == "timeout"


def test_too_much_is_not_read(server, monkeypatch):
    monkeypatch.setattr("risk.feeds.http.MAX_BODY", 10)
    server.routes["/RWTC"] = Answer("x" * 11)
    error = refused("http_json", ask(settings={"url": f"{server.url}/{{series}}"}))
    assert (error.code, error.again) == ("too_large", False)


def test_only_hosts_that_the_operator_allows_are_asked(server):
    error = refused("http_json", ask(settings={"url": "http://10.0.0.1/{series}"}))
    assert (error.code, error.again) == ("host_not_allowed", False)
    assert server.asked == []


def test_keys_stay_out_of_the_logs(server, caplog):
    serve_fred(server, {"2020-04-17": "18.31"})
    with caplog.at_level(logging.INFO):
        read("fred", ask())
    assert server.asked[0][1]["api_key"] == KEY
    assert KEY not in caplog.text


# --- the rest -----------------------------------------------------------------------------------


def test_without_akshare_the_feed_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "akshare", None)
    error = refused("akshare", ask())
    assert (error.code, error.again) == ("not_installed", False)
    assert "pip install akshare" in error.message


def test_akshare_gives_settlements_and_else_closes(monkeypatch):
    package = ModuleType("akshare")
    frame = pandas.DataFrame(
        [("2024-05-31", 82000.0, 82100.0), ("2024-06-03", 82500.0, 0.0), ("2023-01-03", 1.0, 1.0)],
        columns=["date", "close", "settle"],
    )
    package.futures_zh_daily_sina = lambda symbol: {"CU0": frame}[symbol]
    monkeypatch.setitem(sys.modules, "akshare", package)
    copper = SeriesAsk(series="CU0", currency="CNY", unit="tonne")
    reading = read("akshare", ask(series=[copper], since=date(2024, 1, 1)))
    assert seen(reading) == {("CU0", "2024-05-31"): D(82100), ("CU0", "2024-06-03"): D(82500)}


@pytest.mark.parametrize(
    ("text", "currency", "unit"),
    [
        ("$/BBL", "USD", "barrel"),
        ("Dollars per Barrel", "USD", "barrel"),
        ("Dollars per Million BTU", "USD", "MMBtu"),
        ("$/MMBTU", "USD", "MMBtu"),
        ("U.S. Dollars per Metric Ton", "USD", "tonne"),
        ("Cents per Pound", "USD", "pound (cents)"),
        ("CNY/tonne", "CNY", "tonne"),
    ],
)
def test_what_sources_call_a_unit(text, currency, unit):
    assert parse_denomination(text) == (currency, parse_quotation(unit))


@pytest.mark.parametrize("text", ["", "Index 2010=100", "$/furlong", "Percent"])
def test_what_is_no_price_unit(text):
    assert parse_denomination(text) is None


def test_settings_are_looked_at_before_a_feed_is_set_up():
    assert settings_problem("eia", {}) == "missing: route"
    assert settings_problem("eia", {"route": "../../x?"}) == "a route is like petroleum/pri/spt"
    assert settings_problem("fred", {"key": "x"}) == "not known here: key"
    assert settings_problem("http_json", {"url": 5}) == "not a text: url"
    assert settings_problem("fred", {"since": "2015"}) == "since is a date such as 2015-01-01"
    assert settings_problem("fred", []) == "settings are an object of names and values"
    assert settings_problem("http_json", {"url": "u", "fields": {"x": "y"}}).startswith("fields")
    assert settings_problem("drop_folder", {}) == ""


def test_keys_come_from_variables_that_nobody_chooses():
    assert key_variable("fred", "anything") == "FRED_API_KEY"
    assert key_variable("http_json", "desk-2") == "FEED_KEY_DESK_2"


def test_a_stored_parcel_can_be_read_again(server):
    serve_fred(server, {"2020-04-17": "18.31"})
    adapter, one = ADAPTERS["fred"].adapter, ask()
    [parcels] = adapter.fetch(one)
    server.routes.clear()
    again = adapter.read(replace(one, now=at("2020-05-01T09:00")), parcels)
    assert seen(again) == {("RWTC", "2020-04-17"): D("18.31")}
    assert json.loads(parcels[1].body)["count"] == 1

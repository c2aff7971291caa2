"""Runs of feeds: what comes in by the real adapters is recorded once, whole, and in order."""

import zlib
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from common.errors import constraint_name
from outbox.models import Alert
from parties.services.authority import NotAllowed
from risk.feeds.interface import FeedError
from risk.models import Feed, FeedBody, FeedRun, Price, PriceBatch
from risk.services import feed_runs
from risk.services.feed_runs import back_off, next_look, request_due, run_feed
from risk.services.feeds import (
    FeedExists,
    FeedRefused,
    FeedTerms,
    Mapped,
    change_feed,
    define_feed,
    request_run,
)
from risk.tasks import look_at_feeds, run_price_feed
from tests.factories.feeds import (
    SEVEN,
    SYSTEM,
    Answer,
    at,
    feed_server,
    fred_observations,
    fred_series,
    make_feed,
    quotes,
    run_now,
)
from tests.factories.parties import make_lender, make_lender_team
from tests.factories.risk import make_commodity, make_money

pytestmark = pytest.mark.django_db

D = Decimal
NOW = at("2024-06-04T09:00")
COPPER = [Mapped(series="CU", commodity="copper")]


@pytest.fixture
def server():
    make_money()
    make_commodity(code="copper")
    make_commodity(code="zinc")
    with (
        feed_server() as one,
        override_settings(
            FEED_BASE_URLS={"fred": one.url, "eia": one.url}, FEED_HOSTS={"127.0.0.1"}
        ),
    ):
        yield one


@pytest.fixture
def feed(server):
    return make_feed(
        tenant_id=make_lender().pk,
        series=COPPER,
        settings={"url": f"{server.url}/all", "fields": {"series": "series"}},
        now=NOW,
    )


def say(server, prices, series="CU"):
    server.routes["/all"] = Answer(quotes(prices, series))


def current(code="copper"):
    rows = Price.objects.filter(commodity__code=code, superseded_by=None)
    return {one.observed_on.isoformat(): one.price for one in rows}


def counts(run):
    return {name: count for name, count in run.counts.items() if count}


def test_a_run_records_what_the_source_says(server, feed):
    say(server, {"2024-05-31": 9000, "2024-06-03": "9050.5"})
    run = run_now(feed, NOW)
    assert (run.state, counts(run), run.latest_on) == (
        "done",
        {"accepted": 2},
        NOW.date() - timedelta(days=1),
    )
    assert current() == {"2024-05-31": D(9000), "2024-06-03": D("9050.5")}
    batch = PriceBatch.objects.get()
    assert (batch.source, batch.kind, batch.recorded_at) == ("feed desk", "spot", NOW)
    [parcel] = run.parcels
    body = FeedBody.objects.get(pk=parcel["digest"])
    assert (
        zlib.decompress(body.packed)
        == Answer(quotes({"2024-05-31": 9000, "2024-06-03": "9050.5"})).bytes()
    )
    assert feed.next_run_at == at("2024-06-05T07:00")


def test_the_same_again_changes_nothing(server, feed):
    say(server, {"2024-06-03": 9000})
    run_now(feed, NOW)
    again = run_now(feed, NOW + timedelta(hours=1))
    assert counts(again) == {"duplicate": 1}
    assert (Price.objects.count(), PriceBatch.objects.count(), FeedBody.objects.count()) == (
        1,
        1,
        1,
    )


def test_a_correction_supersedes_and_never_overwrites(server, feed):
    say(server, {"2024-05-31": 9000, "2024-06-03": 9050})
    run_now(feed, NOW)
    say(server, {"2024-05-31": 9010, "2024-06-03": 9050})
    assert counts(run_now(feed, NOW + timedelta(hours=1))) == {"superseded": 1, "duplicate": 1}
    old, new = Price.objects.filter(observed_on="2024-05-31").order_by("revision")
    assert (old.price, new.price, new.revision, new.supersedes_id) == (9000, 9010, 2, old.pk)
    # Back to the first price: a third revision, not the first batch again.
    say(server, {"2024-05-31": 9000, "2024-06-03": 9050})
    assert counts(run_now(feed, NOW + timedelta(hours=2))) == {"superseded": 1, "duplicate": 1}
    assert current()["2024-05-31"] == 9000
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE risk_price SET price = 1")
    assert constraint_name(caught.value) == "price_rows_never_change"


def test_an_older_answer_is_refused_but_a_correction_is_not(server, feed):
    say(server, {"2024-06-03": 9000})
    run_now(feed, NOW)
    say(server, {"2024-05-31": 8000})
    run = run_now(feed, NOW + timedelta(hours=1))
    assert (counts(run), run.problems[0]["code"]) == ({"refused": 1}, "older_than_recorded")
    assert current() == {"2024-06-03": 9000}
    row = {"series": "CU", "date": "2024-05-31", "price": 8990, "correction": True}
    server.routes["/all"] = Answer([row])
    change_feed(
        feed=feed,
        settings={
            "url": f"{server.url}/all",
            "fields": {"series": "series", "correction": "correction"},
        },
        actor=SYSTEM,
        now=NOW,
    )
    assert counts(run_now(feed, NOW + timedelta(hours=2))) == {"accepted": 1}
    assert current() == {"2024-05-31": 8990, "2024-06-03": 9000}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"price": "NaN"}, "not_a_number"),
        ({"price": "Infinity"}, "not_a_number"),
        ({"price": None}, "not_a_number"),
        ({"price": "nine"}, "not_a_number"),
        ({"price": 1, "unit": "100 lb"}, "wrong_unit"),
        ({"price": 1, "currency": "CNY"}, "wrong_currency"),
        ({"price": "0.123456789"}, "price_refused"),
        ({"price": 1, "date": "2024-06-05"}, "future_price"),
        ({"price": 1, "date": "yesterday"}, "bad_date"),
    ],
)
def test_what_is_no_price_is_refused(server, feed, row, code):
    fields = {name: name for name in ("series", "unit", "currency")}
    settings = {"url": f"{server.url}/all", "fields": fields}
    change_feed(feed=feed, settings=settings, actor=SYSTEM, now=NOW)
    server.routes["/all"] = Answer([{"series": "CU", "date": "2024-06-03", **row}])
    run = run_now(feed, NOW)
    assert (run.state, counts(run), run.problems[0]["code"]) == ("done", {"refused": 1}, code)
    assert not Price.objects.exists()


def test_half_a_day_is_not_recorded(server, feed):
    both = [*COPPER, Mapped(series="ZN", commodity="zinc")]
    change_feed(feed=feed, series=both, complete_only=True, actor=SYSTEM, now=NOW)
    rows = quotes({"2024-05-31": 9000, "2024-06-03": 9050}) + quotes({"2024-05-31": 2900}, "ZN")
    server.routes["/all"] = Answer(rows)
    run = run_now(feed, NOW)
    assert (run.state, run.error_code, counts(run)) == (
        "failed", "incomplete_batch", {"accepted": 2, "refused": 1},
    )  # fmt: skip
    assert (current(), current("zinc")) == ({"2024-05-31": 9000}, {"2024-05-31": 2900})
    server.routes["/all"] = Answer(rows + quotes({"2024-06-03": 2910}, "ZN"))
    run = run_now(feed, NOW + timedelta(minutes=2))
    assert (run.state, counts(run)) == ("done", {"accepted": 2, "duplicate": 2})


def test_a_cut_off_answer_records_nothing_and_is_tried_again(server, feed):
    server.routes["/all"] = Answer('[{"series": "CU", "date": "2024-06-03", "price": 9000}, {"se')
    run = run_now(feed, NOW)
    assert (run.state, run.error_code, feed.failures) == ("failed", "unreadable", 1)
    assert not Price.objects.exists()
    assert timedelta(seconds=40) < feed.next_run_at - NOW < timedelta(seconds=80)
    say(server, {"2024-06-03": 9000})
    assert run_now(feed, feed.next_run_at).state == "done"
    assert feed.failures == 0


def test_failures_double_the_wait_and_tell_the_desk_once(server, feed):
    server.routes["/all"] = Answer("down", 500)
    waits, now = [], NOW
    for _try in range(feed_runs.TRIES):
        run_now(feed, now)
        waits.append(feed.next_run_at - now)
        now = feed.next_run_at
    assert all(later > earlier for earlier, later in pairwise(waits[:5]))
    # After six in a row it waits for the next business day's time.
    assert feed.next_run_at == at("2024-06-05T07:00")
    assert [alert.payload["failures"] for alert in Alert.objects.all()] == [3]
    request_run(feed=feed, actor=SYSTEM, now=now)
    say(server, {"2024-06-03": 9000})
    assert run_feed(feed_id=feed.pk, actor=SYSTEM, now=now).state == "done"


def test_a_source_that_asks_for_quiet_gets_it(server, feed):
    server.routes["/all"] = Answer("busy", 429, {"Retry-After": "1800"})
    run_now(feed, NOW)
    assert feed.next_run_at - NOW >= timedelta(minutes=30)
    assert back_off(1, retry_after=1e9) == timedelta(hours=6)
    assert back_off(30) <= timedelta(seconds=4500)


def test_what_trying_again_cannot_mend_waits_and_is_told_at_once(server, feed):
    server.routes["/all"] = Answer("who are you", 401)
    run = run_now(feed, NOW)
    assert (run.error_code, feed.next_run_at) == ("refused_by_source", at("2024-06-05T07:00"))
    assert Alert.objects.get().payload["code"] == "refused_by_source"


def test_only_one_run_of_a_feed_and_a_dead_workers_is_buried(server, feed):
    say(server, {"2024-06-03": 9000})
    request_due(now=NOW)
    dead = FeedRun.objects.get()
    dead.start(now=NOW, lease_until=NOW + feed_runs.LEASE)
    dead.save()
    request_due(now=NOW)
    assert run_feed(feed_id=feed.pk, actor=SYSTEM, now=NOW + timedelta(minutes=9)) is None
    assert run_feed(feed_id=feed.pk, actor=SYSTEM, now=NOW + timedelta(minutes=10)).state == "done"
    dead.refresh_from_db()
    assert (dead.state, dead.error_code) == ("failed", "abandoned")
    with pytest.raises(FeedError, match="took this one's place"):
        feed_runs._still_mine(dead)


def test_an_error_of_ours_ends_the_run_too(server, feed, monkeypatch):
    def broken(**_given):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(feed_runs, "record_reading", broken)
    say(server, {"2024-06-03": 9000})
    run = run_now(feed, NOW)
    assert (run.state, run.error_code, run.error) == ("failed", "broken", "RuntimeError")


def test_the_clock_asks_once_and_the_task_runs_it(server, feed, monkeypatch):
    say(server, {"2024-06-03": 9000})
    sent = []
    monkeypatch.setattr(run_price_feed, "apply_async", lambda args, retry: sent.extend(args))
    assert look_at_feeds() == look_at_feeds() == 1
    assert (sent, FeedRun.objects.count()) == ([feed.pk, feed.pk], 1)
    assert run_price_feed(feed.pk) == "done"
    assert run_price_feed(feed.pk) == ""
    change_feed(feed=feed, active=False, actor=SYSTEM, now=NOW)
    Feed.objects.update(next_run_at=NOW)
    assert look_at_feeds() == 0


def test_history_first_then_from_some_days_back(server):
    feed = make_feed(
        tenant_id=make_lender().pk,
        adapter="fred",
        series=COPPER,
        settings={"since": "2020-01-01"},
        now=NOW,
    )
    server.routes["/series"] = Answer(fred_series("CU", units="Dollars per Metric Ton"))
    server.routes["/series/observations"] = Answer(fred_observations({"2024-06-03": "9000"}))
    run_now(feed, NOW)
    run_now(feed, NOW)
    starts = [query.get("observation_start") for path, query, _h in server.asked if "obs" in path]
    assert starts == ["2020-01-01", "2024-05-24"]


def test_a_run_takes_as_many_queries_for_many_days_as_for_few(server, feed):
    taken = []
    for days in (range(1, 4), range(1, 29)):
        say(server, {f"2024-{len(taken) + 2:02d}-{day:02d}": 9000 + day for day in days})
        with CaptureQueriesContext(connection) as queries:
            run_now(feed, NOW)
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_next_looks_keep_to_the_markets_calendar(server, feed):
    assert next_look(feed, at("2024-07-03T08:00")) == at("2024-07-04T07:00")
    feed.calendar = "US"
    assert next_look(feed, at("2024-07-03T08:00")) == at("2024-07-05T07:00")
    feed.poll_minutes = 15
    assert next_look(feed, at("2024-07-03T08:00")) == at("2024-07-03T08:15")


# --- setting up ---------------------------------------------------------------------------------


def define(actor, **given):
    values = {"code": "mine", "name": "Mine", "adapter": "drop_folder", "series": COPPER}
    terms = FeedTerms(expected_at=SEVEN, **given.pop("terms", {}))
    return define_feed(**(values | given), terms=terms, actor=actor, now=NOW)


def test_a_risk_officer_of_a_lender_sets_feeds_up(server):
    team, other = make_lender_team(), make_lender_team()
    feed = define(team.risk_officer)
    assert feed.tenant_id == team.lender.pk
    assert change_feed(feed=feed, name="Ours", actor=team.risk_officer, now=NOW).name == "Ours"
    assert request_run(feed=feed, actor=team.risk_officer, now=NOW) == request_run(
        feed=feed, actor=team.risk_officer, now=NOW
    )
    for actor in (team.preparer, other.risk_officer):
        with pytest.raises(NotAllowed):
            change_feed(feed=feed, name="Theirs", actor=actor, now=NOW)
        with pytest.raises(NotAllowed):
            request_run(feed=feed, actor=actor, now=NOW)
    with pytest.raises(FeedExists):
        define(other.risk_officer)
    assert Feed.objects.visible_to(other.risk_officer).count() == 0
    with pytest.raises(TypeError):
        change_feed(feed=feed, code="x", actor=team.risk_officer, now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        {"adapter": "eia"},
        {"terms": {"calendar": "XX"}},
        {"series": []},
        {"series": [Mapped(series="X", commodity="USD")]},
        {"series": [Mapped(series="X", commodity="copper", unit="barrel")]},
        {"series": [*COPPER, Mapped(series="CU", commodity="zinc")]},
        {"series": [*COPPER, Mapped(series="CU2", commodity="copper")]},
    ],
)
def test_a_feed_that_could_not_work_is_refused(server, given):
    with pytest.raises(FeedRefused):
        define(make_lender_team().risk_officer, **given)
    assert not Feed.objects.exists()

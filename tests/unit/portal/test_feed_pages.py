"""Feed health and quarantine: what a lender's people see of their feeds, and do to them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from lending.models import Facility
from parties.models import Person
from parties.roles import Act
from risk.models import Feed, FeedRun, HeldPrice, Price
from risk.services.feed_runs import run_feed
from risk.services.feeds import Mapped
from tests.factories.feeds import SYSTEM, make_feed, run_now
from tests.factories.parties import make_authority

NOW = datetime(2012, 2, 1, 9, tzinfo=UTC)
COPPER = [Mapped(series="CU", commodity="copper_comex")]


@pytest.fixture
def folder(tmp_path):
    with override_settings(FEED_FOLDER=str(tmp_path)):
        (tmp_path / "desk").mkdir()
        yield tmp_path / "desk"


def bank():
    return Facility.objects.get(code="AURORA-2011").tenant


def desk(folder):
    return make_feed(
        tenant_id=bank().pk, adapter="drop_folder", series=COPPER, now=NOW, kind="settlement"
    )


def drop(folder, price, on="2012-02-01"):
    row = f'[{{"series": "CU", "date": "{on}", "price": {price}}}]'
    (folder / "a.json").write_text(row)


def sent(prefix, **values):
    return {f"{prefix}-{name}": value for name, value in ({"key": "1"} | values).items()}


def text(response):
    return response.content.decode()


def test_health_shows_what_is_late_held_and_wrong(sign_in, folder):
    client, feed = sign_in("lin"), desk(folder)
    drop(folder, -5)
    run_now(feed, NOW)
    page = text(client.get("/feeds/"))
    assert "Desk" in page
    assert ">Late<" in page
    (folder / "b.json").write_text("[{")
    run_now(feed, NOW + timedelta(hours=1))
    page = text(client.get("/feeds/desk/"))
    assert "cannot be read" in page
    assert "gives the price" in page
    answer = client.get("/feeds/?csv=feeds").content.decode("utf-8-sig").splitlines()
    assert answer[0].startswith("Feed,State,Last success")
    assert answer[1].startswith("Desk,")


def test_a_risk_officer_sets_a_feed_up_runs_pauses_and_resumes_it(sign_in, folder):
    client = sign_in("zhou")
    given = {
        "code": "desk", "feed_name": "Desk file", "adapter": "drop_folder", "kind": "settlement",
        "series": "CU = copper_comex\n? CHECK=gold_comex", "expected_at": "21:00",
        "calendar": "us", "poll_minutes": "30", "settings": "",
    }  # fmt: skip
    wrong = client.post("/feeds/", sent("set-up", **(given | {"series": "CU"})))
    assert wrong.status_code == 422
    assert "write SERIES = commodity" in text(wrong)
    unknown = client.post("/feeds/", sent("set-up", **(given | {"series": "CU = unobtainium"})))
    assert "unobtainium" in text(unknown)
    assert client.post("/feeds/", sent("set-up", **given)).status_code == 303
    feed = Feed.objects.get()
    assert (feed.tenant, feed.calendar, feed.poll_minutes) == (bank(), "US", 30)
    assert list(feed.series.values_list("series", "confirms_only")) == [
        ("CHECK", True), ("CU", False),
    ]  # fmt: skip
    assert client.post("/feeds/desk/", sent("run")).status_code == 303
    assert FeedRun.objects.get().state == "requested"
    part = text(client.get("/feeds/desk/progress/"))
    assert 'hx-trigger="every 1s"' in part
    drop(folder, 3.8)
    run_feed(feed_id=feed.pk, actor=SYSTEM, now=NOW)
    part = text(client.get("/feeds/desk/progress/"))
    assert "hx-trigger" not in part
    assert client.post("/feeds/desk/", sent("pause")).status_code == 303
    assert "Paused" in text(client.get("/feeds/desk/"))
    assert client.post("/feeds/desk/", sent("resume")).status_code == 303
    assert Feed.objects.get().active


def test_others_do_not_manage_feeds(sign_in, folder):
    desk(folder)
    client = sign_in("lin")
    assert client.get("/feeds/desk/").status_code == 200
    assert client.post("/feeds/desk/", sent("run")).status_code == 404
    assert client.post("/feeds/", sent("set-up", code="x")).status_code == 404
    assert not FeedRun.objects.exists()


def decide(client, hold, act, note=""):
    return client.post("/held-prices/", sent("hold", id=hold.pk, act=act, note=note))


def test_one_asks_to_confirm_and_another_does(sign_in, folder):
    drop(folder, -5)
    run_now(desk(folder), NOW)
    hold = HeldPrice.objects.get()
    make_authority(person=Person.objects.get(username="zhou"), act=Act.OVERRIDE_PRICE, amount=10**9)
    maker, checker = sign_in("lin"), sign_in("zhou")
    assert 'value="confirm"' in text(maker.get("/held-prices/"))
    assert decide(maker, hold, "confirm").status_code == 422  # no reason
    assert decide(maker, hold, "confirm", "it is so").status_code == 303
    assert 'value="apply"' not in text(maker.get("/held-prices/"))
    page = text(checker.get("/held-prices/"))
    assert 'value="apply"' in page
    assert "asks that it be confirmed: it is so" in page
    assert decide(maker, hold, "apply").status_code == 422
    assert decide(checker, hold, "leave", "no").status_code == 303
    assert decide(maker, hold, "confirm", "it is so indeed").status_code == 303
    assert decide(checker, hold, "apply").status_code == 303
    assert Price.objects.filter(price=-5).count() == 1
    assert "Nothing is in quarantine." in text(checker.get("/held-prices/"))


def test_one_asks_to_refuse_and_another_does(sign_in, folder):
    drop(folder, -5)
    run_now(desk(folder), NOW)
    hold = HeldPrice.objects.get()
    maker, checker = sign_in("lin"), sign_in("zhou")
    assert decide(maker, hold, "doubt").status_code == 422
    assert decide(maker, hold, "apply").status_code == 404
    assert decide(maker, hold, "doubt", "a sign slipped in").status_code == 303
    assert decide(maker, hold, "refuse").status_code == 422
    assert decide(checker, hold, "keep").status_code == 303
    assert decide(maker, hold, "doubt", "a sign slipped in").status_code == 303
    assert decide(checker, hold, "refuse").status_code == 303
    assert HeldPrice.objects.get().state == "refused"
    assert not Price.objects.filter(price=-5).exists()
    assert "a sign slipped in" in text(maker.get("/held-prices/"))

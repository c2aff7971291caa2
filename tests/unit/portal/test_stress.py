"""What if: the page previews, by sliders, by a crisis, by futures."""

from datetime import date
from decimal import Decimal

import pytest

from tests.factories.pledges import fingerprint

D = Decimal


def board(client, query=""):
    return client.get(f"/stress/?{query}").context["board"]


def test_nothing_moved_is_as_it_is(sign_in):
    [line] = board(sign_in("mei")).tables["facilities"].rows
    assert line.facility.code == "AURORA-2011"
    assert (line.band, line.short, line.loss) == ("covered", 0, 0)


def test_a_fall_of_everything_calls_and_leaves_cash_missing(sign_in):
    client = sign_in("lin")
    before = fingerprint()
    calm = board(client)
    query = "&".join(f"{name}=-80" for name in calm.form.fields if name.startswith("move_"))
    fallen = board(client, f"mode=shock&{query}")
    assert fingerprint() == before
    [line] = fallen.tables["facilities"].rows
    assert line.exposure == calm.tables["facilities"].rows[0].exposure
    assert 0 <= line.loss <= line.short <= line.exposure
    chart = client.get(f"/stress/?mode=shock&{query}&chart=facilities").json()
    if line.exposure:
        [covered, missing] = [series["values"][0] for series in chart["series"]]
        assert D(str(covered)) + D(str(missing)) == line.exposure


def test_another_rate_model_lends_another_amount(sign_in):
    """All that may be drawn is thought drawn at the published rates; at 70 % less is covered."""
    client = sign_in("lin")
    asked = "mode=shock&drawn=100"
    [published] = board(client, asked).tables["facilities"].rows
    [static] = board(client, f"{asked}&model=static70").tables["facilities"].rows
    assert (published.short, static.exposure) == (0, published.exposure)
    assert static.short > 0
    assert client.get(f"/stress/?{asked}&model=bfhs").status_code == 200


def test_all_facilities_stand_under_one_scenario(sign_in):
    rows = board(sign_in("lin"), "whose=all").tables["facilities"].rows
    assert len(rows) > 1
    assert [row.short for row in rows] == sorted((row.short for row in rows), reverse=True)


def test_a_crisis_is_told_day_by_day(sign_in):
    client = sign_in("lin")
    asked = "mode=crisis&crisis=2008&whose=all&drawn=100"
    shown = board(client, asked)
    days = shown.tables["days"].rows
    assert days[0].on >= date(2008, 7, 3)
    assert days[-1].on <= date(2008, 12, 31)
    assert max(day.short for day in days) > 0
    called = [row.first_called for row in shown.tables["facilities"].rows if row.first_called]
    assert min(called) == next(day.on for day in days if day.called)
    points = client.get(f"/stress/?{asked}&chart=days").json()["points"]
    assert [point[0] for point in points] == [day.on.isoformat() for day in days]


def test_futures_are_the_same_each_time_and_all_counted(sign_in):
    client = sign_in("lin")
    query = "mode=futures&count=500&days=20&whose=all"
    first, again = (board(client, query).tables["losses"].rows for _ in range(2))
    assert first == again
    assert sum(bucket.count for bucket in first) == 500
    assert [bucket.up_to for bucket in first] == sorted(bucket.up_to for bucket in first)


@pytest.mark.parametrize("query", ["mode=nonsense", "mode=futures&count=1&days=x", "move_gone=-20"])
def test_what_cannot_be_asked_is_the_default(sign_in, query):
    page = sign_in("mei").get(f"/stress/?{query}")
    assert page.status_code == 200
    assert page.context["board"].tables["facilities"].rows

"""Publishing rates from stored prices."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from outbox.models import AuditEntry, Event
from risk import hooks
from risk.governance import publish_path
from risk.models import Commodity, PledgeRate
from risk.pledge_rates import RateParameters, walk_forward
from risk.price_files import read_price_file
from risk.queries import rate_history
from risk.services.commodities import load_catalogue, set_rate_policy
from risk.services.prices import import_prices
from risk.services.rates import publish_rates, publish_rates_range
from tests.factories.risk import (
    ACTOR,
    calm_prices,
    make_commodity,
    make_history,
    make_money,
    make_quoted,
    make_tick,
    noon,
    set_cap,
)

pytestmark = pytest.mark.django_db

FRIDAY = date(2024, 5, 31)
MONDAY = date(2024, 6, 3)
TUESDAY = date(2024, 6, 4)


def _publish(on: date, *commodities: Commodity) -> Any:
    return publish_rates(as_of=on, commodities=commodities or None, actor=ACTOR, now=noon(on))


def _import_committed(folder: Path, codes: list[str]) -> None:
    now = noon(date(2022, 1, 3))
    load_catalogue(actor=ACTOR, now=now, codes=codes)
    paths = [folder / f"{code}.csv" for code in codes]
    import_prices(paths=paths, source="file", actor=ACTOR, now=now)


def test_stored_prices_give_the_rates_of_the_file(committed_prices: Path) -> None:
    """The model, the governance and the cap on 2008, exactly as the arrays say."""
    _import_committed(committed_prices, ["copper_comex"])
    start, end = date(2008, 7, 1), date(2008, 12, 31)
    outcome = publish_rates_range(
        from_on=start, until_on=end, actor=ACTOR, now=noon(date(2022, 1, 3))
    )
    rows = read_price_file(committed_prices / "copper_comex.csv", today=date(2022, 1, 1)).rows
    model = walk_forward([float(row.price) for row in rows], RateParameters(horizon=10)).rate
    inside = [n for n, row in enumerate(rows) if start <= row.observed_on <= end]
    days = [rows[n].observed_on for n in inside]
    gaps = np.array([1] + [np.busday_count(a, b) for a, b in pairwise(days)])
    governed = publish_path(np.minimum(model[inside], 0.90), days=gaps)
    history = rate_history("copper_comex")
    assert outcome.published == {"copper_comex": len(inside)}
    assert [point.effective_on for point in history] == days
    assert [float(point.rate) for point in history] == governed.tolist()
    stored = np.array([float(point.model_rate) for point in history])
    assert np.abs(stored - model[inside]).max() < 1e-16
    assert min(stored) < 0.80 < max(stored)  # the range had a crash in it


def test_a_range_publishes_what_its_days_would(committed_prices: Path) -> None:
    _import_committed(committed_prices, ["gold_comex", "silver_comex"])
    gold, silver = Commodity.objects.order_by("code")
    start, end = date(2020, 3, 2), date(2020, 3, 27)
    with transaction.atomic():
        for chosen in ([gold], [silver]):
            publish_rates_range(
                from_on=start, until_on=end, commodities=chosen, actor=ACTOR, now=noon(end)
            )
        ranges = {code: rate_history(code) for code in ("gold_comex", "silver_comex")}
        transaction.set_rollback(True)
    assert not PledgeRate.objects.exists()
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        if day.weekday() < 5:
            _publish(day)
    assert {code: rate_history(code) for code in ranges} == ranges


def test_rates_fall_at_once_and_rise_by_a_quarter_point_a_day() -> None:
    copper = make_quoted(rate=Decimal("0.80"), on=FRIDAY)
    set_cap(copper, Decimal("0.70"), now=noon(MONDAY))
    make_tick({"copper": 9000}, on=MONDAY)
    _publish(MONDAY)
    set_cap(copper, Decimal("0.90"), now=noon(TUESDAY))
    make_tick({"copper": 9000}, on=TUESDAY)
    _publish(TUESDAY)
    monday_after = date(2024, 6, 10)
    make_tick({"copper": 9000}, on=monday_after)
    _publish(monday_after)
    assert [point.rate for point in rate_history("copper")] == [
        Decimal("0.8000"),
        Decimal("0.7000"),
        Decimal("0.7025"),
        Decimal("0.7125"),  # four weekdays later
    ]
    assert min(point.model_rate for point in rate_history("copper")) > Decimal("0.99")


def test_a_cap_lowered_a_little_acts_at_once() -> None:
    copper = make_quoted(rate=Decimal("0.80"), on=FRIDAY)
    set_cap(copper, Decimal("0.798"), now=noon(MONDAY))
    make_tick({"copper": 9000}, on=MONDAY)
    _publish(MONDAY)
    assert rate_history("copper")[-1].rate == Decimal("0.798")


def test_publishing_a_day_again_writes_only_what_changed() -> None:
    make_quoted(on=FRIDAY)
    again = _publish(FRIDAY)
    assert (again.published, again.unchanged) == ({"copper": 0}, {"copper": 1})
    assert PledgeRate.objects.count() == 1
    make_tick({"copper": 9001}, on=FRIDAY)
    corrected = _publish(FRIDAY)
    assert corrected.published == {"copper": 1}
    assert [r.revision for r in PledgeRate.objects.order_by("revision")] == [1, 2]
    assert len(rate_history("copper")) == 1


def test_a_weekend_lets_nothing_rise() -> None:
    copper = make_quoted(rate=Decimal("0.70"), on=FRIDAY)
    set_cap(copper, Decimal("0.80"), now=noon(FRIDAY))
    _publish(FRIDAY + timedelta(days=1))
    _publish(FRIDAY + timedelta(days=2))
    assert [point.rate for point in rate_history("copper")] == [Decimal("0.70")] * 3


def test_the_age_of_the_price_lengthens_the_horizon(committed_prices: Path) -> None:
    _import_committed(committed_prices, ["copper_comex"])
    copper = Commodity.objects.get()
    thursday, monday = date(2021, 12, 23), date(2021, 12, 27)
    _publish(thursday)
    _publish(monday)
    first, second = PledgeRate.objects.order_by("effective_on")
    assert (first.parameters["age_days"], second.parameters["age_days"]) == (0, 2)
    assert second.price_id == first.price_id
    ratio = float(second.model_rate.ln() / first.model_rate.ln())
    assert ratio == pytest.approx((12 / 10) ** 0.5, rel=1e-12)
    assert second.parameters["observations"] == 5000
    assert copper.rates.count() == 2


def test_the_policy_of_the_commodity_is_used_and_kept() -> None:
    copper = make_commodity(cap=Decimal("0.999"))
    set_rate_policy(
        commodity=copper,
        actor=ACTOR,
        now=noon(FRIDAY),
        horizon_days=20,
        confidence=Decimal("0.95"),
        disposal_cost=Decimal("0.05"),
    )
    prices = calm_prices(Decimal(9000))
    make_history(commodity=copper, prices=prices, until=FRIDAY)
    _publish(FRIDAY)
    parameters = RateParameters(horizon=20, confidence=0.95, disposal_cost=0.05)
    expected = walk_forward([float(p) for p in prices], parameters).rate[-1]
    rate = PledgeRate.objects.get()
    assert float(rate.model_rate) == expected
    assert rate.model == "bfhs-1"
    kept = ("horizon_days", "confidence", "disposal_cost", "cap", "age_days", "observations")
    assert {name: rate.parameters[name] for name in kept} == {
        "horizon_days": 20,
        "confidence": "0.95000000",
        "disposal_cost": "0.05000000",
        "cap": "0.99900000",
        "age_days": 0,
        "observations": 280,
    }


def test_what_has_no_rate_is_named_with_its_reason() -> None:
    make_money("USD")
    make_commodity(code="none")
    short = make_commodity(code="short")
    make_history(commodity=short, prices=calm_prices(Decimal(1), 259), until=FRIDAY)
    make_quoted(code="stale", on=date(2024, 5, 23))
    make_quoted(code="gone", on=date(2024, 5, 2))
    off = make_quoted(code="off", on=FRIDAY)
    set_rate_policy(commodity=off, actor=ACTOR, now=noon(FRIDAY), active=False)
    outcome = _publish(FRIDAY)
    assert outcome.published == {}
    assert outcome.skipped == {
        "none": "no_price",
        "short": "too_few_prices",
        "stale": "stale_price",
        "gone": "no_price",
    }
    assert not PledgeRate.objects.filter(effective_on=FRIDAY).exclude(commodity=off).exists()


def test_a_publication_is_told_in_its_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(hooks, "_rates_published", [lambda **said: told.append(said)])
    copper = make_quoted(on=FRIDAY)
    _publish(FRIDAY)  # says nothing new, tells nobody
    assert told == [
        {"commodity_ids": [copper.pk], "as_of": FRIDAY, "actor": ACTOR, "now": noon(FRIDAY)}
    ]
    payload = {"as_of": "2024-05-31", "published": {"copper": 1}, "skipped": {}}
    assert Event.objects.get(topic="risk.rates_published").payload == payload
    assert AuditEntry.objects.get(action="risk.publish_rates").detail == payload


def test_a_feed_that_falls_silent_alerts_once_and_is_told_daily(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time alone uncovers a lender: the rooms above hear of it without any new price."""
    make_quoted(on=FRIDAY)
    told: list[tuple[date, list[int]]] = []
    monkeypatch.setattr(
        hooks,
        "_rates_published",
        [lambda **said: told.append((said["as_of"], said["commodity_ids"]))],
    )
    copper = Commodity.objects.get()
    silent = [date(2024, 6, 10), date(2024, 6, 11), date(2024, 7, 1), date(2024, 7, 2)]
    for day in silent:
        _publish(day)
    assert told == [(day, [copper.pk]) for day in silent]
    alerts = Event.objects.filter(topic="risk.price_went_stale").order_by("pk")
    assert [alert.payload for alert in alerts] == [
        {
            "commodity": "copper",
            "price_on": "2024-05-31",
            "reason": reason,
            "as_of": as_of,
        }
        for reason, as_of in (("stale_price", "2024-06-10"), ("no_price", "2024-07-01"))
    ]
    assert PledgeRate.objects.count() == 1


def test_a_callback_that_fails_undoes_the_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**said: Any) -> None:
        raise RuntimeError("no")

    copper = make_commodity()
    make_history(commodity=copper, prices=calm_prices(Decimal(1)), until=FRIDAY)
    monkeypatch.setattr(hooks, "_rates_published", [fail])
    with pytest.raises(RuntimeError, match="no"):
        _publish(FRIDAY)
    assert not PledgeRate.objects.exists()


def test_many_days_and_commodities_take_a_fixed_number_of_queries() -> None:
    for number in range(5):
        commodity = make_commodity(code=f"c{number}")
        make_history(commodity=commodity, prices=calm_prices(Decimal(9), 320), until=FRIDAY)
    with CaptureQueriesContext(connection) as queries:
        outcome = publish_rates_range(
            from_on=date(2024, 5, 1), until_on=FRIDAY, actor=ACTOR, now=noon(FRIDAY)
        )
    assert outcome.published == {f"c{number}": 23 for number in range(5)}
    assert len(queries) <= 10


def test_registering_a_callback_twice_calls_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_rates_published", [])
    calls: list[int] = []

    @hooks.on_rates_published
    def note(**said: Any) -> None:
        calls.append(1)

    hooks.on_rates_published(note)
    hooks.rates_published(commodity_ids=[], as_of=FRIDAY, actor=ACTOR, now=noon(FRIDAY))
    assert calls == [1]

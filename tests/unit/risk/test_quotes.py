"""What a day's quote says: price, rate, freshness and the reason why nothing is lent."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from risk.models import Commodity
from risk.queries import Quote, get_quote, latest_prices, list_stale, price_history, rate_history
from risk.services.commodities import set_rate_policy
from risk.services.rates import publish_rates
from tests.factories.risk import (
    ACTOR,
    calm_prices,
    make_commodity,
    make_history,
    make_money,
    make_quoted,
    make_tick,
    noon,
)

pytestmark = pytest.mark.django_db

ZERO = Decimal(0)
NINE = Decimal(9000)
FRIDAY = date(2024, 5, 31)
MONDAY = date(2024, 6, 3)


def _reasons(code: str, *days: date) -> list[str]:
    return [get_quote(code, day).reason for day in days]


def test_a_priced_and_rated_commodity() -> None:
    copper = make_quoted(price=Decimal(9000), rate=Decimal("0.75"), on=FRIDAY)
    assert get_quote("copper", MONDAY) == Quote(
        commodity_id=copper.pk,
        currency="USD",
        unit="TNE",
        unit_price=Decimal(9000),
        price_on=FRIDAY,
        rate=Decimal("0.75"),
        rate_on=FRIDAY,
        fresh=True,
        reason="",
        glided_rate=Decimal("0.75"),
    )


def test_money_is_always_worth_one_and_lends_all() -> None:
    (usd,) = make_money("USD")
    for day in (date(1990, 1, 1), MONDAY):
        assert get_quote("USD", day) == Quote(
            usd.pk, "USD", "USD", Decimal(1), day, Decimal(1), day, True, "", Decimal(1)
        )


def test_without_any_price_nothing_is_lent() -> None:
    make_commodity()
    quote = get_quote("copper", MONDAY)
    assert (quote.unit_price, quote.price_on, quote.rate, quote.fresh, quote.reason) == (
        ZERO,
        None,
        ZERO,
        False,
        "no_price",
    )


def test_a_price_goes_stale_and_then_is_none() -> None:
    make_quoted(on=FRIDAY, price=Decimal(9000))
    fifth, sixth = date(2024, 6, 7), date(2024, 6, 10)
    twentieth, after = date(2024, 6, 28), date(2024, 7, 1)
    assert _reasons("copper", fifth, date(2024, 6, 9), sixth, twentieth, after) == [
        "",
        "",
        "stale_price",
        "stale_price",
        "no_price",
    ]
    stale = get_quote("copper", sixth)
    assert (stale.unit_price, stale.rate, stale.fresh) == (NINE, ZERO, False)
    gone = get_quote("copper", after)
    assert (gone.unit_price, gone.price_on, gone.rate, gone.fresh) == (ZERO, FRIDAY, ZERO, False)
    make_tick({"copper": 8900}, on=after)
    assert get_quote("copper", after).unit_price == 8900
    assert get_quote("copper", after).rate == Decimal("0.80")


def test_the_ages_are_the_commodity_s_own() -> None:
    copper = make_quoted(on=FRIDAY)
    set_rate_policy(
        commodity=copper, actor=ACTOR, now=noon(MONDAY), stale_after_days=0, stop_after_days=1
    )
    assert _reasons("copper", FRIDAY, date(2024, 6, 2), MONDAY, date(2024, 6, 4)) == [
        "",
        "",
        "stale_price",
        "no_price",
    ]


def test_without_a_published_rate_nothing_is_lent() -> None:
    copper = make_commodity()
    make_history(commodity=copper, prices=calm_prices(Decimal(9000), 5), until=FRIDAY)
    quote = get_quote("copper", FRIDAY)
    assert (quote.unit_price, quote.rate, quote.fresh, quote.reason) == (
        NINE,
        ZERO,
        True,
        "no_rate",
    )


def test_an_inactive_commodity_lends_nothing() -> None:
    copper = make_quoted(on=FRIDAY)
    set_rate_policy(commodity=copper, actor=ACTOR, now=noon(MONDAY), active=False)
    assert _reasons("copper", FRIDAY) == ["no_rate"]


def test_a_negative_price_lends_nothing_that_day_only() -> None:
    oil = make_quoted(code="oil", quoted_unit="barrel", price=Decimal(20), on=FRIDAY)
    make_tick({"oil": "-36.98"}, on=MONDAY)
    publish_rates(as_of=MONDAY, actor=ACTOR, now=noon(MONDAY))
    monday = get_quote("oil", MONDAY)
    assert (monday.unit_price, monday.rate, monday.reason) == (
        Decimal("-36.98"),
        ZERO,
        "non_positive_price",
    )
    tuesday = date(2024, 6, 4)
    make_tick({"oil": "19.50"}, on=tuesday)
    publish_rates(as_of=tuesday, actor=ACTOR, now=noon(tuesday))
    assert get_quote("oil", tuesday).reason == ""
    # The crash to a tenth and back is in the scale now, so the rate is lower, but it is no zero.
    assert 0 < get_quote("oil", tuesday).rate < Decimal("0.80")
    assert [point.rate for point in rate_history("oil")][:2] == [Decimal("0.80"), 0]
    assert oil.rates.count() == 3


def test_yesterday_s_quote_does_not_know_today() -> None:
    make_quoted(on=FRIDAY, price=Decimal(9000))
    make_tick({"copper": 8000}, on=MONDAY)
    assert get_quote("copper", FRIDAY).unit_price == 9000
    assert get_quote("copper", MONDAY).unit_price == 8000


def test_the_last_revision_of_a_day_counts() -> None:
    make_quoted(on=FRIDAY, price=Decimal(9000))
    make_tick({"copper": 8000}, on=FRIDAY)
    make_tick({"copper": 8500}, on=FRIDAY)
    assert get_quote("copper", FRIDAY).unit_price == 8500


def test_chosen_commodities_only() -> None:
    copper = make_commodity(code="copper")
    gold = make_commodity(code="gold")
    assert set(latest_prices(MONDAY)) == {copper.pk, gold.pk}
    assert set(latest_prices(MONDAY, commodity_ids=[gold.pk])) == {gold.pk}
    assert latest_prices(MONDAY, commodity_ids=[]) == {}
    with pytest.raises(Commodity.DoesNotExist):
        get_quote("zinc", MONDAY)


def test_stale_commodities_are_listed_with_their_reason() -> None:
    make_money("USD")
    make_quoted(code="copper", on=FRIDAY)
    gold = make_commodity(code="gold")
    off = make_commodity(code="off")
    set_rate_policy(commodity=off, actor=ACTOR, now=noon(MONDAY), active=False)
    stale = list_stale(MONDAY)
    assert [(commodity, quote.reason) for commodity, quote in stale] == [(gold, "no_price")]


def test_histories_for_charts() -> None:
    make_quoted(on=FRIDAY, price=Decimal(9000))
    make_tick({"copper": 8000}, on=MONDAY)
    make_tick({"copper": 8100}, on=MONDAY)
    points = price_history("copper", from_on=FRIDAY)
    assert [(p.observed_on, p.price) for p in points] == [(FRIDAY, NINE), (MONDAY, Decimal(8100))]
    assert [p.observed_on for p in price_history("copper", until_on=FRIDAY)][-1] == FRIDAY
    assert [(r.effective_on, r.rate) for r in rate_history("copper")] == [(FRIDAY, Decimal("0.80"))]
    assert rate_history("copper", from_on=MONDAY) == []
    assert price_history("zinc") == []


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE risk_price, risk_pledgerate, risk_commodity")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        return json.dumps(cursor.fetchone()[0])


def test_the_function_is_inlined_and_reads_by_index() -> None:
    for number in range(10):
        make_quoted(code=f"c{number}", on=FRIDAY)
    plan = _plan("SELECT * FROM risk_quotes(date '2024-06-03')")
    assert '"Function Name": "risk_quotes"' not in plan
    assert '"Index Name": "price_revision_unique"' in plan
    assert '"Relation Name": "risk_price"' in plan
    assert not any(
        scan["Node Type"] == "Seq Scan" and scan["Relation Name"] == "risk_price"
        for scan in _scans(json.loads(plan)[0]["Plan"])
    )


def test_who_does_not_ask_for_the_glide_does_not_pay_for_it() -> None:
    make_quoted(on=FRIDAY)
    assert "generate_series" in _plan("SELECT glided_rate FROM risk_quotes(date '2024-06-03')")
    plan = _plan("SELECT unit_price * rate FROM risk_quotes(date '2024-06-03')")
    assert "Function Scan" not in plan


def _scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    found = [node] if "Relation Name" in node else []
    return found + [scan for child in node.get("Plans", []) for scan in _scans(child)]

"""Ticks: several commodities at once, all or none, and what follows in the same transaction."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from risk import hooks
from risk.models import Price, PriceBatch
from risk.queries import latest_prices
from risk.services.prices import (
    FuturePrice,
    Observation,
    OlderThanRecorded,
    PriceRefused,
    UnknownCommodity,
    WrongDenomination,
    record_prices,
)
from tests.factories.risk import (
    ACTOR,
    calm_prices,
    make_commodity,
    make_history,
    make_money,
    make_tick,
    noon,
)

pytestmark = pytest.mark.django_db

FRIDAY = date(2024, 5, 31)
MONDAY = date(2024, 6, 3)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the rooms above were told."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(hooks, "_prices_recorded", [lambda **said: calls.append(said)])
    return calls  # type: ignore[return-value]


def _record(*observations: Observation, on: date = MONDAY, source: str = "feed") -> PriceBatch:
    return record_prices(
        observations=observations, source=source, as_of=on, actor=ACTOR, now=noon(MONDAY)
    )


def test_a_tick_prices_several_commodities_and_tells_the_rooms_above(
    told: list[dict[str, Any]],
) -> None:
    copper = make_commodity(code="copper", quoted_unit="100 lb")
    gold = make_commodity(code="gold", quoted_unit="troy ounce")
    batch = _record(
        Observation(commodity="copper", price=Decimal("437.05"), currency="USD", unit="100 lbs"),
        Observation(commodity="gold", price=Decimal(1810)),
    )
    quotes = latest_prices(MONDAY)
    assert quotes[copper.pk].unit_price == Decimal("4.3705")
    assert quotes[gold.pk].unit_price == Decimal(1810)
    assert told == [
        {
            "batch": batch,
            "commodity_ids": [copper.pk, gold.pk],
            "as_of": MONDAY,
            "actor": ACTOR,
            "now": noon(MONDAY),
        }
    ]


def test_the_same_tick_again_has_the_effect_of_one(told: list[dict[str, Any]]) -> None:
    make_commodity()
    first = make_tick({"copper": 9000}, on=MONDAY)
    make_tick({"copper": 8000}, on=MONDAY)
    again = make_tick({"copper": "9000.00"}, on=MONDAY)
    assert again == first
    assert [p.price for p in Price.objects.order_by("revision")] == [9000, 8000]
    assert len(told) == 2


def test_a_feed_that_numbers_its_messages_may_return_to_a_price(
    told: list[dict[str, Any]],
) -> None:
    make_commodity()
    for reference, price in (("1", 9000), ("2", 8000), ("3", 9000), ("3", 9000)):
        make_tick({"copper": price}, on=MONDAY, reference=reference)
    assert [p.price for p in Price.objects.order_by("revision")] == [9000, 8000, 9000]
    assert len(told) == 3


def test_a_tick_that_says_nothing_new_tells_nobody(told: list[dict[str, Any]]) -> None:
    make_commodity()
    make_tick({"copper": 9000}, on=MONDAY)
    make_tick({"copper": 9000}, on=MONDAY, source="other")
    assert Price.objects.count() == 1
    assert len(told) == 1


def test_only_changed_commodities_are_told(told: list[dict[str, Any]]) -> None:
    make_commodity(code="copper")
    gold = make_commodity(code="gold")
    make_tick({"copper": 9000}, on=MONDAY)
    make_tick({"copper": 9000, "gold": 1800}, on=MONDAY)
    assert [call["commodity_ids"] for call in told[1:]] == [[gold.pk]]


def test_filling_in_the_past_tells_nobody(told: list[dict[str, Any]]) -> None:
    make_commodity()
    make_tick({"copper": 9000}, on=MONDAY, source="one")
    make_tick({"copper": 8000}, on=FRIDAY, source="two")
    assert Price.objects.count() == 2
    assert len(told) == 1


def test_an_older_tick_than_the_source_gave_is_refused(told: list[dict[str, Any]]) -> None:
    make_commodity()
    make_tick({"copper": 9000}, on=MONDAY)
    with pytest.raises(OlderThanRecorded, match="feed has given copper of 2024-06-03") as caught:
        make_tick({"copper": 8000}, on=FRIDAY)
    assert caught.value.numbers == {"commodity": "copper", "newer": MONDAY, "as_of": FRIDAY}
    assert Price.objects.count() == PriceBatch.objects.count() == len(told) == 1


def test_an_exception_of_a_callback_undoes_the_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    make_commodity()

    def fail(**said: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(hooks, "_prices_recorded", [fail])
    with pytest.raises(RuntimeError, match="no"):
        make_tick({"copper": 9000}, on=MONDAY)
    assert not Price.objects.exists()
    assert not PriceBatch.objects.exists()


@pytest.mark.parametrize(
    ("observation", "refusal", "message"),
    [
        ({"commodity": "zinc"}, UnknownCommodity, "no commodity has the code 'zinc'"),
        ({"commodity": "USD"}, UnknownCommodity, "no commodity has the code 'USD'"),
        ({"currency": "CNY"}, WrongDenomination, "priced in USD per 100 lb, not CNY per 100 lb"),
        ({"unit": "tonne"}, WrongDenomination, "priced in USD per 100 lb, not USD per tonne"),
        ({"unit": "lot"}, WrongDenomination, "not USD per lot"),
        ({"price": Decimal("NaN")}, PriceRefused, "NaN cannot be kept exactly"),
        ({"price": Decimal("0.123456789")}, PriceRefused, "cannot be kept exactly"),
        ({"price": Decimal("1e16")}, PriceRefused, "cannot be kept exactly"),
        ({"price": Decimal("9e15")}, PriceRefused, "too large a price for one LBR"),
        ({"commodity": "gold"}, PriceRefused, "each once; twice: gold"),
    ],
)
def test_one_bad_observation_refuses_the_tick(
    observation: dict[str, Any], refusal: type[PriceRefused], message: str
) -> None:
    make_money("USD")
    make_commodity(code="copper", quoted_unit="100 lb")
    make_commodity(code="gold")
    bad = Observation(**{"commodity": "copper", "price": Decimal(1), **observation})
    with pytest.raises(refusal, match=message):
        _record(Observation(commodity="gold", price=Decimal(1)), bad)
    assert not Price.objects.exists()
    assert not PriceBatch.objects.exists()


def test_an_empty_tick_is_refused() -> None:
    with pytest.raises(PriceRefused, match="one commodity or more"):
        _record()


def test_a_price_of_tomorrow_is_refused() -> None:
    make_commodity()
    with pytest.raises(FuturePrice, match="2024-06-04 has not come yet; today is 2024-06-03"):
        _record(Observation(commodity="copper", price=Decimal(1)), on=date(2024, 6, 4))


def test_zero_and_negative_prices_are_data() -> None:
    oil = make_commodity(code="oil", quoted_unit="barrel")
    make_tick({"oil": "-36.98"}, on=MONDAY)
    quote = latest_prices(MONDAY)[oil.pk]
    assert (quote.unit_price, quote.rate, quote.fresh, quote.reason) == (
        Decimal("-36.98"),
        Decimal(0),
        False,
        "non_positive_price",
    )


def test_a_tick_takes_as_many_queries_for_many_commodities_as_for_one() -> None:
    for number in range(30):
        commodity = make_commodity(code=f"c{number}")
        make_history(commodity=commodity, prices=calm_prices(Decimal(100), 20), until=FRIDAY)
    counts = []
    for codes in (["c0"], [f"c{number}" for number in range(1, 30)]):
        with CaptureQueriesContext(connection) as queries:
            make_tick(dict.fromkeys(codes, 101), on=MONDAY)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14

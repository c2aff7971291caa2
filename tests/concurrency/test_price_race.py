"""Prices and rates written on several connections at once: one chain, no gap, no doubling."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from parties.actors import system_actor
from risk.models import PledgeRate, Price, PriceBatch
from risk.price_files import PriceFile, PriceRow
from risk.services.prices import Observation, import_price_file, record_prices
from risk.services.rates import publish_rates
from tests.concurrency.racing import race
from tests.factories.risk import calm_prices, make_commodity, make_history

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2024, 6, 3)
NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
ACTOR = system_actor("race")


def _tick(prices: dict[str, int], reference: str) -> PriceBatch:
    observations = [Observation(commodity=c, price=Decimal(p)) for c, p in prices.items()]
    return record_prices(
        observations=observations,
        source="feed",
        as_of=DAY,
        reference=reference,
        actor=ACTOR,
        now=NOW,
    )


def test_the_same_tick_on_four_connections_has_the_effect_of_one() -> None:
    make_commodity(code="copper")
    for outcomes in race(4, lambda _racer, n: _tick({"copper": n + 1}, str(n)), rounds=20):
        assert len({outcome.result.pk for outcome in outcomes}) == 1
    assert PriceBatch.objects.count() == Price.objects.count() == 20


def test_different_ticks_of_a_day_make_one_unbroken_chain() -> None:
    """Named in opposite orders, so that locks taken as named would meet in a deadlock."""
    make_commodity(code="copper")
    make_commodity(code="gold")

    def tick(racer: int, number: int) -> PriceBatch:
        price = 100 * number + racer + 1
        codes = ("copper", "gold") if racer % 2 else ("gold", "copper")
        return _tick(dict.fromkeys(codes, price), f"{racer} {number}")

    for outcomes in race(4, tick, rounds=10):
        assert all(outcome.won for outcome in outcomes)
    for code in ("copper", "gold"):
        chain = list(Price.objects.filter(commodity__code=code).order_by("revision"))
        assert [price.revision for price in chain] == list(range(1, 41))
        assert [price.supersedes_id for price in chain] == [None, *[p.pk for p in chain[:-1]]]


def test_one_file_imported_twice_at_once_is_in_once() -> None:
    make_commodity(code="copper")

    def bring(_racer: int, number: int) -> tuple[int, int]:
        rows = [PriceRow(2, date(2024, 5, 1 + n), Decimal(number), "USD", "t") for n in range(20)]
        outcome = import_price_file(
            file=PriceFile("copper.csv", "copper", rows), source="file", actor=ACTOR, now=NOW
        )
        return outcome.accepted + outcome.corrected, outcome.duplicate

    for outcomes in race(2, bring, rounds=10):
        assert sorted(outcome.result for outcome in outcomes) == [(0, 20), (20, 0)]
    assert Price.objects.count() == 200


def test_a_day_published_twice_at_once_has_one_rate() -> None:
    copper = make_commodity(code="copper")
    make_history(commodity=copper, prices=calm_prices(Decimal(9000)), until=DAY)

    def publish(_racer: int, _number: int) -> int:
        return publish_rates(as_of=DAY, actor=ACTOR, now=NOW).published["copper"]

    (outcomes,) = race(4, publish)
    assert sorted(outcome.result for outcome in outcomes) == [0, 0, 0, 1]
    assert PledgeRate.objects.count() == 1

"""Workers that run one feed at once, and two people who settle one held price at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import override_settings

from risk.models import FeedRun, HeldPrice, Price, PriceBatch
from risk.services.feed_runs import request_due, run_feed
from risk.services.feeds import Mapped
from risk.services.held_prices import confirm_hold
from tests.concurrency.racing import race
from tests.factories.feeds import SYSTEM, Answer, at, feed_server, make_feed, quotes
from tests.factories.parties import make_lender
from tests.factories.risk import calm_prices, make_commodity, make_history, make_money

pytestmark = pytest.mark.django_db(transaction=True)

NOW = at("2024-06-04T09:00")
ROUNDS = 5


@pytest.fixture
def server():
    make_money()
    make_commodity(code="copper")
    with feed_server() as one, override_settings(FEED_HOSTS={"127.0.0.1"}):
        yield one


@pytest.fixture
def feed(server):
    return make_feed(
        tenant_id=make_lender().pk,
        series=[Mapped(series="CU", commodity="copper")],
        settings={"url": f"{server.url}/{{series}}"},
        now=NOW,
    )


def test_four_workers_run_a_feed_once(server, feed):
    for number in range(ROUNDS):
        prices = {"2024-06-03": 9000 + number}
        server.routes["/CU"] = Answer(quotes(prices), wait=0.05)
        now = NOW + timedelta(hours=number)
        type(feed).objects.update(next_run_at=now)

        def run(_racer, _number, now=now):
            request_due(now=now)
            return run_feed(feed_id=feed.pk, actor=SYSTEM, now=now)

        [outcomes] = race(4, run)
        assert all(outcome.won for outcome in outcomes)
        # Whoever comes after the end finds nothing due, or looks again and finds nothing new.
        runs = [outcome.result for outcome in outcomes if outcome.result]
        assert sum(run.accepted + run.superseded for run in runs) == 1
    assert Price.objects.count() == PriceBatch.objects.count() == ROUNDS
    assert set(FeedRun.objects.values_list("state", flat=True)) == {"done"}


def test_a_held_price_is_confirmed_once(server, feed):
    make_history(
        commodity=feed.series.get().commodity,
        prices=calm_prices(Decimal(9000), 100),
        until=at("2024-06-03T09:00").date(),
    )
    server.routes["/CU"] = Answer(quotes({"2024-06-04": 11000}))
    request_due(now=NOW)
    assert run_feed(feed_id=feed.pk, actor=SYSTEM, now=NOW).quarantined == 1
    hold = HeldPrice.objects.select_related("commodity", "run__feed").get()

    def confirm(_racer, _number):
        return confirm_hold(hold=hold, note="race", actor=SYSTEM, now=NOW)

    [outcomes] = race(4, confirm)
    assert sum(outcome.won for outcome in outcomes) == 1
    assert Price.objects.filter(price=11000).count() == 1

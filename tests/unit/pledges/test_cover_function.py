"""The SQL of cover equals the Python rules, over pools of any shape."""

from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lending.models import Facility
from pledges.measure import measure
from pledges.models import PoolLine
from pledges.rules.cover import band_of, line_values
from risk.models import Commodity
from risk.queries import latest_prices
from risk.services.rates import publish_rates
from tests.factories.lending import START, make_draft
from tests.factories.parties import make_lender_team
from tests.factories.risk import (
    ACTOR,
    make_commodity,
    make_money,
    make_quoted,
    make_tick,
    noon,
    set_cap,
)

pytestmark = [pytest.mark.django_db, pytest.mark.tampers]

CENT = Decimal("0.01")
LATE = date(2016, 3, 10)
RIGHTS = ("floating_mortgage", "order_claim", "pledge", "receivable")

weights = st.decimals(min_value=0, max_value=10**6, places=18)
shares = st.decimals(min_value=0, max_value=1, places=8)
amounts = st.decimals(min_value=0, max_value=10**7, places=2)


@pytest.fixture
def market(db):
    """Dollars, three priced metals (one stale later, one in yuan), one without any price.

    Alpha's rate is cut on LATE: its lines glide.
    """
    make_money("USD", "CNY")
    make_quoted(code="alpha", price=Decimal("5012.37"), rate=Decimal("0.7153"), on=START)
    make_quoted(code="beta", price=Decimal("0.0313"), rate=Decimal("0.8"), on=START)
    make_quoted(code="yuan", price=Decimal(7), rate=Decimal("0.5"), on=START, currency="CNY")
    make_commodity(code="bare")
    make_tick({"alpha": "4711.11"}, on=LATE)
    alpha = set_cap(Commodity.objects.get(code="alpha"), Decimal("0.4321"), now=noon(LATE))
    publish_rates(as_of=LATE, commodities=[alpha], actor=ACTOR, now=noon(LATE))
    facility = make_draft(team=make_lender_team(), limit=Decimal(10**6))
    return facility, list(Commodity.objects.order_by("code"))


def lines_of(facility, pool):
    return [
        PoolLine(
            tenant_id=facility.tenant_id,
            facility=facility,
            basis=basis,
            right=right,
            market_weight=weight,
            lending_weight=(weight * share).quantize(Decimal("1e-18"), rounding=ROUND_DOWN),
        )
        for (basis, right), (weight, share) in pool.items()
    ]


def by_hand(facility, lines, day):
    """Return (market value, lending value, glided value, band) by the rules in Python."""
    market = lending = glided = Decimal(0)
    found = latest_prices(day)
    for line in lines:
        quote = found[line.basis_id]
        if quote.fresh and quote.currency == facility.currency:
            market += line.market_weight * quote.unit_price
            lending += line.lending_weight * quote.unit_price * quote.rate
            glided += line.lending_weight * quote.unit_price * quote.glided_rate
    market = market.quantize(CENT, rounding=ROUND_HALF_UP)
    lending = lending.quantize(CENT, rounding=ROUND_DOWN)
    glided = glided.quantize(CENT, rounding=ROUND_DOWN)
    watch, call = line_values(
        market_value=market,
        lending_value=lending,
        glided_value=glided,
        watch_line=facility.watch_line,
        call_line=facility.call_line,
    )
    band = band_of(
        exposure=facility.exposure, lending_value=lending, watch_value=watch, call_value=call
    )
    return market, lending, glided, band


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_sql_equals_the_rules(market, data):
    facility, bases = market
    keys = st.tuples(st.sampled_from(bases), st.sampled_from(RIGHTS))
    pool = data.draw(st.dictionaries(keys, st.tuples(weights, shares), max_size=8))
    day = data.draw(
        st.sampled_from([START, date(2016, 3, 8), LATE, date(2016, 3, 14), date(2016, 3, 28)])
    )
    fixed = data.draw(
        st.one_of(
            st.just((None, None)),
            st.tuples(shares, shares).filter(lambda pair: 0 < pair[0] < pair[1]),
        )
    )
    facility.watch_line, facility.call_line = fixed
    lines = lines_of(facility, pool)
    market_value, lending_value, glided_value, _band = by_hand(facility, lines, day)
    edges = st.sampled_from([lending_value, lending_value + CENT, glided_value])
    interesting = [amounts, edges]
    facility.exposure = data.draw(st.one_of(*interesting, st.just(market_value)))
    with transaction.atomic():
        Facility.objects.filter(pk=facility.pk).update(
            exposure=facility.exposure, watch_line=fixed[0], call_line=fixed[1]
        )
        PoolLine.objects.bulk_create(lines)
        found = measure(as_of=day, facility_ids=[facility.pk])[facility.pk]
        transaction.set_rollback(True)
    assert (
        found.market_value,
        found.lending_value,
        found.glided_value,
        found.band,
    ) == by_hand(facility, lines, day)
    assert (found.exposure, found.limit) == (facility.exposure, facility.limit)


@pytest.mark.parametrize(
    ("exposure", "band"),
    [
        ("300.00", "covered"),
        ("300.01", "watch"),
        ("400.00", "watch"),
        ("400.01", "called"),
        ("500.00", "called"),
        ("500.01", "close_out"),
    ],
)
def test_exactly_on_a_line_is_the_calmer_band(market, exposure, band):
    """Market value 600, lending value 300: lines at 400 and 500."""
    facility, _bases = market
    Facility.objects.filter(pk=facility.pk).update(exposure=Decimal(exposure))
    usd = Commodity.objects.get(code="USD")
    PoolLine.objects.bulk_create(
        lines_of(facility, {(usd, "receivable"): (Decimal(600), Decimal("0.5"))})
    )
    assert measure(as_of=START, facility_ids=[facility.pk])[facility.pk].band == band


def test_no_ids_means_every_facility(market):
    facility, _bases = market
    other = make_draft(team=make_lender_team())
    with connection.cursor() as cursor:
        cursor.execute("SELECT facility_id FROM pledges_cover(%s) ORDER BY 1", [START])
        assert [row[0] for row in cursor.fetchall()] == sorted([facility.pk, other.pk])
    assert measure(as_of=START, facility_ids=[]) == {}

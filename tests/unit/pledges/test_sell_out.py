"""Sell-out forecasts against hand reckoning, and swaps suggested before they are needed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from outbox.models import Alert
from pledges.models import AllocationProposal
from pledges.rules.turnover import Sale, Turnover, sell_out_of, turnover_of
from pledges.services.sell_out import Forecast, forecast_sell_out, suggest_swap, suggest_swaps
from tests.factories.allocation import make_sale
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, SYSTEM
from tests.factories.pledges import Vault
from tests.factories.risk import make_tick, noon

TODAY = date(2016, 3, 31)


def known(lumps: str, days: str, lump: str = "10") -> Turnover:
    return Turnover(
        history_days=90,
        sales=5,
        quantity=Decimal(50),
        lump=Decimal(lump),
        weighted_lumps=Decimal(lumps),
        weighted_days=Decimal(days),
    )


def test_one_lump_left_sells_out_as_by_hand() -> None:
    """P(T ≤ t) = 1 − (T₀ ÷ (T₀ + t))^a, so t = T₀ × ((1 − p)^(−1 ÷ a) − 1), here a = 2."""
    turnover = known("1.5", "60")
    found = sell_out_of(turnover, Decimal(10))
    by_hand = [60 * (float(1 - p) ** -0.5 - 1) for p in (0.1, 0.5, 0.9)]
    assert [round(days, 1) for days in by_hand] == [3.2, 24.9, 129.7]
    assert [found.early, found.likely, found.late] == [
        Decimal("3.2"),
        Decimal("24.9"),
        Decimal("129.7"),
    ]
    # Two lumps in sixty days, ten each: a third of a unit a day.
    assert turnover.a_day == Decimal("0.333333")


def test_two_lumps_left_and_half_a_lump_known_as_by_hand() -> None:
    """With n = 2 and a = 1: P(T ≤ t) = (t ÷ (T₀ + t))², so t = T₀ × √p ÷ (1 − √p)."""
    found = sell_out_of(known("0.5", "60"), Decimal(20))
    by_hand = [60 * p**0.5 / (1 - p**0.5) for p in (0.1, 0.5, 0.9)]
    assert [float(days) for days in (found.early, found.likely, found.late)] == pytest.approx(
        by_hand, abs=0.051
    )


def test_what_was_never_sold_has_no_day_and_no_stock_is_sold_out_today() -> None:
    never = turnover_of([], first_on=date(2016, 1, 1), on=TODAY)
    assert (never.a_day, never.sales, never.history_days) == (0, 0, 91)
    assert sell_out_of(never, Decimal(5)).likely is None
    assert sell_out_of(known("5", "60"), Decimal(0)).late == 0


def test_recent_sales_weigh_more_and_old_ones_nothing() -> None:
    def on_day(age: int) -> Turnover:
        sales = [Sale(TODAY - timedelta(days=age), Decimal(10))]
        return turnover_of(sales, first_on=date(2015, 1, 1), on=TODAY)

    today, half, old = on_day(0), on_day(45), on_day(180)
    assert (today.weighted_lumps, half.weighted_lumps) == (1, Decimal("0.5"))
    assert (old.sales, old.quantity, old.a_day) == (0, 0, 0)
    assert today.history_days == 180
    # Σ 2^(−d ÷ 45) over 180 days = (1 − 1 ÷ 16) ÷ (1 − 2^(−1 ÷ 45))
    assert float(today.weighted_days) == pytest.approx(
        (1 - 1 / 16) / (1 - 2 ** (-1 / 45)), abs=1e-5
    )


def test_uneven_sales_count_in_the_lumps_they_came_in() -> None:
    sales = [Sale(TODAY, Decimal(one)) for one in (1, 1, 8)]
    turnover = turnover_of(sales, first_on=TODAY, on=TODAY)
    assert turnover.lump == Decimal("6.6")  # 66 ÷ 10
    assert (turnover.history_days, turnover.weighted_days) == (1, 1)


def test_more_stock_lasts_longer_and_the_quantiles_are_in_order() -> None:
    turnover = known("7.3", "41")
    last = Decimal(0)
    for stock in (1, 5, 20, 100, 5_000):
        found = sell_out_of(turnover, Decimal(stock))
        assert found.early <= found.likely <= found.late
        assert found.likely >= last
        last = found.likely


def beta_sells_fast(vault: Vault) -> None:
    """A ton of beta pledged and 60 kg free, of which 30 leave every other day since a month."""
    lot = vault.lot(1_450, vault.goods.beta)
    vault.pledge_lot(lot, 1_000)
    for days in range(0, 26, 2):
        make_sale(lot, 30, on=START + timedelta(days=days))
    make_tick({"alpha": 500, "beta": 250}, on=TODAY)


@pytest.mark.django_db
def test_the_forecast_states_stock_data_and_days_in_one_query(vault: Vault) -> None:
    beta_sells_fast(vault)
    vault.lot(400)
    with CaptureQueriesContext(connection) as queries:
        found = forecast_sell_out(facility=vault.desk.facility, on=TODAY)
    assert len(queries) == 1
    fast, still = found
    assert (fast.stock.free, fast.stock.pledged) == (60, 1_000)
    assert (fast.turnover.sales, fast.turnover.quantity) == (13, 390)
    assert (fast.turnover.lump, fast.turnover.history_days) == (30, 31)
    assert fast.free_out.early < fast.free_out.likely < 14 < fast.all_out.likely
    assert fast.nears
    assert (still.stock.free, still.free_out.likely, still.nears) == (400, None, False)
    assert isinstance(still, Forecast)


@pytest.mark.django_db
def test_the_swap_is_suggested_early_and_once_a_week(vault: Vault) -> None:
    beta_sells_fast(vault)
    vault.lot(2_000)
    make_drawn_loan(vault.desk, principal=Decimal(110_000))

    def suggest(day: date) -> AllocationProposal | None:
        return suggest_swap(facility=vault.desk.fresh(), actor=SYSTEM, on=day, now=noon(day))

    suggestion = suggest(TODAY)
    assert suggestion is not None
    assert (suggestion.state, suggestion.maker_id, suggestion.meets_cover) == (
        "suggested", None, True,
    )  # fmt: skip
    given = suggestion.lines.get(position__isnull=False)
    brought = suggestion.lines.get(position__isnull=True)
    assert given.lot.item == vault.goods.beta
    assert given.after < given.before == 1_000
    assert brought.lot.item == vault.goods.alpha
    alerts = Alert.objects.filter(topic="pledges.sell_out_near")
    assert {alert.organisation_id for alert in alerts} == {
        vault.desk.borrower.pk,
        vault.desk.team.lender.pk,
    }
    assert alerts[0].payload["proposal"] == suggestion.number
    assert Decimal(alerts[0].payload["freed"]) == given.before - given.after

    assert suggest(TODAY) is None  # the same week
    assert suggest_swaps(actor=SYSTEM, on=date(2016, 4, 4), now=noon(date(2016, 4, 4))) == 1
    assert alerts.all().count() == 4


@pytest.mark.django_db
def test_where_nothing_can_take_its_place_the_desks_are_told_so(vault: Vault) -> None:
    beta_sells_fast(vault)
    make_drawn_loan(vault.desk, principal=Decimal(112_000))
    assert suggest_swap(facility=vault.desk.fresh(), actor=SYSTEM, on=TODAY, now=NOW) is None
    alerts = Alert.objects.filter(topic="pledges.sell_out_unavoidable")
    assert alerts.count() == 2
    assert AllocationProposal.objects.count() == 0

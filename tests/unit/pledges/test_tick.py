"""The tick: reads only what moved, writes only what changed, in a constant number of steps."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.models import Facility
from outbox.models import Event
from pledges.models import CoverRecord, FacilityCover, MarginCall
from pledges.services.days import record_day
from pledges.services.tick import TickResult, revalue_book
from pledges.services.warehouse import pledge_free
from risk.models import Commodity
from risk.services.rates import publish_rates
from tests.factories.lending import START, make_drawn_loan, receive
from tests.factories.parties import NOW, SYSTEM, make_lender_team
from tests.factories.pledges import EVIDENCE, fingerprint, make_goods, make_vault
from tests.factories.risk import ACTOR, make_history, make_tick, noon, set_cap

pytestmark = pytest.mark.django_db

WED, THU = date(2016, 3, 2), date(2016, 3, 3)


def revalued(*codes, on=WED):
    ids = list(Commodity.objects.filter(code__in=codes).values_list("pk", flat=True))
    return revalued_ids(ids, on)


def revalued_ids(ids, on):
    """Re-judge every lender's book, and count."""
    results = [
        revalue_book(tenant_id=tenant, commodity_ids=ids, as_of=on, actor=SYSTEM, now=noon(on))
        for tenant in Facility.objects.order_by("tenant")
        .values_list("tenant", flat=True)
        .distinct()
    ]
    return sum(results, TickResult(0, 0))


def drawn_vault(**vault):
    made = make_vault(**vault)
    made.pledge(100)
    make_drawn_loan(made.desk, principal=Decimal(25_000))
    return made


def test_a_tick_tells_what_it_touched_and_changed(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    other = make_vault(goods=vault.goods)
    other.pledge(100)
    third = make_vault(goods=vault.goods)
    third.pledge(100, vault.goods.beta)
    make_tick({"beta": 1}, on=WED)
    assert revalued("alpha") == TickResult(facilities_touched=2, bands_changed=0)
    make_tick({"alpha": 370}, on=WED)
    assert revalued("alpha") == TickResult(facilities_touched=2, bands_changed=0)
    assert (vault.band(), other.band(), third.band()) == ("called", "covered", "covered")


def test_a_tick_without_commodities_touches_nothing(vault):
    vault.pledge(1)
    assert revalued() == TickResult(0, 0)


def test_a_second_run_changes_nothing(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    before = fingerprint()
    assert revalued("alpha", "beta").bands_changed == 0
    assert fingerprint() == before
    batch = make_tick({"alpha": 370}, on=WED)
    assert batch.prices.count() == 1
    assert fingerprint() == before


def test_only_changed_bands_are_written(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(20_000))
    assessed = FacilityCover.objects.get().assessed_at
    records = CoverRecord.objects.count()
    make_tick({"alpha": 450}, on=WED)
    assert FacilityCover.objects.get().assessed_at == assessed
    assert CoverRecord.objects.count() == records
    assert not Event.objects.filter(topic="pledges.band_changed").exists()


def test_the_band_says_since_when_and_by_which_prices(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 480}, on=WED)
    cover = FacilityCover.objects.get()
    assert (cover.band, cover.since, cover.as_of, cover.lending_value) == (
        "watch",
        noon(WED),
        WED,
        24_000,
    )
    vault.pledge(1, on=THU, now=noon(THU))
    cover.refresh_from_db()
    assert (cover.band, cover.since, cover.as_of) == ("watch", noon(WED), THU)


def test_all_commodities_of_a_batch_are_judged_together(vault):
    """One falls, the other rises: no call opens in between."""
    vault.pledge(100)
    vault.pledge(200, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(50_000))
    make_tick({"alpha": 250, "beta": 375}, on=WED)
    assert vault.band() == "covered"
    assert not MarginCall.objects.exists()


def test_a_corrected_price_of_the_latest_day_is_judged_again(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 37}, on=WED)
    assert vault.band() == "close_out"
    make_tick({"alpha": 370}, on=WED, reference="corrected")
    assert vault.band() == "called"
    make_tick({"alpha": 500}, on=WED, reference="corrected again")
    assert MarginCall.objects.get().state == "cured"


def test_a_price_filled_in_for_the_past_changes_nothing_of_today(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 500}, on=THU)
    before = FacilityCover.objects.values().get()
    make_history(
        commodity=Commodity.objects.get(code="alpha"), prices=[Decimal(1)], until=WED, now=noon(THU)
    )
    assert FacilityCover.objects.values().get() == before


def test_yesterdays_price_of_one_commodity_meets_todays_of_the_other(vault):
    """Alpha's Wednesday comes in after beta's Thursday: both count as they now stand."""
    vault.pledge(100)
    vault.pledge(200, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=Decimal(40_000))
    make_tick({"beta": 100}, on=THU)
    assert (vault.band(), vault.cover(THU).lending_value) == ("watch", 35_000)
    make_tick({"alpha": 390}, on=WED, source="late feed")
    cover = FacilityCover.objects.get()
    assert (cover.band, cover.as_of, cover.lending_value) == ("called", THU, 29_500)


def test_a_facility_judged_for_a_later_day_keeps_it(vault):
    """Judged on Thursday at Tuesday's price; Wednesday's price is judged on Thursday, too."""
    vault.pledge(100)
    vault.pledge(1, on=THU, now=noon(THU))
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 450}, on=WED)
    cover = FacilityCover.objects.get()
    assert (cover.band, cover.as_of) == ("watch", THU)


def test_a_cut_of_the_rate_moves_bands_too(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    alpha = set_cap(Commodity.objects.get(code="alpha"), Decimal("0.45"), now=noon(WED))
    publish_rates(as_of=WED, commodities=[alpha], actor=ACTOR, now=noon(WED))
    assert vault.band() == "watch"
    record = CoverRecord.objects.latest("pk")
    assert (record.detail["moved"], record.detail["moves"]["alpha"]["rate"]) == ("rate", "0.4500")


def test_time_alone_makes_a_price_stale_and_opens_a_call(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    late = date(2016, 3, 9)
    publish_rates(as_of=late, actor=ACTOR, now=noon(late))
    assert vault.band() == "close_out"
    assert MarginCall.objects.get().cash_needed == 25_000


def test_repayment_is_recorded_without_an_act(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 480}, on=WED)
    receive(vault.desk, Decimal(2_000), on=WED)
    record = CoverRecord.objects.latest("pk")
    assert (record.cause, record.band) == ("repay", "covered")


def queries_of_a_tick(facilities, price):
    team, goods = make_lender_team(), make_goods()
    vaults = [drawn_vault(team=team, goods=goods) for _ in range(facilities)]
    ids = list(Commodity.objects.filter(code="alpha").values_list("pk", flat=True))
    make_tick({"alpha": price}, on=WED)
    with CaptureQueriesContext(
        connection,
    ) as quiet:
        revalued_ids(ids, WED)
    assert {vault.band() for vault in vaults} == {"covered" if price == 500 else "close_out"}
    return vaults, len(quiet)


@pytest.mark.parametrize("facilities", [3, 30])
def test_a_tick_takes_the_same_statements_for_3_and_30_facilities(facilities):
    _vaults, quiet = queries_of_a_tick(facilities, 500)
    ids = list(Commodity.objects.filter(code="alpha").values_list("pk", flat=True))
    with connection.cursor() as cursor:  # the prices alone, without the tick that follows them
        cursor.execute(
            "INSERT INTO risk_price (commodity_id, observed_on, price, unit_price, currency, unit,"
            " revision, batch_id) SELECT commodity_id, %s, 100, 100, currency, unit, 1, batch_id"
            " FROM risk_price WHERE commodity_id = %s ORDER BY observed_on DESC LIMIT 1",
            [THU, ids[0]],
        )
    with CaptureQueriesContext(connection) as loud:
        result = revalued_ids(ids, THU)
    assert result == TickResult(facilities, facilities)
    assert (quiet, len(loud)) == (QUIET, LOUD)
    assert MarginCall.objects.filter(state="escalated").count() == facilities


# Savepoints included: a test's transaction turns the tick's own into one. Quiet: the gate, what is
# touched, by which day, which bands differ. Loud: also the readings, calls, events and alerts.
QUIET, LOUD = 6, 19


def test_the_end_of_the_day_is_recorded_once(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(20_000))
    empty = make_vault(goods=vault.goods)
    make_tick({"alpha": 450}, on=WED)
    assert record_day(on=WED, now=noon(WED)) == 2
    assert record_day(on=WED, now=noon(THU)) == 0
    assert record_day(on=THU, now=noon(THU), facility_ids=[vault.facility_id]) == 1
    rows = CoverRecord.objects.filter(cause="day", business_date=WED).order_by("facility_id")
    assert [
        (row.facility_id, row.exposure, row.market_value, row.lending_value, row.band)
        for row in rows
    ] == [
        (vault.facility_id, 20_000, 45_000, 22_500, "covered"),
        (empty.facility_id, 0, 0, 0, "covered"),
    ]


@pytest.mark.parametrize("facilities", [1, 6])
def test_the_end_of_the_day_takes_one_statement(facilities):
    goods = make_goods()
    for _ in range(facilities):
        make_vault(goods=goods).pledge(1)
    with CaptureQueriesContext(connection) as queries:
        assert record_day(on=START, now=NOW) == facilities
    assert len(queries) == 4


@pytest.mark.parametrize("lots", [1, 12])
def test_a_pledge_takes_the_same_statements_for_1_and_12_lots(vault, lots):
    goods = [vault.lot(10) for _ in range(lots)]
    with CaptureQueriesContext(connection) as queries, vault.act() as act:
        pledge_free(act=act, lots=[(lot, lot.on_hand) for lot in goods], evidence=EVIDENCE)
    statements = [query for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 25

"""Early warnings: one alert a subject while it stands, by thresholds of one's own."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from common.errors import constraint_name
from lending.models import Loan
from outbox.models import Alert
from parties.services.authority import NotAllowed
from pledges.models import EarlyWarning, WarningThreshold
from pledges.services.days import record_day
from pledges.services.early_warnings import (
    ThresholdOutOfRange,
    set_threshold,
    watch_facilities,
    watch_feeds,
)
from portal.alert_words import alert_in_words
from risk.models import Commodity
from risk.services.feeds import Mapped
from risk.services.rates import publish_rates
from tests.factories.factoring import SOLD_ON, make_sale_desk, sell_phones
from tests.factories.feeds import SYSTEM, make_feed, run_now
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, make_lender_team
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick, set_cap
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
DAY = timedelta(days=1)


@pytest.fixture
def vault(db):
    """1,000 kg of alpha at 500 in one warehouse carry 200,000."""
    vault = make_vault()
    vault.pledge(1000)
    make_drawn_loan(vault.desk, principal=D(200_000))
    return vault


def watch(days=0):
    return watch_facilities(on=START + days * DAY, actor=SYSTEM, now=NOW + days * DAY)


def standing(facility_id=None):
    rows = EarlyWarning.objects.standing()
    if facility_id:
        rows = rows.filter(facility_id=facility_id)
    return {(one.rule, one.name or one.subject): one.value for one in rows}


def set_own(vault, rule, value, *, active=True, actor=None):
    return set_threshold(
        facility=vault.desk.facility,
        rule=rule,
        value=D(value),
        active=active,
        actor=actor or vault.desk.team.risk_officer,
        now=NOW,
    )


def test_concentration_warns_once_and_closes_with_its_alert(vault):
    assert watch() == 2
    found = {("commodity_share", "Alpha"): 1, ("site_share", vault.warehouse.name): 1}
    assert standing() == found
    assert watch() == watch(1) == 0
    alerts = Alert.objects.filter(topic__startswith="pledges.warning_")
    assert (alerts.count(), alerts.open().count()) == (2, 2)
    alert = alerts.get(topic="pledges.warning_commodity_share")
    assert (alert.organisation_id, alert.severity) == (vault.desk.team.lender.pk, "notice")
    assert alert_in_words(alert.topic, alert.payload) == (
        f"{vault.desk.facility.code}: 100.0 % of the cover is Alpha"
    )
    # Beta for as much money makes half of the cover.
    vault.pledge(2_000, vault.goods.beta)
    assert watch(2) == 0
    assert ("commodity_share", "Alpha") not in standing()
    closed = EarlyWarning.objects.get(rule="commodity_share")
    assert (closed.first_on, closed.last_on, closed.closed_on) == (
        START,
        START + DAY,
        START + 2 * DAY,
    )
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.ended_by) == ("", SYSTEM.label)
    assert breaches() == {}


def test_a_warning_that_comes_back_is_a_new_one(vault):
    watch()
    set_own(vault, "site_share", 1, active=False)
    watch(1)
    assert [rule for rule, _name in standing()] == ["commodity_share"]
    set_own(vault, "site_share", "0.9")
    assert watch(2) == 1
    assert Alert.objects.filter(topic="pledges.warning_site_share").count() == 2
    assert WarningThreshold.objects.get().value == D("0.9")


def test_what_falls_due(vault):
    facility, loan = vault.desk.facility, Loan.objects.get()
    before = (loan.due_on - START).days - 10
    watch(before - 1)
    assert ("loan_due", loan.number) not in standing()
    watch(before)
    assert standing()["loan_due", loan.number] == 10
    days = (facility.matures_on - START).days - 30
    watch(days)
    assert standing()["facility_matures", str(facility.pk)] == 30


def test_slow_goods(vault):
    make_tick({"alpha": 500}, on=START + 119 * DAY)
    watch(119)
    assert not [rule for rule, _name in standing() if rule == "slow_goods"]
    make_tick({"alpha": 500}, on=START + 120 * DAY)
    watch(120)
    assert standing()["slow_goods", vault.goods.alpha.name] == 120


def test_a_rate_that_fell(vault):
    alpha = Commodity.objects.get(code="alpha")
    watch()
    set_cap(alpha, D("0.45"), now=NOW)
    make_tick({"alpha": 500}, on=START + DAY)
    publish_rates(as_of=START + DAY, commodities=[alpha], actor=SYSTEM, now=NOW + DAY)
    assert watch(1) == 1
    assert standing()["rate_fell", "Alpha"] == D("0.05")
    assert watch(29) == 0
    assert ("rate_fell", "Alpha") not in standing()


def test_coverage_that_falls_from_its_best_day(vault):
    record_day(on=START, now=NOW)
    make_tick({"alpha": 440}, on=START + DAY)
    record_day(on=START + DAY, now=NOW + DAY)
    watch(1)
    facility = vault.desk.facility
    assert standing()["coverage_falls", str(facility.pk)] == D("0.12")


def test_thresholds_are_the_risk_officers_of_the_lender(vault):
    team = vault.desk.team
    with pytest.raises(NotAllowed):
        set_own(vault, "site_share", "0.5", actor=team.preparer)
    with pytest.raises(NotAllowed):
        set_own(vault, "site_share", "0.5", actor=make_lender_team().risk_officer)
    for rule, value in (("site_share", "1.1"), ("site_share", 0), ("loan_due", 4000)):
        with pytest.raises(ThresholdOutOfRange):
            set_own(vault, rule, value)
    with pytest.raises(ThresholdOutOfRange):
        set_own(vault, "feed_late", "0.5")
    assert not WarningThreshold.objects.exists()


def test_one_warning_a_subject_in_the_database(vault):
    watch()
    one = EarlyWarning.objects.first()
    again = EarlyWarning(
        tenant=one.tenant, facility=one.facility, rule=one.rule, subject=one.subject,
        value=1, threshold=1, first_on=START, last_on=START,
    )  # fmt: skip
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        again.save()
    assert constraint_name(caught.value) == "early_warning_stands_once"


def test_statements_do_not_grow_with_the_book(vault):
    def count():
        with CaptureQueriesContext(connection) as queries:
            watch()
        return len(queries)

    count()
    one = count()
    for _more in range(2):
        other = make_vault(goods=vault.goods, team=vault.desk.team)
        other.pledge(10)
        watch()
    assert count() == one


def test_feeds_late_and_prices_left_in_quarantine(vault, tmp_path):
    feed = make_feed(
        tenant_id=vault.desk.team.lender.pk, adapter="drop_folder", now=NOW,
        series=[Mapped(series="A", commodity="alpha")],
    )  # fmt: skip
    with override_settings(FEED_FOLDER=str(tmp_path)):
        (tmp_path / "desk").mkdir()
        (tmp_path / "desk" / "a.json").write_text(
            '[{"series": "A", "date": "2016-03-01", "price": -1}]'
        )
        run_now(feed, NOW)

    def look(hours):
        now = NOW + timedelta(hours=hours)
        return watch_feeds(on=now.date(), actor=SYSTEM, now=now)

    assert look(1) == 0
    assert look(24.5) == 2
    assert set(standing()) == {("feed_late", "Desk"), ("price_waits", "Alpha 2016-03-01")}
    assert look(25) == 0
    with override_settings(FEED_FOLDER=str(tmp_path)):
        run_now(feed, NOW + timedelta(hours=25))
    assert look(26) == 0
    assert set(standing()) == {("price_waits", "Alpha 2016-03-01")}


def test_a_debtor_that_owes_it_all():
    shop = make_sale_desk()
    sell_phones(shop)
    watch_facilities(on=SOLD_ON, actor=SYSTEM, now=NOW + 30 * DAY)
    assert standing()["debtor_share", shop.debtor.name] == 1

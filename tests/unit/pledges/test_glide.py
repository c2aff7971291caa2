"""A cut of the rate alone: the lines follow by a glide, drawing and release stop at once."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from pledges.models import CoverRecord, FacilityCover, MarginCall
from pledges.services.conversion import Take
from pledges.services.cover import BelowReleaseLevel, WouldUncover
from pledges.services.tick import TickResult, follow_glides
from pledges.tasks import follow_gliding_rates
from risk.models import Commodity
from risk.services.commodities import set_rate_policy
from risk.services.rates import publish_rates
from tests.factories.lending import make_drawn_loan
from tests.factories.parties import SYSTEM, make_lender_team
from tests.factories.pledges import fingerprint, make_goods, make_vault
from tests.factories.risk import ACTOR, make_tick, noon, set_cap

pytestmark = pytest.mark.django_db

# The first rate is published on Tuesday; the cut comes when the whole window has rates.
TUE, WED, THU, FRI, MON = (date(2016, 3, day) for day in (8, 9, 10, 11, 14))
HALF, CUT = Decimal("0.5"), Decimal("0.1")


def pledged(goods=None, **terms):
    """100 kg of alpha at 500, all they lend drawn: 25,000 on 50,000."""
    vault = make_vault(goods=goods, **terms)
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    return vault, position


def cut_rate(rate=CUT, on=TUE):
    alpha = set_cap(Commodity.objects.get(code="alpha"), rate, now=noon(on))
    publish_rates(as_of=on, commodities=[alpha], actor=ACTOR, now=noon(on))


def glide(on):
    return follow_glides(on=on, actor=SYSTEM, now=noon(on))


@pytest.fixture
def fallen(db):
    """Alpha's rate falls from 50 % to 10 % on Tuesday; the price stays."""
    vault, position = pledged()
    make_tick({"alpha": 500}, on=TUE)
    cut_rate()
    return vault, position


def test_the_lines_glide_while_the_cover_falls_at_once(fallen):
    """θ 0.42, 0.34, 0.26, 0.18, 0.10; the watch line at (1 + 2θ)/3 of 50,000."""
    vault, _position = fallen
    on = [TUE, WED, THU, FRI, MON]
    covers = [vault.cover(day) for day in on]
    assert {cover.lending_value for cover in covers} == {5_000}
    assert [cover.glided_value for cover in covers] == [21_000, 17_000, 13_000, 9_000, 5_000]
    # Exposure 25,000 is the watch line where θ = 0.25: it is passed on Friday.
    assert [str(cover.band) for cover in covers] == ["watch", "watch", "watch", "called", "called"]


def test_the_glide_opens_the_call_on_the_day_that_it_reaches_the_line(fallen):
    vault, _position = fallen
    for day in (WED, THU):
        assert glide(day) == TickResult(1, 0)
    assert not MarginCall.objects.exists()
    assert glide(FRI) == TickResult(1, 1)
    call = MarginCall.objects.get()
    assert (call.state, call.opened_on, call.cash_needed) == ("open", FRI, 20_000)
    assert call.cause == {
        "kind": "glide",
        "moved": "glide",
        "glides": {"alpha": {"rate": "0.1000", "glided": "0.180000"}},
    }
    record = CoverRecord.objects.latest("pk")
    assert (record.cause, record.band, record.glided_value) == ("glide", "called", 9_000)
    assert FacilityCover.objects.get().glided_value == 9_000
    assert vault.band() == "called"


def test_a_second_run_of_the_day_changes_nothing(fallen):
    glide(FRI)
    before = fingerprint()
    assert glide(FRI) == TickResult(1, 0)
    assert fingerprint() == before


def test_days_that_were_missed_are_made_up_for(fallen):
    assert glide(MON).bands_changed == 1


def test_drawing_and_release_stop_on_the_day_of_the_cut(fallen):
    vault, position = fallen
    cover = vault.cover(TUE)
    assert (cover.headroom, cover.shortfall) == (0, 20_000)
    before = fingerprint()
    with pytest.raises(WouldUncover), transaction.atomic():
        make_drawn_loan(vault.desk, principal=Decimal(1), on=TUE)
    with pytest.raises(BelowReleaseLevel):
        vault.release(Take(position.pk, Decimal(1)), on=TUE, now=noon(TUE))
    assert fingerprint() == before


def test_a_fall_of_the_price_counts_at_once_while_the_rate_glides(fallen):
    vault, _position = fallen
    make_tick({"alpha": 400}, on=WED)
    # At 400 and θ 0.34 the watch line is 22,400: 25,000 is above.
    assert (vault.band(), MarginCall.objects.get().opened_on) == ("called", WED)


def test_without_a_glide_the_same_cut_opens_the_call_at_once(db):
    vault, _position = pledged()
    alpha = Commodity.objects.get(code="alpha")
    set_rate_policy(commodity=alpha, actor=ACTOR, now=noon(TUE), glide_days=0)
    make_tick({"alpha": 500}, on=TUE)
    cut_rate()
    assert (vault.band(), MarginCall.objects.get().opened_on) == ("called", TUE)


def test_ending_the_glide_is_judged_in_the_same_transaction(fallen):
    vault, _position = fallen
    alpha = Commodity.objects.get(code="alpha")
    set_rate_policy(commodity=alpha, actor=ACTOR, now=noon(WED), glide_days=0)
    assert vault.band() == "called"


def test_fixed_lines_do_not_glide_but_never_lie_below_the_glided_value(db):
    vault, _position = pledged(watch_line=Decimal("0.3"), call_line=Decimal("0.35"))
    make_tick({"alpha": 500}, on=TUE)
    cut_rate()
    # Watch until 21,000 (θ 0.42) instead of 15,000, and close-out with it.
    assert vault.band() == "close_out"


@pytest.mark.django_db(transaction=True)
def test_the_task_of_the_glide_runs_outside_any_transaction():
    vault, _position = pledged()
    make_tick({"alpha": 500}, on=TUE)
    cut_rate()
    assert vault.band() == "watch"
    assert follow_gliding_rates() == 1
    assert vault.band() == "close_out"  # years later its price is no price


@pytest.mark.parametrize("facilities", [2, 12])
def test_a_glide_takes_the_same_statements_for_2_and_12_facilities(facilities):
    goods, team = make_goods(), make_lender_team()
    for _ in range(facilities):
        pledged(goods, team=team)
    make_tick({"alpha": 500}, on=TUE)
    cut_rate()
    with CaptureQueriesContext(connection) as quiet:
        assert glide(WED) == TickResult(facilities, 0)
    with CaptureQueriesContext(connection) as loud:
        assert glide(FRI) == TickResult(facilities, facilities)
    assert (len(quiet), len(loud)) == (7, 19)

"""A preview of the book says what the tick would say, and writes nothing."""

from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.models import Facility
from pledges.rules.stress import CHUNK, Book, judge, stress
from pledges.services.what_if import load_book
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import make_lender_team
from tests.factories.pledges import fingerprint, make_goods, make_vault
from tests.factories.risk import make_tick

BANDS = ["covered", "watch", "called", "close_out"]


def book_of(*, exposure=(100.0,), market=(200.0,), rate=0.5, watch=None, call=None, cost=0.0):
    """Return facilities with one line each in one commodity."""
    count = len(exposure)
    fixed = np.full(count, np.nan)
    return Book(
        exposure=np.array(exposure),
        watch_line=fixed if watch is None else np.full(count, watch),
        call_line=fixed if call is None else np.full(count, call),
        facility=np.arange(count),
        commodity=np.zeros(count, np.int64),
        market=np.array(market),
        eligible=np.array(market),
        rate=np.array([rate]),
        glided=np.array([rate]),
        disposal_cost=np.array([cost]),
    )


def bands(book, *factors, rate=None):
    [one] = stress(book, np.array(factors)[:, None], rate)
    return one.band[0].tolist()


def test_bands_change_where_the_formulas_of_the_domain_say():
    """E 100 on 200 at 50 %: watch to 2/3 and called to 5/6 of the market value."""
    assert bands(book_of(), 1.0, 0.76, 0.74, 0.61, 0.59) == [0, 1, 2, 2, 3]
    assert bands(book_of(), 0.7500001, 0.7499999, 0.6000001, 0.5999999) == [1, 2, 2, 3]
    assert bands(book_of(watch=0.55, call=0.6), 1.0, 0.92, 0.90, 0.84, 0.83) == [0, 1, 2, 2, 3]


def test_a_line_below_the_pledge_rate_calls_at_once():
    assert bands(book_of(watch=0.4, call=0.45), 1.0, 0.99) == [0, 3]


def test_other_rates_stand_in_for_todays():
    assert bands(book_of(), 1.0, rate=np.array([0.4])) == [1]


def test_short_and_loss_are_counted_against_different_values():
    """At half the price 200 becomes 100: it lends 50; selling it at 10 % cost leaves 10 unpaid."""
    [one] = stress(book_of(cost=0.1), np.array([[0.5]]))
    assert (one.lending[0, 0], one.short[0, 0]) == (50.0, 50.0)
    assert one.loss[0, 0] == pytest.approx(10.0)


def test_a_price_below_zero_takes_no_more_than_everything():
    [one] = stress(book_of(), np.array([[-3.0]]))
    assert (one.band[0, 0], one.short[0, 0], one.loss[0, 0]) == (3, 100.0, 100.0)


@pytest.mark.parametrize("count", [1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_chunks_make_no_difference(count):
    """Every figure of the verdict is that of the scenarios one by one."""
    random = np.random.default_rng(count)
    book = book_of(exposure=(100.0, 60.0, 10.0), market=(200.0, 90.0, 400.0), cost=0.05)
    factors = random.uniform(0.0, 1.3, (count, 1))
    verdict = judge(book, factors)
    alone = [next(stress(book, factors[[row]])) for row in range(count)]
    called = np.array([one.band[:, 0] >= 2 for one in alone])
    assert verdict.total_short == pytest.approx([one.short.sum() for one in alone])
    assert verdict.total_loss == pytest.approx([one.loss.sum() for one in alone])
    assert verdict.called.tolist() == called.sum(axis=1).tolist()
    assert verdict.call_share == pytest.approx(called.mean(axis=0))
    assert verdict.mean_loss == pytest.approx(np.mean([one.loss[:, 0] for one in alone], axis=0))
    assert verdict.worst_short == pytest.approx(np.max([one.short[:, 0] for one in alone], axis=0))
    assert verdict.worst_band.tolist() == np.max([one.band[:, 0] for one in alone], axis=0).tolist()
    first = [int(row.argmax()) if row.any() else -1 for row in called.T]
    assert verdict.first_call.tolist() == first


# --- the book of the database -------------------------------------------------------------------


@pytest.fixture
def vaults(db):
    """Three facilities of one lender: alpha alone, both goods, fixed lines of its own."""
    goods, team = make_goods(), make_lender_team()
    terms = {"watch_line": Decimal("0.55"), "call_line": Decimal("0.6")}
    made = [make_vault(goods=goods, team=team), make_vault(goods=goods, team=team)]
    made.append(make_vault(goods=goods, team=team, **terms))
    for vault in made:
        vault.pledge(100)
        make_drawn_loan(vault.desk, principal=Decimal(25_000))
    made[1].pledge(200, goods.beta)
    return made


def loaded():
    return load_book(facility_ids=Facility.objects.values_list("pk", flat=True), on=START)


@pytest.mark.parametrize("alpha", [600, 490, 385, 370, 290, 200, 30])
def test_the_preview_is_what_the_tick_then_finds(vaults, alpha):
    book = loaded()
    verdict = book.verdict(book.shocks({"alpha": alpha / 500 - 1}))
    before = fingerprint()
    told = {
        pk: (BANDS[band], short)
        for pk, band, short in zip(
            book.facility_ids, verdict.worst_band, verdict.worst_short, strict=True
        )
    }
    assert fingerprint() == before
    make_tick({"alpha": alpha}, on=START, reference="moved")
    for vault in vaults:
        cover = vault.cover()
        assert told[vault.facility_id] == (vault.band(), pytest.approx(float(cover.shortfall)))


def test_an_unmoved_book_stands_as_it_stands(vaults):
    book = loaded()
    verdict = book.verdict(book.shocks({}))
    assert [BANDS[band] for band in verdict.worst_band] == [vault.band() for vault in vaults]
    assert verdict.total_short.tolist() == [0.0]


def test_what_has_no_fresh_price_counts_for_nothing(vaults):
    late = START.replace(year=START.year + 1)
    book = load_book(facility_ids=[vaults[0].facility_id], on=late)
    assert book.verdict(book.shocks({})).total_loss.tolist() == [25_000.0]


def test_what_may_still_be_drawn_can_be_thought_drawn(vaults):
    """Alpha lends 25,000, both 50,000; the third of three owes what it may."""
    book = loaded()
    assert book.drawn(0.5).book.exposure.tolist() == [25_000.0, 37_500.0, 25_000.0]
    full = book.drawn(1.0)
    assert full.verdict(full.shocks({})).total_short.tolist() == [0.0]
    assert full.verdict(full.shocks({"alpha": -0.1})).total_short.tolist() == [7_500.0]


def test_a_book_of_nothing_has_no_shortfall(db):
    book = load_book(facility_ids=[], on=START)
    assert book.verdict(book.shocks({})).total_short.tolist() == [0.0]


def test_a_book_takes_three_queries(vaults):
    with CaptureQueriesContext(connection) as queries:
        loaded()
    assert len(queries) == 1 + 3

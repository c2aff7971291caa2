"""The cases that the closest open peer lacks, with figures.

The fixture is the peer's: a kilogram of A is worth 500 USD and one of B 250, both lend half. The
life of a margin call (top-ups around the need, a fall through two lines, a recovery before the
deadline, a pledge cancelled while a call is open) is told in tests/unit/pledges/
test_margin_calls.py, a release that waits at the warehouse in test_instructions.py, two draws at
once and a draw against a release in tests/concurrency.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now

from lending.models import Facility
from outbox.models import Event
from outbox.services.delivery import drain
from pledges.models import CoverRecord, MarginCall
from pledges.services import tick
from pledges.services.conversion import Take
from pledges.services.cover import WouldUncover
from pledges.services.valuation import NothingToLendOn
from risk.models import Price, PriceBatch
from risk.queries import get_quote
from risk.services.rates import publish_rates
from tests.factories.lending import START, make_drawn_loan, make_loan, pay_out
from tests.factories.parties import SYSTEM
from tests.factories.pledges import Vault, make_pure, make_vault
from tests.factories.risk import make_commodity, make_tick, noon
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
NEXT = date(2016, 3, 2)


@pytest.fixture(autouse=True)
def invariants_hold(db):
    """Prove every room's invariants on what each scenario leaves behind."""
    yield
    assert breaches() == {}


@pytest.fixture
def vault(db) -> Vault:
    """8,000 kg of B: worth 2,000,000, lending 1,000,000, drawn in full."""
    vault = make_vault()
    vault.pledge(8_000, vault.goods.beta)
    make_drawn_loan(vault.desk, principal=D(1_000_000))
    return vault


def notices() -> int:
    """Return how often a margin call was told of."""
    return Event.objects.filter(topic="pledges.margin_call_opened").count()


def test_goods_without_a_price_are_held_and_lend_nothing(vault):
    make_commodity(code="gamma", quoted_unit="kg")
    before = vault.cover()
    vault.pledge(1_000, make_pure("gamma"))
    assert vault.cover() == before
    assert get_quote("gamma", START).reason == "no_price"
    loan = make_loan(vault.desk, principal=D(1))
    with pytest.raises(WouldUncover):
        pay_out(vault.desk, loan, D(1))


def test_goods_without_a_formula_are_not_taken(vault):
    from tests.factories.logistics import make_item

    with pytest.raises(NothingToLendOn):
        vault.pledge(1_000, make_item(owner=vault.desk.borrower))


def test_a_price_that_went_stale_lends_nothing_and_is_called(vault):
    for back in range(1, 6):  # five silent weekdays are allowed, the sixth is not
        assert get_quote("beta", START + timedelta(days=back)).fresh
    silent = date(2016, 3, 9)
    assert get_quote("beta", silent).reason == "stale_price"
    publish_rates(as_of=silent, actor=SYSTEM, now=noon(silent))
    cover = vault.cover(silent)
    assert (cover.market_value, cover.lending_value, cover.shortfall) == (0, 0, 1_000_000)
    assert vault.band() == "close_out"
    assert MarginCall.objects.get().cash_needed == 1_000_000
    assert Event.objects.filter(topic="risk.price_went_stale").count() == 2
    make_tick({"beta": 250}, on=silent)
    assert (vault.band(), MarginCall.objects.get().cure) == ("covered", "price")


def test_one_silent_price_leaves_the_other_goods_alone(vault):
    vault.pledge(4_000)
    silent = date(2016, 3, 9)
    make_tick({"alpha": 500}, on=silent)
    publish_rates(as_of=silent, actor=SYSTEM, now=noon(silent))
    cover = vault.cover(silent)
    assert (cover.market_value, cover.lending_value, cover.shortfall) == (2_000_000, 1_000_000, 0)


@pytest.mark.parametrize("price", [0, "-36.98"])
def test_a_price_of_nothing_or_less_lends_nothing(vault, price):
    make_tick({"beta": price}, on=NEXT)
    cover = vault.cover(NEXT)
    assert (cover.market_value, cover.lending_value, cover.band) == (0, 0, "close_out")
    assert get_quote("beta", NEXT).reason == "non_positive_price"
    assert MarginCall.objects.get().cash_needed == 1_000_000
    make_tick({"beta": 250}, on=date(2016, 3, 3))
    assert vault.band() == "covered"


def test_a_price_corrected_for_the_same_day_is_judged_again(vault):
    make_tick({"beta": 100}, on=NEXT, reference="typing error")
    assert (vault.band(), MarginCall.objects.get().cash_needed) == ("close_out", 600_000)
    make_tick({"beta": 250}, on=NEXT, reference="correction")
    assert vault.band() == "covered"
    assert (MarginCall.objects.get().state, MarginCall.objects.get().cure) == ("cured", "price")
    revisions = Price.objects.filter(commodity__code="beta", observed_on=NEXT)
    assert list(revisions.order_by("revision").values_list("price", flat=True)) == [100, 250]


def test_a_price_corrected_for_the_past_changes_the_past_alone(vault):
    make_tick({"beta": 240}, on=date(2016, 3, 3))
    band, readings = vault.band(), CoverRecord.objects.count()
    make_tick({"beta": 100}, on=NEXT, source="second feed")
    assert get_quote("beta", NEXT).unit_price == 100
    assert get_quote("beta", date(2016, 3, 3)).unit_price == 240
    assert (vault.band(), CoverRecord.objects.count()) == (band, readings)


def test_the_same_batch_twice_gives_no_second_notice(vault):
    first = make_tick({"beta": 100}, on=NEXT, reference="batch 7")
    assert (notices(), MarginCall.objects.count(), CoverRecord.objects.count()) == (1, 1, 3)
    assert make_tick({"beta": 100}, on=NEXT, reference="batch 7") == first
    assert (notices(), MarginCall.objects.count(), CoverRecord.objects.count()) == (1, 1, 3)


def run_again() -> None:
    """Let a worker try what failed, its rest over."""
    Event.objects.filter(topic=tick.TICK_DUE).update(due_at=Now(), lease_until=None)
    drain(now=noon(NEXT))


def test_a_crash_halfway_through_a_tick_leaves_it_due_and_a_worker_does_it(vault, monkeypatch):
    """The prices stand and judge every act; the book's bands follow, whoever died in between."""
    batches, prices = PriceBatch.objects.count(), Price.objects.count()

    def crash(*_args, **_kwargs):
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        # The facilities are judged; their calls are not opened any more.
        broken.setattr("pledges.services.readings.follow_readings", crash)
        make_tick({"alpha": 400, "beta": 100}, on=NEXT, reference="batch 8")
    assert (PriceBatch.objects.count(), Price.objects.count()) == (batches + 1, prices + 2)
    assert (vault.band(), notices()) == ("covered", 0)
    due = Event.objects.get(topic=tick.TICK_DUE)
    assert (due.state, due.attempts, due.last_error) == ("pending", 1, "RuntimeError: power cut")
    assert breaches() == {}
    loan = make_loan(vault.desk, principal=D(1))
    with pytest.raises(WouldUncover):
        pay_out(vault.desk, loan, D(1))

    run_again()
    assert (vault.band(), notices()) == ("close_out", 1)
    assert MarginCall.objects.get().opened_at == noon(NEXT)
    run_again()
    assert notices() == 1


def test_books_are_judged_each_for_itself_wholly_or_not_at_all(vault, monkeypatch):
    """Of four lenders' books two fail: two have their calls, two stay as they were and due."""
    others = [make_vault(goods=vault.goods) for _ in range(3)]
    for other in others:
        other.pledge(8_000, vault.goods.beta)
        make_drawn_loan(other.desk, principal=D(1_000_000))
    seen, failing = tick.record_readings, {one.facility_id for one in others[:2]}

    def crash_in_two(readings, **known):
        seen(readings, **known)
        if {one.facility_id for one in readings} & failing:
            raise RuntimeError("worker killed")

    with monkeypatch.context() as broken:
        broken.setattr(tick, "record_readings", crash_in_two)
        make_tick({"beta": 100}, on=NEXT)
    assert [one.band() for one in (vault, *others)] == [
        "close_out", "covered", "covered", "close_out",
    ]  # fmt: skip
    assert breaches() == {}
    run_again()
    assert {one.band() for one in (vault, *others)} == {"close_out"}
    assert notices() == Facility.objects.count() == 4


def test_a_release_asked_for_at_yesterdays_price_is_judged_at_todays(vault):
    vault.pledge(4_000)
    position = vault.pledge(2_000)
    # E 1,000,000 against 2,500,000 of lending value: much may be given back, at the price of today.
    make_tick({"alpha": 100}, on=NEXT)
    at = {"on": START, "now": noon(NEXT)}
    # A at 100: ΣLV 1,300,000; without 2,000 kg 1,200,000, of which nine tenths are 1,080,000.
    vault.release(Take(position.pk, D(2_000)), **at)
    assert vault.cover(NEXT).lending_value == 1_200_000

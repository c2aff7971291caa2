"""A margin call from notice to cure, with the figures of the peer's fixture.

8,000 kg of B at 250 are pledged and 1,000,000 is drawn: all that they lend. The watch line lies at
a price of 187.50, close-out at 150. The lender banks in China.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from outbox.models import Event
from pledges.models import MarginCall, MarginCallEntry
from pledges.services.call_clock import run_clocks
from pledges.services.call_extensions import ask_extension, grant_extension
from pledges.services.cover import CallBlocksDrawing, Requirement, covering
from pledges.services.eligibility import suspend
from pledges.services.margin_calls import mark_needs
from pledges.states import SuspensionReason
from portal.proofs import prove_all
from risk.models import Commodity
from risk.services.rates import publish_rates
from tests.factories.lending import make_drawn_loan, receive
from tests.factories.parties import SYSTEM
from tests.factories.pledges import Vault, fingerprint, make_vault
from tests.factories.risk import ACTOR, make_tick, noon

pytestmark = pytest.mark.django_db

D = Decimal
WED, THU, FRI, MON, TUE = (date(2016, 3, day) for day in (2, 3, 4, 7, 8))


@pytest.fixture(autouse=True)
def invariants_hold(db):
    yield
    assert all(proof.holds for proof in prove_all())


@pytest.fixture
def vault(db) -> Vault:
    made = make_vault(annual_rate=D(0))
    made.pledge(8_000, made.goods.beta)
    make_drawn_loan(made.desk, principal=D(1_000_000))
    return made


def call() -> MarginCall:
    return MarginCall.objects.get()


def lines():
    return [(entry.kind, entry.need) for entry in MarginCallEntry.objects.all()]


def told(word: str) -> int:
    return Event.objects.filter(topic=f"pledges.margin_call_{word}").count()


def test_the_whole_life_of_a_call(vault):
    """Notice, half cured by cash, reminded, extended, goods at twice the rest, told throughout."""
    make_tick({"beta": 180}, on=WED)
    assert (vault.band(), call().cash_needed) == ("called", 280_000)
    receive(vault.desk, D(100_000), on=WED)
    run_clocks(actor=SYSTEM, now=datetime(2016, 3, 4, 6, tzinfo=UTC))
    team = vault.desk.team
    asked = ask_extension(
        call=call(), business_days=1, reason="goods are on the way",
        actor=team.risk_officer, now=noon(FRI),
    )  # fmt: skip
    grant_extension(extension=asked, actor=team.approver, now=noon(FRI))
    vault.pledge(719, on=MON, now=noon(MON))
    mark_needs(on=MON, actor=SYSTEM, now=noon(MON))
    with pytest.raises(CallBlocksDrawing), transaction.atomic():
        make_drawn_loan(vault.desk, principal=D(1), on=MON)
    vault.pledge(1, on=MON, now=noon(MON))
    assert lines() == [
        ("opened", 280_000),
        ("partly_cured", 180_000),
        ("reminded", 180_000),
        ("extended", 180_000),
        ("partly_cured", 250),
        ("cured", 0),
    ]
    assert (call().state, call().cure, vault.cover(MON).headroom) == ("cured", "goods", 0)


def test_a_price_through_two_lines_in_one_tick_is_one_call_opened_and_escalated(vault):
    make_tick({"beta": 100}, on=WED)
    assert lines() == [("opened", 600_000), ("escalated", 600_000)]
    assert (told("opened"), told("escalated")) == (1, 1)


def test_the_same_batch_twice_gives_no_second_notice(vault):
    make_tick({"beta": 100}, on=WED)
    before = fingerprint()
    make_tick({"beta": 100}, on=WED)
    assert fingerprint() == before


def test_a_recovery_between_notice_and_deadline_cures_and_the_clock_stays_silent(vault):
    make_tick({"beta": 180}, on=WED)
    make_tick({"beta": 250}, on=THU)
    assert lines() == [("opened", 280_000), ("cured", 0)]
    assert (call().cure, call().cured_by) == ("price", None)
    assert run_clocks(actor=SYSTEM, now=noon(TUE)).escalated == 0


def test_a_corrected_price_dated_back_is_judged_by_the_live_price_only(vault):
    """Wednesday's print was wrong; corrected on Friday, it changes nothing that stands now."""
    make_tick({"beta": 180}, on=WED)
    make_tick({"beta": 190}, on=FRI)
    mark_needs(on=FRI, actor=SYSTEM, now=noon(FRI))
    history = lines()
    assert history == [("opened", 280_000), ("partly_cured", 240_000)]
    make_tick({"beta": 250}, on=WED, source="corrections")
    assert (vault.band(), call().state, lines()) == ("watch", "open", history)
    # The correction of the latest day itself counts at once.
    make_tick({"beta": 250}, on=FRI, reference="corrected")
    assert (call().state, call().cure) == ("cured", "price")


def test_goods_lost_while_a_call_is_open_deepen_it_and_are_never_refused(vault):
    make_tick({"beta": 180}, on=WED)
    position = vault.pledge(400, on=WED, now=noon(WED))
    assert lines()[-1] == ("partly_cured", 180_000)
    with covering(
        facility_id=vault.facility_id, cause="suspend", actor=SYSTEM, on=THU, now=noon(THU),
        requirement=Requirement.NONE,
    ) as act:  # fmt: skip
        suspend(
            act=act,
            reason=SuspensionReason.RECEIPT,
            findings={position.pk: {"receipt": "cancelled"}},
        )
    assert lines()[-1] == ("deepened", 280_000)
    last = MarginCallEntry.objects.last()
    assert (last.by_goods, last.need_before) == (-100_000, 180_000)


@pytest.mark.parametrize("price", [0, "-36.98"])
def test_a_price_at_or_below_zero_calls_for_everything_and_its_return_cures(vault, price):
    make_tick({"beta": price}, on=WED)
    assert (vault.band(), call().cash_needed) == ("close_out", 1_000_000)
    make_tick({"beta": 250}, on=THU)
    assert (call().state, call().cure) == ("cured", "price")


def test_a_stale_price_calls_and_a_fresh_one_cures(vault):
    late = date(2016, 3, 9)
    publish_rates(as_of=late, actor=ACTOR, now=noon(late))
    assert (call().cause["moved"], call().cash_needed) == ("rate", 1_000_000)
    make_tick({"beta": 250, "alpha": 500}, on=late)
    assert (call().state, call().cure) == ("cured", "price")


def test_a_crash_halfway_through_a_batch_leaves_neither_price_nor_call(vault, monkeypatch):
    """Prices and call are written, then it breaks: all is undone, and the next run is the first."""
    before = fingerprint()

    def crash(*_args, **_kwargs):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("pledges.services.readings._tell", crash)
        with pytest.raises(SystemExit), transaction.atomic():
            make_tick({"beta": 180}, on=WED)
    assert fingerprint() == before
    assert Commodity.objects.get(code="beta").prices.filter(observed_on=WED).count() == 0
    make_tick({"beta": 180}, on=WED)
    assert (told("opened"), vault.band()) == (1, "called")

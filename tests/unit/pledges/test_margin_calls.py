"""Margin calls: opened by a tick, escalated by price or clock, cured by goods, cash or price."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from lending.models import Loan
from outbox.models import Event
from pledges.models import CoverRecord, MarginCall
from pledges.rules.cover import goods_needed
from pledges.services.conversion import Take
from pledges.services.cover import BelowReleaseLevel
from pledges.services.margin_calls import escalate_expired
from pledges.services.sale import apply_proceeds, collect, sell
from pledges.states import Right
from pledges.tasks import escalate_margin_calls
from tests.factories.lending import accrue_through, make_drawn_loan, receive
from tests.factories.logistics import unique
from tests.factories.parties import NOW, SYSTEM, make_carrier
from tests.factories.pledges import EVIDENCE, make_vault
from tests.factories.risk import make_tick, noon

pytestmark = pytest.mark.django_db

WED, THU, FRI = date(2016, 3, 2), date(2016, 3, 3), date(2016, 3, 4)
AT = {"on": WED, "now": noon(WED)}


@pytest.fixture
def drawn(vault):
    """100 kg of alpha pledged and all they lend drawn: 25,000 on 50,000, lines at 2/3 and 5/6."""
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    return vault


def call_of(vault):
    return MarginCall.objects.get(facility_id=vault.facility_id)


def told(topic):
    return list(Event.objects.filter(topic=topic).order_by("pk").values_list("payload", flat=True))


def test_a_fall_into_watch_opens_no_call(drawn):
    make_tick({"alpha": 375}, on=WED)
    assert drawn.band() == "watch"
    assert not MarginCall.objects.exists()
    record = CoverRecord.objects.latest("pk")
    assert (record.cause, record.band, record.lending_value) == ("tick", "watch", 18_750)


def test_a_fall_below_the_watch_line_opens_a_call(drawn):
    """Watch ends where E = ΣLV + (ΣV − ΣLV)/3 = 2/3 ΣV: at 375 exactly. Below it, the call."""
    make_tick({"alpha": 375}, on=WED)
    make_tick({"alpha": "374.99"}, on=THU)
    call = call_of(drawn)
    assert (call.state, call.opened_on, call.opened_at) == ("open", THU, noon(THU))
    assert (call.exposure, call.market_value, call.lending_value, call.cash_needed) == (
        25_000,
        37_499,
        Decimal("18749.50"),
        Decimal("6250.50"),
    )
    assert call.cause["kind"] == "tick"
    assert call.cause["moves"]["alpha"] == {
        "price": "374.990000000000",
        "price_before": "375.000000000000",
        "rate": "0.5000",
        "rate_before": "0.5000",
    }
    [event] = told("pledges.margin_call_opened")
    assert Decimal(event["cash_needed"]) == Decimal("6250.50")
    assert [payload["to"] for payload in told("pledges.band_changed")] == ["watch", "called"]


def test_the_clock_runs_in_business_days_of_the_lenders_country(drawn):
    """Noon UTC of Friday 1 April is evening in Shanghai; Monday was Tomb Sweeping Day there.

    So the notice counts as of Tuesday nine o'clock, and two business days end on Thursday.
    """
    make_tick({"alpha": 500}, on=date(2016, 3, 31))
    make_tick({"alpha": 370}, on=date(2016, 4, 1))
    assert call_of(drawn).due_at == datetime(2016, 4, 7, 1, tzinfo=UTC)


def test_the_cure_clock_is_the_facilitys():
    vault = make_vault(cure_business_days=5)
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    assert call_of(vault).due_at == datetime(2016, 3, 10, 1, tzinfo=UTC)


def test_a_fall_through_two_lines_in_one_tick_opens_the_call_escalated_to_close_out(drawn):
    """Close-out begins where E = 5/6 ΣV: at 300. The call is open at once, with its clock."""
    make_tick({"alpha": "299.99"}, on=WED)
    assert drawn.band() == "close_out"
    call = call_of(drawn)
    assert (call.state, call.escalated_at) == ("escalated", noon(WED))
    assert [
        Event.objects.filter(topic=f"pledges.margin_call_{word}").count()
        for word in ("opened", "escalated")
    ] == [1, 1]


def test_a_further_fall_escalates_the_open_call(drawn):
    make_tick({"alpha": 370}, on=WED)
    make_tick({"alpha": 300}, on=THU)
    assert call_of(drawn).state == "open"
    make_tick({"alpha": "299.99"}, on=FRI)
    call = call_of(drawn)
    assert (call.state, call.opened_on, call.escalated_at) == ("escalated", WED, noon(FRI))
    assert call.cash_needed == 25_000 - 18_500


def test_fixed_lines_decide_instead_of_the_thirds():
    vault = make_vault(watch_line=Decimal("0.55"), call_line=Decimal("0.60"))
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    for price, band in (("454.55", "watch"), ("454.54", "called"), ("416.66", "close_out")):
        make_tick({"alpha": price}, on=WED, reference=price)
        assert vault.band() == band


def test_the_clock_escalates_what_nobody_cured(drawn):
    make_tick({"alpha": 370}, on=WED)
    due = call_of(drawn).due_at
    assert escalate_expired(actor=SYSTEM, now=due) == 0
    late = due + timedelta(seconds=1)
    assert escalate_expired(actor=SYSTEM, now=late) == 1
    assert escalate_expired(actor=SYSTEM, now=late) == 0
    call = call_of(drawn)
    assert (call.state, call.escalated_at) == ("escalated", late)
    [event] = told("pledges.margin_call_escalated")
    assert event["by"] == SYSTEM.label


@pytest.mark.django_db(transaction=True)
def test_the_clocks_task_runs_outside_any_transaction():
    vault = make_vault()
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    assert escalate_margin_calls() == 1
    assert escalate_margin_calls() == 0


def test_an_escalated_call_falls_further_without_a_second_notice(drawn):
    make_tick({"alpha": 370}, on=WED)
    escalate_expired(actor=SYSTEM, now=noon(date(2016, 3, 7)))
    make_tick({"alpha": 200}, on=date(2016, 3, 7))
    assert drawn.band() == "close_out"
    assert len(told("pledges.margin_call_escalated")) == 1


def test_goods_cure_exactly_at_the_need_and_not_a_gram_below(drawn):
    """Short 6,500 at 370: goods worth 13,000, that is 52 kg of beta at 250."""
    make_tick({"alpha": 370}, on=WED)
    short = drawn.cover(WED).shortfall
    assert goods_needed(shortfall=short, rate=Decimal("0.5")) == 13_000
    drawn.pledge(Decimal("51.999"), drawn.goods.beta, **AT)
    assert (drawn.band(), call_of(drawn).state) == ("watch", "open")
    drawn.pledge(Decimal("0.001"), drawn.goods.beta, **AT)
    call = call_of(drawn)
    assert (drawn.band(), call.state, call.cure, call.cured_at) == (
        "covered",
        "cured",
        "goods",
        noon(WED),
    )
    assert call.cured_by.legs.get().quantity == Decimal("0.001")
    assert len(told("pledges.margin_call_cured")) == 1


def test_a_swap_cures_too(drawn):
    make_tick({"alpha": 370}, on=WED)
    position = drawn.desk.facility.positions.get(right="pledge")
    drawn.swap(
        [Take(position.pk, Decimal(10))],
        [(drawn.lot(100, drawn.goods.beta), Decimal(100))],
        **AT,
    )
    assert (call_of(drawn).cure, call_of(drawn).cured_by.kind) == ("goods", "substitute")


def test_cash_cures(drawn):
    make_tick({"alpha": 370}, on=WED)
    accrue_through(drawn.desk, WED)
    owed = drawn.cover(WED)
    receive(drawn.desk, owed.shortfall - Decimal("0.01"), on=WED)
    assert (drawn.band(), call_of(drawn).state) == ("watch", "open")
    receive(drawn.desk, Decimal("0.01"), on=WED)
    call = call_of(drawn)
    assert (drawn.band(), call.state, call.cure, call.cured_by) == (
        "covered",
        "cured",
        "cash",
        None,
    )


def test_money_of_an_earlier_day_does_not_cure_by_that_days_price(drawn):
    """A dollar that arrived before the fall, entered after it: the call stays open."""
    make_tick({"alpha": 370}, on=WED)
    receive(drawn.desk, Decimal(1), on=date(2016, 3, 1))
    assert (drawn.band(), call_of(drawn).state) == ("called", "open")
    assert drawn.desk.fresh().cover.as_of == WED


def test_price_cures(drawn):
    make_tick({"alpha": 370}, on=WED)
    make_tick({"alpha": 500}, on=THU)
    call = call_of(drawn)
    assert (drawn.band(), call.state, call.cure, call.cured_by) == (
        "covered",
        "cured",
        "price",
        None,
    )
    assert call.cash_needed == 6_500


def test_a_recovery_into_watch_leaves_the_call_open(drawn):
    make_tick({"alpha": 370}, on=WED)
    make_tick({"alpha": 400}, on=THU)
    assert (drawn.band(), call_of(drawn).state) == ("watch", "open")
    make_tick({"alpha": 370}, on=FRI)
    assert MarginCall.objects.count() == 1


def test_each_new_fall_is_a_new_call_and_history_stays(drawn):
    for day, price in ((WED, 370), (THU, 500), (FRI, 360)):
        make_tick({"alpha": price}, on=day)
    assert [
        (call.state, call.opened_on, call.cash_needed)
        for call in MarginCall.objects.order_by("opened_at")
    ] == [("cured", WED, 6_500), ("open", FRI, 7_000)]


def test_interest_alone_carries_a_facility_into_watch(drawn):
    accrue_through(drawn.desk, WED)
    assert drawn.band() == "watch"
    assert CoverRecord.objects.latest("pk").cause == "accrue"
    assert Loan.objects.get().owed_interest == Decimal("6.25")


def test_the_bank_transfer_of_a_buyer_cures_as_cash():
    """Half as receivable at 80 %: when the buyer pays, the money lends at par."""
    vault = make_vault()
    position = vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    with vault.act(cause="sell") as act:
        receivable = sell(
            act=act,
            goods=[Take(position.pk, Decimal(50))],
            face=Decimal(15_625),
            advance_rate=Decimal("0.8"),
            label="invoice",
            carrier=make_carrier(),
            shipment_reference=unique("CMR"),
            occurred_at=NOW,
            evidence=EVIDENCE,
        )
    make_tick({"alpha": 375}, on=WED)
    make_tick({"alpha": 100}, on=THU)
    assert call_of(vault).state == "escalated"
    at = {"on": THU, "now": noon(THU)}
    vault.pledge(64, vault.goods.beta, **at)
    assert vault.cover(THU).shortfall == 2_000
    with vault.act(cause="collect", **at) as act:
        proceeds = collect(
            act=act,
            receivable=Take(receivable.pk, Decimal(15_625)),
            label="bank",
            evidence=EVIDENCE,
        )
    assert (vault.band(), call_of(vault).cure) == ("covered", "cash")
    with vault.act(cause="apply", **at) as act:
        apply_proceeds(
            act=act,
            proceeds=Take(proceeds.pk, Decimal(1_125)),
            right=Right.RELEASED,
            label="surplus",
            evidence=EVIDENCE,
        )
    assert vault.cover(THU).headroom == 0


def test_a_pledge_taken_back_by_its_holder_while_a_call_is_open_is_refused(drawn):
    make_tick({"alpha": 370}, on=WED)
    added = drawn.pledge(10, **AT)
    with pytest.raises(BelowReleaseLevel):
        drawn.release(Take(added.pk, Decimal(10)), **AT)
    assert call_of(drawn).state == "open"

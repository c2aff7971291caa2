"""A margin call's history: every change of its need, what made it, and who was told."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from lending.models import Repayment
from outbox.models import Alert, Event
from pledges.models import MarginCall, MarginCallEntry
from pledges.rules.needs import Parts, Standing, parts_of_act, parts_of_move
from pledges.services.conversion import Take
from pledges.services.cover import CallBlocksDrawing, CallBlocksRelease
from pledges.services.margin_calls import mark_needs
from tests.factories.lending import accrue_through, make_drawn_loan, receive
from tests.factories.parties import SYSTEM
from tests.factories.pledges import fingerprint
from tests.factories.risk import make_tick, noon

D = Decimal
WED, THU, FRI = date(2016, 3, 2), date(2016, 3, 3), date(2016, 3, 4)
AT = {"on": WED, "now": noon(WED)}


@pytest.fixture
def called(vault):
    """25,000 owed on 100 kg of alpha at 370: lending value 18,500, short 6,500."""
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=D(25_000))
    make_tick({"alpha": 370}, on=WED)
    return vault


def lines():
    """Return kind, need and the parts by cash, goods, price and charges of each line."""
    return [
        (e.kind, e.need, (e.by_cash, e.by_goods, e.by_price, e.by_charges))
        for e in MarginCallEntry.objects.all()
    ]


OPENED = ("opened", 6_500, (0, 0, 0, 0))


def desks_told(topic):
    return set(
        Alert.objects.filter(topic=f"pledges.margin_call_{topic}").values_list(
            "organisation_id", flat=True
        )
    )


@pytest.mark.django_db
def test_the_opening_is_the_first_line_and_tells_both_desks(called):
    [entry] = MarginCallEntry.objects.all()
    assert (entry.kind, entry.need_before, entry.need, entry.at, entry.cause) == (
        "opened",
        0,
        6_500,
        noon(WED),
        "tick",
    )
    assert (entry.due_at, entry.actor_label) == (MarginCall.objects.get().due_at, "tests")
    both = {called.desk.facility.tenant_id, called.desk.facility.borrower_id}
    assert desks_told("opened") == both
    alert = Alert.objects.filter(topic="pledges.margin_call_opened").first()
    assert (alert.severity, D(alert.payload["need"]), alert.payload["code"]) == (
        "warning",
        6_500,
        called.desk.facility.code,
    )


@pytest.mark.django_db
def test_cash_in_parts(called):
    receive(called.desk, D(2_500), on=WED)
    receive(called.desk, D("4006.25"), on=WED)
    assert [kind for kind, *_rest in lines()] == ["opened", "partly_cured", "cured"]
    first, last = MarginCallEntry.objects.exclude(kind="opened")
    # The payment counts interest up to its day first: a charge, which the money pays, too.
    assert (first.by_cash, first.by_charges, first.by_goods, first.by_price) == (
        2_500,
        D("-6.25"),
        0,
        0,
    )
    assert first.need == D("4006.25")
    assert last.need_before == D("4006.25")
    assert (first.repayment, last.repayment) == tuple(Repayment.objects.order_by("pk"))


@pytest.mark.django_db
def test_a_partial_cure_is_told_and_the_call_stays_open(called):
    called.pledge(20, called.goods.beta, **AT)
    assert lines() == [OPENED, ("partly_cured", 4_000, (0, 2_500, 0, 0))]
    entry = MarginCallEntry.objects.last()
    assert entry.conversion.kind == "pledge"
    assert entry.actor_label == called.desk.team.approver.label
    assert entry.person_id == called.desk.team.approver.person_id
    assert (called.band(), MarginCall.objects.get().state) == ("watch", "open")
    [event] = Event.objects.filter(topic="pledges.margin_call_partly_cured")
    assert (D(event.payload["cured"]), D(event.payload["need"])) == (2_500, 4_000)
    assert len(desks_told("partly_cured")) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kilograms", "state", "need"),
    [("51.999", "open", "0.13"), ("52", "cured", 0), ("52.001", "cured", 0)],
)
def test_goods_just_below_at_and_above_the_need(called, kilograms, state, need):
    """Short 6,500 at 50 %: 13,000 of beta at 250, which is 52 kg."""
    called.pledge(D(kilograms), called.goods.beta, **AT)
    entry = MarginCallEntry.objects.last()
    assert (MarginCall.objects.get().state, entry.need) == (state, D(need))
    # What was more than enough cured nothing.
    assert entry.by_goods == 6_500 - D(need)


@pytest.mark.django_db
@pytest.mark.parametrize(("cents", "state"), [("-0.01", "open"), ("0", "cured"), ("0.01", "cured")])
def test_cash_just_below_at_and_above_the_need(called, cents, state):
    accrue_through(called.desk, WED)
    receive(called.desk, called.cover(WED).shortfall + D(cents), on=WED)
    assert MarginCall.objects.get().state == state
    assert MarginCallEntry.objects.last().need == (D("0.01") if state == "open" else 0)


@pytest.mark.django_db
def test_the_price_cures_a_part_by_the_end_of_the_day(called):
    make_tick({"alpha": 372}, on=THU)
    assert lines() == [OPENED]
    assert mark_needs(on=THU, actor=SYSTEM, now=noon(THU)) == 1
    assert lines()[1:] == [("partly_cured", 6_400, (0, 0, 100, 0))]
    assert mark_needs(on=THU, actor=SYSTEM, now=noon(THU)) == 0


@pytest.mark.django_db
def test_a_recovery_across_a_line_is_written_by_the_tick_itself(called):
    make_tick({"alpha": 400}, on=THU)
    make_tick({"alpha": 360}, on=FRI)
    assert lines()[1:] == [
        ("partly_cured", 5_000, (0, 0, 1_500, 0)),
        ("deepened", 7_000, (0, 0, -2_000, 0)),
    ]
    assert MarginCall.objects.count() == 1


@pytest.mark.django_db
def test_a_days_interest_deepens_the_need(called):
    accrue_through(called.desk, WED)
    mark_needs(on=WED, actor=SYSTEM, now=noon(WED))
    assert lines()[1:] == [("deepened", D("6506.25"), (0, 0, 0, D("-6.25")))]


@pytest.mark.django_db
def test_price_goods_and_cash_each_with_its_part(called):
    make_tick({"alpha": 372}, on=THU)
    called.pledge(20, called.goods.beta, on=THU, now=noon(THU))
    accrue_through(called.desk, THU)
    owed = called.cover(THU).shortfall
    receive(called.desk, owed, on=THU)
    assert lines() == [
        OPENED,
        ("partly_cured", 3_900, (0, 2_500, 100, 0)),
        ("cured", 0, (D("3912.50"), 0, 0, D("-12.50"))),
    ]
    call = MarginCall.objects.get()
    assert (call.cure, call.cured_by) == ("cash", None)


@pytest.mark.django_db
def test_an_act_that_brings_goods_and_cash_cures_mixed(called):
    lot = called.lot(40, called.goods.beta)
    with called.act(**AT):
        receive(called.desk, D(2_000), on=WED)
        called.pledge_lot(lot, **AT)
    [_opened, (kind, need, parts)] = lines()
    # The interest of the day comes on top; 5,000 of goods were more than was left.
    assert (kind, need, parts) == ("cured", 0, (D("1993.75"), D("4506.25"), 0, 0))
    assert MarginCall.objects.get().cure == "mixed"


@pytest.mark.django_db
def test_drawing_is_refused_by_the_open_call_with_its_number_and_need(called):
    called.pledge(20, called.goods.beta, **AT)
    call = MarginCall.objects.get()
    before = fingerprint()
    with pytest.raises(CallBlocksDrawing) as refused:
        draw(called, 1)
    assert fingerprint() == before
    assert refused.value.code == "margin_call_open"
    assert refused.value.numbers["call"] == call.pk
    # The draw counts the day's interest, 6.25, before it is judged with its own dollar.
    assert (refused.value.numbers["need"], refused.value.numbers["short"]) == (
        4_000,
        D("4007.25"),
    )


@pytest.mark.django_db
def test_a_release_is_refused_by_the_open_call_but_a_swap_that_cures_is_not(called):
    position = called.desk.facility.positions.get(right="pledge")
    before = fingerprint()
    with pytest.raises(CallBlocksRelease) as refused:
        called.release(Take(position.pk, D(1)), **AT)
    assert fingerprint() == before
    assert refused.value.numbers["call"] == MarginCall.objects.get().pk
    called.swap([Take(position.pk, D(10))], [(called.lot(100, called.goods.beta), D(100))], **AT)
    assert MarginCall.objects.get().cure == "goods"


def draw(vault, amount):
    with transaction.atomic():
        make_drawn_loan(vault.desk, principal=D(amount), on=WED)


amounts = st.decimals(min_value=0, max_value=10**6, places=2)


@given(
    last_exposure=amounts,
    last_lending=amounts,
    before=st.tuples(amounts, amounts),
    after=st.tuples(amounts, amounts),
    cash_only=st.booleans(),
    paid=amounts,
)
def test_the_parts_are_the_fall_of_the_need(
    last_exposure, last_lending, before, after, cash_only, paid
):
    """Whatever moved: the parts sum to the difference exactly, and an excess cures nothing."""
    last = Standing(last_lending + last_exposure + D("0.01"), last_lending)
    now = Standing(*after)
    for parts in (
        parts_of_act(last=last, before=Standing(*before), after=now, cash_only=cash_only),
        parts_of_move(last=last, after=now, paid=paid),
    ):
        assert parts.total == last.need - now.need
        assert parts.cash >= 0


def test_what_cured_is_named_by_the_act_or_else_the_price():
    assert [
        Parts(cash=D(1)).cure,
        Parts(goods=D(1), price=D(5)).cure,
        Parts(cash=D(1), goods=D(1)).cure,
        Parts(price=D(1)).cure,
        Parts(cash=D(1), goods=D(-1)).cure,
    ] == ["cash", "goods", "mixed", "price", "cash"]

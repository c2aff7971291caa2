"""Prices in quarantine: no margin call from bad data; falls act at once, rises wait."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings

from common.errors import constraint_name
from common.states import TransitionRefused
from outbox.models import Alert, AuditEntry
from parties.services.authority import NotAllowed, SamePerson
from pledges.models import MarginCall
from pledges.services.cover import PriceInDoubt
from risk.models import HeldPrice, Price
from risk.queries import frozen_commodities, get_quote
from risk.services.feeds import Mapped
from risk.services.held_prices import confirm_ripe
from risk.services.overrides import apply_override, refuse_override
from risk.services.quarantine import (
    ConfirmationWaiting,
    HoldSettled,
    ReasonMissing,
    ask_confirmation,
    ask_refusal,
    keep_holding,
    refuse_hold,
)
from tests.factories.feeds import SYSTEM, Answer, feed_server, make_feed, run_now
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, make_lender_team
from tests.factories.pledges import make_vault
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
HOUR = timedelta(hours=1)
ALPHA = [Mapped(series="A", commodity="alpha")]
NEXT = START + timedelta(days=1)
MORNING = NOW + timedelta(days=1)


class Desk:
    """1,000 kg of alpha at 500 carry a loan of 240,000; two feeds speak of alpha."""

    def __init__(self, server):
        self.server = server
        self.vault = make_vault()
        self.vault.pledge(1000)
        make_drawn_loan(self.vault.desk, principal=D(240_000))
        self.team = self.vault.desk.team
        self.feed = self.make("first")

    def make(self, code, **mapped):
        series = [Mapped(series="A", commodity="alpha", **mapped)]
        return make_feed(
            tenant_id=self.team.lender.pk, code=code, series=series, now=NOW,
            settings={"url": f"{self.server.url}/{code}/{{series}}"},
        )  # fmt: skip

    def say(self, price, on=NEXT, now=MORNING, feed=None):
        feed = feed or self.feed
        row = {"date": on.isoformat(), "price": price}
        self.server.routes[f"/{feed.code}/A"] = Answer([row])
        return run_now(feed, now)


@pytest.fixture
def desk(db):
    with feed_server() as server, override_settings(FEED_HOSTS={"127.0.0.1"}):
        yield Desk(server)


def price():
    return get_quote("alpha", NEXT).unit_price


@pytest.mark.parametrize("bad", ["0", "-37", "50", "5000", "NaN", "5.0E+3", ""])
def test_no_margin_call_from_bad_data(desk, bad):
    run = desk.say(bad)
    assert run.accepted == 0
    assert (run.quarantined, run.refused) in {(1, 0), (0, 1)}
    assert price() == 500
    assert desk.vault.band() == "covered"
    assert not MarginCall.objects.exists()
    assert breaches() == {}


def test_a_far_fall_acts_at_once_and_tells_the_desk(desk):
    run = desk.say("400")
    assert (run.accepted, run.quarantined) == (1, 0)
    assert (price(), desk.vault.band()) == (400, "watch")
    alert = Alert.objects.get(topic="risk.price_fell_far")
    assert (alert.payload["price"], alert.payload["previous"]) == ("400", "500")
    assert desk.say("400").duplicate == 1
    assert Alert.objects.filter(topic="risk.price_fell_far").count() == 1


def test_a_far_rise_waits_an_hour(desk):
    desk.say("600")
    hold = HeldPrice.objects.get()
    assert (hold.reason, hold.previous, hold.confirm_after) == ("rose_far", 500, MORNING + HOUR)
    assert (price(), hold.freezes) == (500, False)
    assert confirm_ripe(actor=SYSTEM, now=MORNING + HOUR - timedelta(seconds=1)) == 0
    assert confirm_ripe(actor=SYSTEM, now=MORNING + HOUR) == 1
    assert (price(), HeldPrice.objects.get().state) == (600, "confirmed")
    assert confirm_ripe(actor=SYSTEM, now=MORNING + HOUR) == 0
    assert breaches() == {}


def test_the_source_still_says_so_an_hour_later(desk):
    desk.say("600")
    assert desk.say("600", now=MORNING + HOUR / 2).duplicate == 1
    assert desk.say("600", now=MORNING + HOUR).accepted == 1
    assert (price(), HeldPrice.objects.get().note) == (600, "one hour later still so")


def test_the_source_takes_the_rise_back(desk):
    desk.say("600")
    assert desk.say("505", now=MORNING + HOUR / 2).accepted == 1
    assert HeldPrice.objects.get().state == "overtaken"
    assert confirm_ripe(actor=SYSTEM, now=MORNING + HOUR) == 0
    assert price() == 505


@pytest.mark.parametrize("confirms_only", [True, False])
def test_a_second_source_confirms_a_rise(desk, confirms_only):
    desk.say("600")
    second = desk.make("second", confirms_only=confirms_only)
    run = desk.say("600" if not confirms_only else "604", feed=second)
    assert run.accepted == (0 if confirms_only else 1)
    assert (price(), HeldPrice.objects.get().note) == (600, "second source second")
    assert Price.objects.filter(observed_on=NEXT).count() == 1
    assert breaches() == {}


def test_a_second_source_that_spoke_first_lets_the_rise_pass(desk):
    desk.say("604", feed=desk.make("second", confirms_only=True))
    assert price() == 500
    assert desk.say("600").accepted == 1
    assert price() == 600


def test_a_second_source_of_another_mind_confirms_nothing(desk):
    desk.say("600")
    desk.say("520", feed=desk.make("second", confirms_only=True))
    assert (price(), HeldPrice.objects.get().state) == (500, "held")


def test_two_people_confirm_a_price_at_zero_and_below(desk):
    desk.say("-37")
    hold = HeldPrice.objects.get()
    override = ask_confirmation(hold=hold, reason="real", actor=desk.team.preparer, now=MORNING)
    with pytest.raises(ConfirmationWaiting):
        ask_confirmation(hold=hold, reason="real", actor=desk.team.preparer, now=MORNING)
    assert (price(), override.price, override.price_before) == (500, -37, None)
    apply_override(override=override, actor=desk.team.risk_officer, now=MORNING)
    hold.refresh_from_db()
    assert (hold.state, hold.note, price()) == ("confirmed", "two people", -37)
    assert get_quote("alpha", NEXT).reason == "non_positive_price"
    with pytest.raises(HoldSettled):
        ask_confirmation(hold=hold, reason="real", actor=desk.team.preparer, now=MORNING)
    assert desk.say("-37").duplicate == 1
    assert breaches() == {}


def test_who_asked_does_not_confirm_and_a_refused_question_may_be_asked_again(desk):
    desk.say("-37")
    hold = HeldPrice.objects.get()
    officer = desk.team.risk_officer
    override = ask_confirmation(hold=hold, reason="real", actor=officer, now=MORNING)
    with pytest.raises(SamePerson):
        apply_override(override=override, actor=officer, now=MORNING)
    refuse_override(override=override, note="no", actor=desk.team.approver, now=MORNING)
    again = ask_confirmation(hold=hold, reason="look", actor=desk.team.preparer, now=MORNING)
    assert again.pk != override.pk
    assert price() == 500


def test_two_people_refuse_a_price(desk):
    desk.say("50")
    hold, team = HeldPrice.objects.get(), desk.team
    with pytest.raises(ReasonMissing):
        ask_refusal(hold=hold, note=" ", actor=team.preparer, now=MORNING)
    with pytest.raises(TransitionRefused):
        refuse_hold(hold=hold, actor=team.approver, now=MORNING)
    ask_refusal(hold=hold, note="a digit slipped", actor=team.risk_officer, now=MORNING)
    with pytest.raises(SamePerson):
        refuse_hold(hold=hold, actor=team.risk_officer, now=MORNING)
    with pytest.raises(HoldSettled):
        ask_confirmation(hold=hold, reason="real", actor=team.preparer, now=MORNING)
    with pytest.raises(NotAllowed):
        refuse_hold(hold=hold, actor=make_lender_team().approver, now=MORNING)
    with pytest.raises(NotAllowed):
        refuse_hold(hold=hold, actor=team.operations, now=MORNING)
    keep_holding(hold=hold, actor=team.approver, now=MORNING)
    ask_refusal(hold=hold, note="a digit slipped", actor=team.preparer, now=MORNING)
    refuse_hold(hold=hold, actor=team.approver, now=MORNING)
    hold.refresh_from_db()
    assert (hold.state, hold.note, price()) == ("refused", "a digit slipped", 500)
    assert AuditEntry.objects.filter(action="risk.refuse_price").count() == 1
    # The source goes on saying it: refused stays refused.
    run = desk.say("50", now=MORNING + HOUR)
    assert (run.duplicate, run.quarantined, HeldPrice.objects.count()) == (1, 0, 1)


def test_one_person_cannot_refuse_in_the_database_either(desk):
    desk.say("50")
    hold = HeldPrice.objects.get()
    ask_refusal(hold=hold, note="wrong", actor=desk.team.preparer, now=MORNING)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        HeldPrice.objects.filter(pk=hold.pk).update(
            state="refused", checker_id=desk.team.preparer.person_id, settled_at=MORNING
        )
    assert constraint_name(caught.value) == "held_price_refused_by_another_person"


def test_grave_prices_freeze_until_decided_or_left_behind(desk):
    alpha = Price.objects.filter(commodity__code="alpha").first().commodity_id
    desk.say("600")
    assert frozen_commodities() == {}
    desk.say("50", now=MORNING + timedelta(minutes=1))
    assert frozen_commodities([alpha]) == {alpha: NEXT}
    assert Alert.objects.filter(topic="risk.price_held", severity="urgent").count() == 1
    desk.say("495", on=NEXT + timedelta(days=1), now=MORNING + timedelta(days=1))
    assert frozen_commodities([alpha]) == {}
    assert date(2016, 3, 2) == NEXT


def test_nothing_is_lent_or_released_while_a_grave_price_is_held(desk):
    desk.say("50")
    before = desk.vault.cover()
    with pytest.raises(PriceInDoubt, match="in quarantine") as caught:
        make_drawn_loan(desk.vault.desk, principal=D(1_000))
    assert caught.value.numbers == {"commodity": "alpha", "on": NEXT}
    assert desk.vault.cover() == before
    hold = HeldPrice.objects.get()
    ask_refusal(hold=hold, note="a digit slipped", actor=desk.team.preparer, now=MORNING)
    refuse_hold(hold=hold, actor=desk.team.approver, now=MORNING)
    make_drawn_loan(desk.vault.desk, principal=D(1_000))
    assert desk.vault.cover() != before
    assert breaches() == {}

"""Prices set by hand: two people, authority for what the step is worth, then a correction."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from common.states import TransitionRefused
from outbox.models import AuditEntry, Event
from parties.models import AuthorityLimit, Person
from parties.roles import Act
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from pledges.models import MarginCall
from risk.models import Commodity, Price, PriceOverride
from risk.queries import get_quote
from risk.services.overrides import (
    OverrideWaiting,
    PriceMovedOn,
    SamePrice,
    apply_override,
    refuse_override,
    request_override,
    withdraw_override,
)
from risk.services.prices import FuturePrice, UnknownCommodity
from risk.services.recording import PriceRefused
from tests.factories.lending import START, make_drawn_loan
from tests.factories.parties import NOW, make_actor, make_authority, make_lender_team
from tests.factories.pledges import make_vault
from tests.factories.risk import make_tick
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
EVE = date(2016, 2, 29)


@pytest.fixture
def vault(db):
    """1,000 kg of alpha are pledged: worth 500,000 at 500."""
    vault = make_vault()
    vault.pledge(1000)
    return vault


def ask(vault, price, on=START, **given):
    values = {"reason": "the feed doubled a digit", "actor": vault.desk.team.preparer, "now": NOW}
    return request_override(
        commodity=Commodity.objects.get(code="alpha"), price=D(price), on=on, **(values | given)
    )


def carry_out(vault, override, actor=None):
    return apply_override(override=override, actor=actor or vault.desk.team.risk_officer, now=NOW)


def test_the_price_is_corrected_and_the_tick_runs(vault):
    make_drawn_loan(vault.desk, principal=D(250_000))
    override = ask(vault, 400)
    assert (override.state, override.price_before, override.stake) == ("requested", 500, 100_000)
    assert get_quote("alpha", START).unit_price == 500
    applied = carry_out(vault, override)
    assert (applied.state, applied.checker_id) == (
        "applied",
        vault.desk.team.risk_officer.person_id,
    )
    assert get_quote("alpha", START).unit_price == 400
    new = Price.objects.get(batch=applied.batch)
    assert (new.revision, new.supersedes.price) == (2, 500)
    # Market value 400,000 lends 200,000: exposure 250,000 lies within the watch line of 266,666.67.
    assert vault.band() == "watch"
    carry_out(vault, ask(vault, 320))
    assert vault.band() == "called"
    assert MarginCall.objects.get().cause["moved"] == "price"
    assert breaches() == {}
    topics = Event.objects.filter(aggregate="price_override", aggregate_id=str(override.pk))
    assert list(topics.order_by("id").values_list("topic", flat=True)) == [
        "risk.override_requested",
        "risk.override_applied",
    ]
    assert AuditEntry.objects.filter(action="risk.apply_override").count() == 2


def test_a_corrected_price_dated_back_changes_no_value_of_today(vault):
    before = vault.cover()
    carry_out(vault, ask(vault, 450, on=EVE))
    assert get_quote("alpha", EVE).unit_price == 450
    assert vault.cover() == before
    assert breaches() == {}


def test_maker_is_not_checker_and_houses_do_not_mix(vault):
    override = ask(vault, 400, actor=vault.desk.team.risk_officer)
    with pytest.raises(SamePerson):
        carry_out(vault, override)
    with pytest.raises(SamePerson):
        refuse_override(override=override, note="", actor=vault.desk.team.risk_officer, now=NOW)
    with pytest.raises(NotAllowed):
        carry_out(vault, override, actor=make_lender_team().risk_officer)
    with pytest.raises(NotAllowed):
        carry_out(vault, override, actor=vault.desk.team.operations)
    with pytest.raises(NotAllowed):
        ask(vault, 400, actor=make_actor(organisation=vault.desk.borrower, roles=["preparer"]))
    assert get_quote("alpha", START).unit_price == 500


def test_authority_bounds_what_the_step_is_worth_now(vault):
    team = vault.desk.team
    limits = AuthorityLimit.objects.filter(
        person_id=team.risk_officer.person_id, act=Act.OVERRIDE_PRICE
    )
    override = ask(vault, 400)
    limits.update(amount=D("99999.99"))
    with pytest.raises(BeyondAuthority):
        carry_out(vault, override)
    limits.update(amount=D(100_000))
    vault.pledge(1)  # the same step is worth 100,100 now
    with pytest.raises(BeyondAuthority) as caught:
        carry_out(vault, override)
    assert caught.value.numbers["amount"] == 100_100
    limits.update(amount=D(100_100))
    assert carry_out(vault, override).stake == 100_100


def test_where_nothing_is_held_it_still_takes_some_authority():
    vault = make_vault()
    override = ask(vault, 400)
    assert override.stake == D("0.01")
    nobody = make_actor(organisation=vault.desk.team.lender, roles=["approver"])
    with pytest.raises(BeyondAuthority):
        carry_out(vault, override, actor=nobody)
    make_authority(
        person=Person.objects.get(pk=nobody.person_id), act=Act.OVERRIDE_PRICE, amount=D(1)
    )
    assert carry_out(vault, override, actor=nobody).state == "applied"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"price": 500}, SamePrice),
        ({"price": 400, "on": date(2016, 3, 2)}, FuturePrice),
        ({"price": 400, "reason": " "}, PriceRefused),
        ({"price": "1E+30"}, PriceRefused),
    ],
)
def test_what_is_no_price_is_not_asked_for(vault, given, error):
    with pytest.raises(error):
        ask(vault, **given)
    assert not PriceOverride.objects.exists()


def test_money_has_no_price_to_set(vault):
    with pytest.raises(UnknownCommodity):
        request_override(
            commodity=Commodity.objects.get(code="USD"),
            price=D(2),
            on=START,
            reason="x",
            actor=vault.desk.team.preparer,
            now=NOW,
        )


def test_one_waits_for_a_day_and_an_overtaken_one_is_refused(vault):
    override = ask(vault, 400)
    with pytest.raises(OverrideWaiting):
        ask(vault, 410)
    make_tick({"alpha": 390}, on=START, source="second feed")
    with pytest.raises(PriceMovedOn):
        carry_out(vault, override)
    assert PriceOverride.objects.get().state == "requested"


def test_refused_and_withdrawn_leave_the_price(vault):
    down = refuse_override(
        override=ask(vault, 400), note="feed is right", actor=vault.desk.team.approver, now=NOW
    )
    back = withdraw_override(
        override=ask(vault, 400), note="", actor=vault.desk.team.preparer, now=NOW
    )
    assert (down.state, back.state) == ("refused", "withdrawn")
    for one in (down, back):
        with pytest.raises(TransitionRefused):
            carry_out(vault, one)
    assert get_quote("alpha", START).unit_price == 500


def test_the_database_looks_up_the_authority(vault):
    override = ask(vault, 400)
    applied = carry_out(vault, ask(vault, 450, on=EVE))
    team = vault.desk.team

    def refused(checker, batch):
        with (
            pytest.raises(IntegrityError) as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "UPDATE risk_priceoverride SET state = 'applied', checker_id = %s, batch_id = %s, "
                "decided_at = now() WHERE id = %s",
                [checker, batch, override.pk],
            )
        return constraint_name(caught.value)

    batch = Price.objects.filter(commodity__code="beta").first().batch_id
    within = "priceoverride_within_the_checkers_authority"
    assert refused(team.operations.person_id, batch) == within
    assert refused(make_lender_team().approver.person_id, batch) == within
    assert refused(team.approver.person_id, None) == "price_override_applied_has_batch"
    make_authority(
        person=Person.objects.get(pk=team.preparer.person_id),
        act=Act.OVERRIDE_PRICE,
        amount=D(10**9),
    )
    assert refused(team.preparer.person_id, batch) == "price_override_checked_by_another_person"
    assert refused(team.approver.person_id, applied.batch_id) == "risk_priceoverride_batch_id_key"

"""Switching a commodity's rate model: two people, and the database makes it itself."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.errors import constraint_name
from common.states import TransitionRefused
from outbox.models import AuditEntry, Event
from parties.services.authority import NotAllowed, SamePerson
from risk.models import Commodity, PledgeRate, RateModelSwitch
from risk.services.model_switches import (
    ModelMovedOn,
    ReasonNeeded,
    SameModel,
    SwitchWaiting,
    apply_switch,
    refuse_switch,
    request_switch,
    withdraw_switch,
)
from risk.services.rates import publish_rates
from tests.factories.parties import NOW, make_actor, make_buyer, make_lender_team
from tests.factories.risk import ACTOR, make_commodity, make_quoted, noon

pytestmark = pytest.mark.django_db

FRIDAY = date(2024, 5, 31)


@pytest.fixture
def team(db):
    return make_lender_team()


@pytest.fixture
def copper(db):
    return make_commodity()


def ask(team, copper, model="fhs97", **given):
    values = {"reason": "ours misses here", "actor": team.risk_officer, "now": NOW}
    return request_switch(commodity=copper, model=model, **(values | given))


def test_the_model_changes_when_the_second_person_says_so(team, copper):
    switch = ask(team, copper)
    assert (switch.state, switch.model_before, switch.model_after) == ("requested", "bfhs", "fhs97")
    copper.refresh_from_db()
    assert copper.rate_model == "bfhs"
    applied = apply_switch(switch=switch, actor=team.approver, now=NOW)
    assert (applied.state, applied.checker_id) == ("applied", team.approver.person_id)
    copper.refresh_from_db()
    assert copper.rate_model == "fhs97"
    topics = Event.objects.filter(aggregate="rate_model_switch").order_by("id")
    assert list(topics.values_list("topic", flat=True)) == [
        "risk.rate_model_requested",
        "risk.rate_model_switched",
    ]
    assert AuditEntry.objects.filter(action="risk.apply_rate_model").count() == 1


def test_rates_come_from_the_model_in_force(team):
    copper = make_quoted(on=FRIDAY)
    apply_switch(switch=ask(team, copper, "static70"), actor=team.approver, now=NOW)
    publish_rates(as_of=FRIDAY, actor=ACTOR, now=noon(FRIDAY))
    first, second = PledgeRate.objects.order_by("revision")
    assert (first.model, second.model) == ("bfhs-1", "static70-1")
    assert (second.rate, second.model_rate) == (
        Decimal("0.7000"),
        Decimal("0.7").quantize(second.model_rate),
    )


def test_maker_is_not_checker_and_houses_do_not_mix(team, copper):
    switch = ask(team, copper)
    for decide in (apply_switch, refuse_switch):
        more = {"note": ""} if decide is refuse_switch else {}
        with pytest.raises(SamePerson):
            decide(switch=switch, actor=team.risk_officer, now=NOW, **more)
        with pytest.raises(NotAllowed):
            decide(switch=switch, actor=make_lender_team().approver, now=NOW, **more)
        with pytest.raises(NotAllowed):
            decide(switch=switch, actor=team.preparer, now=NOW, **more)
    with pytest.raises(NotAllowed):
        ask(team, make_commodity(code="zinc"), actor=team.preparer)
    outsider = make_actor(organisation=make_buyer(), roles=["risk_officer"])
    with pytest.raises(NotAllowed):
        ask(team, make_commodity(code="lead"), actor=outsider)
    copper.refresh_from_db()
    assert copper.rate_model == "bfhs"
    assert RateModelSwitch.objects.get().state == "requested"


def test_what_says_nothing_is_refused(team, copper):
    for model in ("bfhs", "oracle"):
        with pytest.raises(SameModel):
            ask(team, copper, model)
    with pytest.raises(ReasonNeeded):
        ask(team, copper, reason=" ")
    ask(team, copper)
    with pytest.raises(SwitchWaiting):
        ask(team, copper, "hs1000")
    assert RateModelSwitch.objects.count() == 1


def test_refused_and_withdrawn_are_final(team, copper):
    refused = refuse_switch(switch=ask(team, copper), note="no", actor=team.approver, now=NOW)
    taken = withdraw_switch(switch=ask(team, copper), note="", actor=team.risk_officer, now=NOW)
    assert (refused.state, taken.state) == ("refused", "withdrawn")
    for switch in (refused, taken):
        with pytest.raises(TransitionRefused):
            apply_switch(switch=switch, actor=team.approver, now=NOW)
    copper.refresh_from_db()
    assert copper.rate_model == "bfhs"


def test_nobody_changes_the_model_from_outside(copper):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Commodity.objects.update(rate_model="static70")
    assert constraint_name(caught.value) == "commodity_rate_model_switched_by_two"
    copper.refresh_from_db()
    assert copper.rate_model == "bfhs"


def test_a_switch_against_a_model_that_has_gone_is_refused(team, copper):
    switch = ask(team, copper)
    RateModelSwitch.objects.filter(pk=switch.pk).update(state="withdrawn")
    other = ask(team, copper, "hs1000")
    apply_switch(switch=other, actor=team.approver, now=NOW)
    late = RateModelSwitch.objects.create(
        tenant_id=other.tenant_id, commodity=copper, model_before="bfhs", model_after="fhs97",
        reason="written by hand", maker_id=other.maker_id, requested_at=NOW,
    )  # fmt: skip
    with pytest.raises(ModelMovedOn):
        apply_switch(switch=late, actor=team.approver, now=NOW)
    copper.refresh_from_db()
    assert copper.rate_model == "hs1000"
    assert RateModelSwitch.objects.get(pk=late.pk).state == "requested"


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"reason": ""}, "rate_model_switch_has_reason"),
        ({"model_after": "bfhs"}, "rate_model_switch_changes_the_model"),
        ({"model_after": "oracle"}, "rate_model_switch_changes_the_model"),
        ({"state": "applied"}, "ratemodelswitch_state_initial_allowed"),
    ],
)
def test_the_database_refuses_what_must_not_be(team, copper, change, constraint):
    row = {
        "tenant_id": team.risk_officer.organisation_id, "commodity": copper,
        "model_before": "bfhs", "model_after": "fhs97", "reason": "test",
        "maker_id": team.risk_officer.person_id, "requested_at": NOW,
    }  # fmt: skip
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        RateModelSwitch.objects.create(**(row | change))
    assert constraint_name(caught.value) == constraint


def test_the_maker_cannot_apply_it_past_the_service(team, copper):
    switch = ask(team, copper)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        RateModelSwitch.objects.filter(pk=switch.pk).update(
            state="applied", checker_id=switch.maker_id, decided_at=NOW
        )
    assert constraint_name(caught.value) == "rate_model_switch_checked_by_another_person"

"""The cure clock: reminders on the way, escalation at the end, more time by two people."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common.errors import constraint_name
from common.states import TransitionRefused
from lending.refusals import NotYourFacility
from outbox.models import Alert
from parties.services.authority import NotAllowed
from pledges.models import MarginCall, MarginCallEntry, MarginCallExtension
from pledges.rules.clock import due_after, reminders
from pledges.services.call_clock import ClockRound, run_clocks
from pledges.services.call_extensions import (
    ExtensionBySamePerson,
    ExtensionRefused,
    ask_extension,
    grant_extension,
    refuse_extension,
)
from pledges.services.disposal.declare_default import is_enforceable
from tests.factories.lending import make_drawn_loan
from tests.factories.parties import SYSTEM, make_lender_team
from tests.factories.pledges import fingerprint, make_goods, make_vault
from tests.factories.risk import make_tick
from tests.proofs import breaches

WED = date(2016, 3, 2)
# Noon UTC is evening in Shanghai: the clock starts on Thursday at nine and ends on Monday at nine.
DUE = datetime(2016, 3, 7, 1, tzinfo=UTC)
HALF, LAST = datetime(2016, 3, 4, 1, tzinfo=UTC), datetime(2016, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def called(vault):
    vault.pledge(100)
    make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    return vault


def call():
    return MarginCall.objects.get()


def run(now):
    return run_clocks(actor=SYSTEM, now=now)


def kinds():
    return [(e.kind, e.reminder) for e in MarginCallEntry.objects.all()]


def ask(vault, days=2, reason="money is on its way", now=HALF, actor=None):
    return ask_extension(
        call=call(),
        business_days=days,
        reason=reason,
        actor=actor or vault.desk.team.risk_officer,
        now=now,
    )


def test_reminders_lie_at_half_the_time_and_four_business_hours_before_its_end():
    start = datetime(2016, 3, 2, 3, tzinfo=UTC)
    due = due_after(start, country="CN", business_days=2)
    assert due == datetime(2016, 3, 4, 3, tzinfo=UTC)
    assert list(reminders(start, due, country="CN")) == [
        ("half", datetime(2016, 3, 3, 3, tzinfo=UTC)),
        ("last", datetime(2016, 3, 3, 7, tzinfo=UTC)),
    ]


def test_a_clock_of_one_day_has_one_reminder_and_none_without_days():
    start = datetime(2016, 3, 2, 3, tzinfo=UTC)
    due = due_after(start, country="CN", business_days=1)
    assert list(reminders(start, due, country="CN")) == [
        ("half", datetime(2016, 3, 2, 7, tzinfo=UTC))
    ]
    assert list(reminders(start, start, country="CN")) == []


@pytest.mark.django_db
def test_each_reminder_is_sent_once_to_both_desks(called):
    assert call().due_at == DUE
    assert run(HALF - SECOND) == ClockRound(0, 0, 0)
    assert run(HALF) == ClockRound(1, 0, 0)
    assert run(LAST - SECOND) == ClockRound(0, 0, 0)
    assert run(LAST) == ClockRound(1, 0, 0)
    assert run(DUE) == ClockRound(0, 0, 0)
    assert kinds() == [("opened", ""), ("reminded", "half"), ("reminded", "last")]
    told = Alert.objects.filter(topic="pledges.margin_call_reminded")
    assert sorted(told.values_list("organisation_id", flat=True)) == sorted(
        2 * [called.desk.facility.tenant_id, called.desk.facility.borrower_id]
    )
    assert breaches() == {}


@pytest.mark.django_db
def test_of_two_reminders_that_were_missed_the_later_is_sent(called):
    assert run(LAST) == ClockRound(1, 0, 0)
    assert run(LAST + SECOND) == ClockRound(0, 0, 0)
    assert kinds() == [("opened", ""), ("reminded", "last")]
    assert breaches() == {}


@pytest.mark.django_db
def test_a_cured_call_lets_what_the_desks_were_told_of_it_be_past(called):
    run(LAST)
    open_before = Alert.objects.open().filter(aggregate="margin_call").count()
    make_tick({"alpha": 500}, on=WED, reference="back")
    past = Alert.objects.filter(ended_at__isnull=False)
    assert open_before == past.count() == 4
    assert set(past.values_list("ended_with", flat=True)) == {"pledges.margin_call_cured"}
    assert "" not in past.values_list("ended_by", flat=True)
    # What is left to be seen is that it ended.
    left = Alert.objects.open().filter(aggregate="margin_call")
    assert set(left.values_list("topic", flat=True)) == {"pledges.margin_call_cured"}
    assert breaches() == {}


@pytest.mark.django_db
def test_the_end_of_the_clock_escalates_and_says_that_it_ran_out_once(called):
    run(LAST)
    assert run(DUE + SECOND) == ClockRound(0, 1, 1)
    assert run(DUE + timedelta(days=1)) == ClockRound(0, 0, 0)
    assert (call().state, call().ran_out_at) == ("escalated", DUE + SECOND)
    assert [kind for kind, _ in kinds()][-2:] == ["escalated", "ran_out"]
    assert breaches() == {}


@pytest.mark.django_db
def test_the_last_instant_is_the_borrowers_for_the_clock_and_for_the_default_alike(called):
    make_tick({"alpha": 200}, on=WED, reference="further")
    assert call().state == "escalated"
    for now, is_over in ((DUE - SECOND, False), (DUE, False), (DUE + SECOND, True)):
        assert (call().is_out_of_time(now), is_enforceable(call(), now)) == (is_over, is_over)
        assert run(now).ran_out == int(is_over)


@pytest.mark.django_db
def test_a_call_that_fell_to_close_out_still_has_its_time(called):
    make_tick({"alpha": 200}, on=WED, reference="further")
    assert (call().state, call().ran_out_at) == ("escalated", None)
    assert run(HALF).reminded == 1
    assert run(DUE + SECOND) == ClockRound(0, 0, 1)


@pytest.mark.django_db
def test_a_cured_call_has_no_clock(called):
    make_tick({"alpha": 500}, on=WED, reference="back")
    assert run(DUE + SECOND) == ClockRound(0, 0, 0)
    assert breaches() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("facilities", [2, 8])
def test_the_clocks_take_the_same_statements_for_2_and_8_calls(facilities):
    goods = make_goods()
    for _ in range(facilities):
        vault = make_vault(goods=goods)
        vault.pledge(100)
        make_drawn_loan(vault.desk, principal=Decimal(25_000))
    make_tick({"alpha": 370}, on=WED)
    with CaptureQueriesContext(connection) as queries:
        assert run(HALF).reminded == facilities
    assert len(queries) == 13


@pytest.mark.django_db
def test_more_time_is_asked_by_one_and_granted_by_another(called):
    asked = ask(called)
    assert (asked.state, asked.due_before, asked.due_after) == (
        "asked",
        DUE,
        datetime(2016, 3, 9, 1, tzinfo=UTC),
    )
    assert call().due_at == DUE
    grant_extension(extension=asked, actor=called.desk.team.approver, now=LAST)
    assert call().due_at == asked.due_after
    entry = MarginCallEntry.objects.last()
    assert (entry.kind, entry.reason, entry.due_at, entry.need) == (
        "extended",
        "money is on its way",
        asked.due_after,
        6_500,
    )
    # The last hours of the new deadline come anew; half of the time is over by then.
    run(datetime(2016, 3, 8, 5, tzinfo=UTC))
    assert kinds()[2:] == [("reminded", "last")]
    assert breaches() == {}


@pytest.mark.django_db
def test_more_time_after_the_end_lets_the_clock_run_again_but_calls_nothing_off(called):
    run(DUE + SECOND)
    asked = ask(called, days=1, now=DUE + SECOND)
    grant_extension(extension=asked, actor=called.desk.team.approver, now=DUE + 2 * SECOND)
    assert (call().state, call().ran_out_at) == ("escalated", None)
    assert run(asked.due_after + SECOND) == ClockRound(0, 0, 1)
    assert breaches() == {}


@pytest.mark.django_db
def test_whoever_asks_does_not_grant(called):
    officer = called.desk.team.risk_officer
    asked = ask(called)
    before = fingerprint()
    for decide in (
        lambda: grant_extension(extension=asked, actor=officer, now=LAST),
        lambda: refuse_extension(extension=asked, reason="no", actor=officer, now=LAST),
    ):
        with pytest.raises(ExtensionBySamePerson):
            decide()
    assert fingerprint() == before


@pytest.mark.django_db
def test_a_refused_request_moves_nothing_and_another_may_follow(called):
    asked = ask(called)
    with pytest.raises(ExtensionRefused, match="asked for already"):
        ask(called)
    refuse_extension(extension=asked, reason="pay now", actor=called.desk.team.approver, now=LAST)
    assert (call().due_at, MarginCallEntry.objects.count()) == (DUE, 1)
    with pytest.raises(TransitionRefused):
        grant_extension(extension=asked, actor=called.desk.team.approver, now=LAST)
    ask(called)
    assert MarginCallExtension.objects.count() == 2


@pytest.mark.django_db
def test_who_may_ask_for_how_much_and_why(called):
    stranger = make_lender_team().risk_officer
    before = fingerprint()
    with pytest.raises(NotAllowed):
        ask(called, actor=called.desk.team.preparer)
    with pytest.raises(NotYourFacility):
        ask(called, actor=stranger)
    for wrong in ({"days": 0}, {"days": 11}, {"reason": " "}):
        with pytest.raises(ExtensionRefused):
            ask(called, **wrong)
    assert fingerprint() == before


@pytest.mark.django_db
def test_a_cured_call_gets_no_more_time(called):
    asked = ask(called)
    make_tick({"alpha": 500}, on=WED, reference="back")
    with pytest.raises(ExtensionRefused):
        grant_extension(extension=asked, actor=called.desk.team.approver, now=LAST)
    with pytest.raises(ExtensionRefused):
        ask(called)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        (
            "margincall_due_moves_by_extension",
            "UPDATE pledges_margincall SET due_at = due_at + interval '1 day'",
        ),
        (
            "call_extension_decided_by_another_person",
            "UPDATE pledges_margincallextension SET checker_id = maker_id, decided_at = asked_at",
        ),
        (
            "margincallextension_columns_frozen",
            "UPDATE pledges_margincallextension SET due_after = due_after + interval '1 day'",
        ),
        ("margincallentry_rows_never_change", "UPDATE pledges_margincallentry SET need = 1"),
        ("margincallentry_rows_never_change", "DELETE FROM pledges_margincallentry"),
    ],
)
def test_the_database_itself_keeps_deadline_and_history(called, constraint, sql):
    ask(called)
    with (
        pytest.raises(IntegrityError) as info,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert constraint_name(info.value) == constraint

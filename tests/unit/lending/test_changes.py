from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from common.states import TransitionRefused
from lending.models import Facility, FacilityChange
from lending.refusals import FacilityNotActive, NotYourFacility, TermsUnsound
from lending.services.changes import (
    ChangeWaiting,
    NothingToChange,
    TermsMovedOn,
    apply_change,
    refuse_change,
    request_change,
    withdraw_change,
)
from lending.services.default import declare_default, propose_default
from lending.services.disbursements import approve_disbursement
from lending.services.write_off import approve_write_off, request_write_off
from lending.states import DefaultCause
from outbox.models import AuditEntry, Event
from parties.models import AuthorityLimit, Person
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from parties.services.people import grant_role
from tests.factories.lending import (
    DUE,
    START,
    make_desk,
    make_draft,
    make_drawn_loan,
    make_loan,
    request_payment,
)
from tests.factories.parties import NOW, SYSTEM, make_lender_team, make_person
from tests.proofs import breaches

pytestmark = pytest.mark.django_db

D = Decimal
LIMIT = {"limit": D(3_000_000)}


def ask(desk, changes=None, **given):
    values = {"reason": "season", "actor": desk.team.preparer, "now": NOW}
    return request_change(
        facility=desk.facility, changes=LIMIT if changes is None else changes, **(values | given)
    )


def carry_out(desk, change, **given):
    return apply_change(
        change=change, **({"on": START, "actor": desk.team.approver, "now": NOW} | given)
    )


def refused(sql, *values):
    """Return the constraint that a statement of a plain session breaks."""
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
    return constraint_name(caught.value)


def test_one_asks_another_applies_and_the_terms_change():
    desk = make_desk()
    change = ask(desk, LIMIT | {"call_line": D("0.9"), "watch_line": D("0.75")})
    assert (change.state, change.before, change.after) == (
        "requested",
        {"limit": "2000000.0000", "call_line": None, "watch_line": None},
        {"limit": "3000000", "call_line": "0.9", "watch_line": "0.75"},
    )
    assert desk.fresh().limit == 2_000_000
    facility = carry_out(desk, change)
    assert (facility.limit, facility.watch_line, facility.call_line) == (
        3_000_000,
        D("0.75"),
        D("0.9"),
    )
    change.refresh_from_db()
    assert (change.state, change.maker_id, change.checker_id, change.decided_at) == (
        "applied",
        desk.team.preparer.person_id,
        desk.team.approver.person_id,
        NOW,
    )
    topics = Event.objects.filter(aggregate="lending.facilitychange").order_by("id")
    assert list(topics.values_list("topic", flat=True)) == [
        "lending.change_requested",
        "lending.terms_changed",
    ]
    assert (
        AuditEntry.objects.filter(action="apply_change", tenant_id=desk.team.lender.pk).count() == 1
    )
    assert breaches() == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", D("2500000.50")),
        ("products", ["pledge"]),
        ("annual_rate", D("0.08")),
        ("penalty_rate", D("0.05")),
        ("waterfall", ["principal", "costs", "fees", "penalty", "interest"]),
        ("waiver_tolerance", D(10)),
        ("order_advance_rate", D("0.7")),
        ("receivable_advance_rate", D("0.75")),
        ("release_factor", D("0.85")),
        ("cure_business_days", 3),
        ("minimum_controlled_value", D(500_000)),
        ("matures_on", date(2031, 6, 30)),
    ],
)
def test_every_changeable_term_changes_alone_and_exactly(name, value):
    desk = make_desk()
    before = {f.attname: getattr(desk.fresh(), f.attname) for f in Facility._meta.concrete_fields}
    carry_out(desk, ask(desk, {name: value}))
    after = {f.attname: getattr(desk.fresh(), f.attname) for f in Facility._meta.concrete_fields}
    assert {key for key in after if after[key] != before[key]} == {name}
    assert after[name] == value


def test_the_same_request_twice_is_one():
    desk = make_desk()
    first = ask(desk, idempotency_key="click-1")
    assert ask(desk, idempotency_key="click-1").pk == first.pk
    assert FacilityChange.objects.count() == 1


def test_maker_does_not_apply_or_refuse_even_with_both_roles():
    desk = make_desk()
    change = ask(desk)
    both = Person.objects.get(pk=desk.team.preparer.person_id)
    grant_role(person=both, role=Role.APPROVER, actor=SYSTEM, now=NOW)
    actor = type(desk.team.preparer).of(both)
    with pytest.raises(SamePerson):
        carry_out(desk, change, actor=actor)
    with pytest.raises(SamePerson):
        refuse_change(change=change, note="no", actor=actor, now=NOW)
    assert desk.fresh().limit == 2_000_000
    assert FacilityChange.objects.get().state == "requested"


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"limit": D(2_000_000)}, NothingToChange, None),
        ({}, NothingToChange, None),
        ({"currency": "CNY"}, TermsUnsound, "currency"),
        ({"exposure": D(0)}, TermsUnsound, "exposure"),
        ({"watch_line": D("0.9")}, TermsUnsound, "watch_line"),
        ({"watch_line": D("0.9"), "call_line": D("0.8")}, TermsUnsound, "watch_line"),
        ({"release_factor": D("1.1")}, TermsUnsound, "order_advance_rate"),
        ({"matures_on": date(2015, 1, 1)}, TermsUnsound, "matures_on"),
        ({"matures_on": date(2016, 8, 1)}, TermsUnsound, "matures_on"),
    ],
)
def test_what_cannot_be_agreed_cannot_be_asked_for(changes, error, field):
    desk = make_desk()
    make_loan(desk, principal=D(1000), due_on=DUE)
    with pytest.raises(error) as caught:
        ask(desk, changes)
    assert caught.value.field == field
    assert FacilityChange.objects.count() == 0


def test_one_change_waits_at_a_time_and_a_draft_has_none():
    desk = make_desk()
    ask(desk)
    with pytest.raises(ChangeWaiting):
        ask(desk, {"annual_rate": D("0.08")})
    draft = make_draft(team=desk.team)
    with pytest.raises(FacilityNotActive):
        request_change(facility=draft, changes=LIMIT, reason="x", actor=desk.team.preparer, now=NOW)


def test_roles_and_houses():
    desk, other = make_desk(), make_lender_team()
    with pytest.raises(NotAllowed):
        ask(desk, actor=desk.team.operations)
    with pytest.raises(NotYourFacility):
        ask(desk, actor=other.preparer)
    change = ask(desk)
    with pytest.raises(NotYourFacility):
        carry_out(desk, change, actor=other.approver)
    with pytest.raises(NotAllowed):
        carry_out(desk, change, actor=desk.team.risk_officer)
    assert not FacilityChange.objects.visible_to(other.approver).exists()
    assert FacilityChange.objects.visible_to(desk.team.operations).get() == change


def test_authority_bounds_the_limit_that_stands_afterwards():
    desk = make_desk(team=make_lender_team(authority=D(2_500_000)))
    change = ask(desk)
    with pytest.raises(BeyondAuthority) as caught:
        carry_out(desk, change)
    assert caught.value.numbers["amount"] == 3_000_000
    withdraw_change(change=change, note="too much", actor=desk.team.preparer, now=NOW)
    assert carry_out(desk, ask(desk, {"limit": D(2_500_000)})).limit == 2_500_000


def test_refused_and_withdrawn_changes_leave_the_terms():
    desk = make_desk()
    turned_down = refuse_change(
        change=ask(desk), note="not now", actor=desk.team.risk_officer, now=NOW
    )
    taken_back = withdraw_change(change=ask(desk), note="", actor=desk.team.preparer, now=NOW)
    assert (turned_down.state, turned_down.note, taken_back.state) == (
        "refused",
        "not now",
        "withdrawn",
    )
    for change in (turned_down, taken_back):
        with pytest.raises(TransitionRefused):
            carry_out(desk, change)
    assert desk.fresh().limit == 2_000_000


def test_no_session_changes_agreed_terms_itself():
    desk = make_desk()
    change = ask(desk)
    for statement in (
        'UPDATE lending_facility SET "limit" = 3000000',
        "UPDATE lending_facility SET watch_line = 0.8, call_line = 0.9",
        "UPDATE lending_facility SET release_factor = 1",
        "UPDATE lending_facility SET matures_on = '2040-01-01'",
    ):
        assert refused(statement) == "facility_terms_frozen_after_draft"
    assert (
        refused('UPDATE lending_facilitychange SET after = \'{"limit": "9"}\'')
        == "facilitychange_columns_frozen"
    )
    carry_out(desk, change)
    # Not even the values that were decided on once.
    back = ask(desk, {"limit": D(2_000_000)})
    carry_out(desk, back)
    assert (
        refused('UPDATE lending_facility SET "limit" = 3000000')
        == "facility_terms_frozen_after_draft"
    )


APPLY = "UPDATE lending_facilitychange SET state = 'applied', checker_id = %s, decided_at = now()"


def test_database_refuses_maker_inactive_stranger_and_small_authority():
    desk, other = make_desk(), make_lender_team()
    change = ask(desk)
    maker, approver = desk.team.preparer.person_id, desk.team.approver.person_id
    within = "facilitychange_within_the_checkers_authority"
    AuthorityLimit.objects.create(
        person_id=maker, act=Act.SET_LIMIT, currency="USD", amount=D(10_000_000)
    )
    assert refused(APPLY, maker) == "facility_change_checked_by_another_person"
    assert refused(APPLY, other.approver.person_id) == within
    assert refused(APPLY, desk.team.operations.person_id) == within
    Person.objects.filter(pk=approver).update(is_active=False)
    assert refused(APPLY, approver) == within
    Person.objects.filter(pk=approver).update(is_active=True)
    limits = AuthorityLimit.objects.filter(person_id=approver, act=Act.SET_LIMIT)
    limits.update(amount=D("2999999.99"))
    assert refused(APPLY, approver) == within
    limits.update(amount=D(3_000_000))
    with connection.cursor() as cursor:
        cursor.execute(APPLY, [approver])
    assert desk.fresh().limit == 3_000_000
    change.refresh_from_db()
    assert change.state == "applied"


def test_a_change_applies_only_to_the_terms_it_was_asked_against():
    desk = make_desk()
    stale = FacilityChange.objects.create(
        tenant=desk.team.lender,
        facility=desk.facility,
        before={"limit": "1"},
        after={"limit": "3000000"},
        reason="guess",
        maker_id=desk.team.preparer.person_id,
        requested_at=NOW,
    )
    with pytest.raises(TermsMovedOn):
        carry_out(desk, stale)
    assert desk.fresh().limit == 2_000_000
    assert FacilityChange.objects.get().state == "requested"


def test_database_refuses_activation_and_payment_beyond_authority():
    team = make_lender_team(authority=D(1_500_000))
    draft = make_draft(team=team)
    activate = "UPDATE lending_facility SET state = 'active', checker_id = %s WHERE id = %s"
    within = "facility_within_the_checkers_authority"
    assert refused(activate, team.approver.person_id, draft.pk) == within
    outsider = make_person(organisation=make_lender_team().lender)
    assert refused(activate, outsider.pk, draft.pk) == within

    desk = make_desk(team=team, limit=D(1_500_000))
    loan = make_loan(desk, principal=D(1_000_000))
    payment = request_payment(desk, loan, D(600_000))
    AuthorityLimit.objects.filter(act=Act.DISBURSE).update(amount=D("599999.99"))
    instruct = (
        "UPDATE lending_disbursement SET state = 'instructed', checker_id = %s, "
        "instructed_at = now(), value_on = '2016-03-01'"
    )
    assert (
        refused(instruct, team.approver.person_id) == "disbursement_within_the_checkers_authority"
    )
    AuthorityLimit.objects.filter(act=Act.DISBURSE).update(amount=D(600_000))
    Person.objects.filter(pk=team.approver.person_id).update(is_active=False)
    assert (
        refused(instruct, team.approver.person_id) == "disbursement_within_the_checkers_authority"
    )
    with pytest.raises(BeyondAuthority):
        approve_disbursement(disbursement=payment, on=START, actor=team.approver, now=NOW)


def test_database_refuses_a_write_off_beyond_authority():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1000))
    notice = propose_default(
        facility=desk.facility,
        cause=DefaultCause.INSOLVENCY,
        on=START,
        reference="court order 17",
        reason="insolvent",
        actor=desk.team.preparer,
        now=NOW,
    )
    declare_default(notice=notice, on=START, actor=desk.team.approver, now=NOW)
    asked = request_write_off(loan=loan, reason="gone", actor=desk.team.preparer, now=NOW)
    approver = desk.team.approver
    limits = AuthorityLimit.objects.filter(person_id=approver.person_id, act=Act.WRITE_OFF)
    limits.update(amount=D("999.99"))
    book = (
        "UPDATE lending_writeoff SET state = 'booked', checker_id = %s, decided_at = now(), "
        "booked_on = '2016-03-01'"
    )
    assert refused(book, approver.person_id) == "writeoff_within_the_checkers_authority"
    with pytest.raises(BeyondAuthority):
        approve_write_off(write_off=asked, on=START, actor=approver, now=NOW)
    limits.update(amount=D(1000))
    assert approve_write_off(write_off=asked, on=START, actor=approver, now=NOW).amount == 1000

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.idempotency import IdempotencyKeyReused
from common.states import TransitionRefused
from lending.models import Facility
from lending.refusals import (
    FacilityInUse,
    NotAnAmount,
    NotYourFacility,
    NumberTaken,
    PersonNeeded,
    TermsUnsound,
)
from lending.services.facilities import (
    activate_facility,
    close_facility,
    draft_facility,
    freeze_facility,
    unfreeze_facility,
)
from lending.services.loans import cancel_loan
from outbox.models import AuditEntry, Event
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from tests.factories.lending import (
    START,
    make_desk,
    make_draft,
    make_drawn_loan,
    make_facility,
    make_loan,
    make_terms,
    receive,
)
from tests.factories.parties import (
    NOW,
    SYSTEM,
    make_authority,
    make_borrower,
    make_lender_team,
    make_person,
)

pytestmark = pytest.mark.django_db

D = Decimal


def test_drafted_by_one_activated_by_another():
    team = make_lender_team()
    draft = make_draft(team=team, code="brand-2016")
    assert (draft.state, draft.checker, draft.exposure) == ("draft", None, 0)
    assert draft.waterfall == ["costs", "fees", "penalty", "interest", "principal"]
    active = activate_facility(facility=draft, actor=team.approver, now=NOW)
    assert (active.state, active.maker_id, active.checker_id) == (
        "active",
        team.preparer.person_id,
        team.approver.person_id,
    )
    assert list(
        Event.objects.filter(topic__startswith="lending").values_list("topic", flat=True)
    ) == [
        "lending.facility_drafted",
        "lending.facility_activated",
    ]
    journal = AuditEntry.objects.filter(object_type="lending.facility")
    assert list(journal.values_list("action", "tenant_id")) == [
        ("draft_facility", team.lender.pk),
        ("activate_facility", team.lender.pk),
    ]


def test_one_person_in_both_chairs_is_refused_by_service_and_database():
    team = make_lender_team()
    both = make_person(organisation=team.lender, roles=[Role.PREPARER, Role.APPROVER])
    make_authority(person=both, act=Act.SET_LIMIT, amount=D(10**9))
    draft = draft_facility(
        code="f",
        name="F",
        borrower=make_borrower(),
        terms=make_terms(),
        actor=Actor.of(both),
        now=NOW,
    )
    with pytest.raises(SamePerson):
        activate_facility(facility=draft, actor=Actor.of(both), now=NOW)
    rows = Facility.objects.filter(pk=draft.pk)
    with pytest.raises(IntegrityError, match="checked_by_another_person"), transaction.atomic():
        rows.update(state="active", checker=both)
    with pytest.raises(IntegrityError, match="beyond_draft_has_checker"), transaction.atomic():
        rows.update(state="active")
    assert rows.get().state == "draft"


def test_activation_needs_house_role_and_authority():
    team = make_lender_team(authority=D("1999999.99"))
    draft = make_draft(team=team)
    for refusal, actor in [
        (NotYourFacility, make_lender_team().approver),
        (NotAllowed, team.preparer),
        (BeyondAuthority, team.approver),
        (PersonNeeded, SYSTEM),
    ]:
        with pytest.raises(refusal):
            activate_facility(facility=draft, actor=actor, now=NOW)
    assert Facility.objects.get(pk=draft.pk).state == "draft"


@pytest.mark.parametrize(
    ("refusal", "field", "terms"),
    [
        (TermsUnsound, "currency", {"currency": "XXX"}),
        (NotAnAmount, "limit", {"limit": D(0)}),
        (NotAnAmount, "limit", {"limit": D("0.005")}),
        (NotAnAmount, "waiver_tolerance", {"waiver_tolerance": D(-1)}),
        (TermsUnsound, "products", {"products": []}),
        (TermsUnsound, "products", {"products": ["leasing"]}),
        (TermsUnsound, "waterfall", {"waterfall": ["principal", "interest"]}),
        (TermsUnsound, "annual_rate", {"annual_rate": D("-0.01")}),
        (TermsUnsound, "order_advance_rate", {"receivable_advance_rate": D("1.01")}),
        (TermsUnsound, "watch_line", {"watch_line": D("0.8")}),
        (TermsUnsound, "watch_line", {"watch_line": D("0.9"), "call_line": D("0.8")}),
        (TermsUnsound, "matures_on", {"matures_on": date(2016, 1, 1)}),
    ],
)
def test_unsound_terms(refusal, field, terms):
    with pytest.raises(refusal) as refused:
        make_draft(team=make_lender_team(), **terms)
    assert refused.value.field == field
    assert Facility.objects.count() == 0


def test_a_lender_does_not_lend_to_itself():
    team = make_lender_team()
    with pytest.raises(TermsUnsound) as refused:
        make_draft(team=team, borrower=team.lender)
    assert refused.value.field == "borrower"


def test_a_code_is_used_once_by_a_lender():
    team = make_lender_team()
    make_draft(team=team, code="f-1")
    with pytest.raises(NumberTaken):
        make_draft(team=team, code="f-1")
    make_draft(team=make_lender_team(), code="f-1")


def test_one_draft_for_one_key():
    team, borrower = make_lender_team(), make_borrower()

    def draft(limit):
        return draft_facility(
            code="f-1",
            name="F",
            borrower=borrower,
            terms=make_terms(limit=limit),
            actor=team.preparer,
            now=NOW,
            idempotency_key="form 1",
        )

    assert draft(D(100)) == draft(D("100.00"))
    with pytest.raises(IdempotencyKeyReused):
        draft(D(101))
    assert Facility.objects.count() == 1


def test_freezing_and_unfreezing():
    team = make_lender_team()
    facility = make_facility(team=team)
    with pytest.raises(NotAllowed):
        freeze_facility(facility=facility, reason="x", actor=team.preparer, now=NOW)
    frozen = freeze_facility(facility=facility, reason="x", actor=team.risk_officer, now=NOW)
    assert frozen.state == "frozen"
    with pytest.raises(NotAllowed):
        unfreeze_facility(facility=facility, reason="y", actor=team.risk_officer, now=NOW)
    active = unfreeze_facility(facility=facility, reason="y", actor=team.approver, now=NOW)
    assert active.state == "active"
    with pytest.raises(TransitionRefused):
        unfreeze_facility(facility=facility, reason="y", actor=team.approver, now=NOW)
    reasons = AuditEntry.objects.filter(action__endswith="freeze_facility")
    assert list(reasons.values_list("reason", flat=True)) == ["x", "y"]


def test_a_frozen_facility_is_still_repaid():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))
    freeze_facility(facility=desk.facility, reason="x", actor=desk.team.risk_officer, now=NOW)
    receive(desk, D(1000), on=START)
    assert desk.fresh().exposure == 0


def test_a_facility_closes_when_no_loan_is_open():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))
    agreed = make_loan(desk, principal=D(500))

    def close():
        return close_facility(facility=desk.facility, actor=desk.team.approver, now=NOW)

    with pytest.raises(FacilityInUse) as refused:
        close()
    assert refused.value.numbers == {"loans": 2}
    receive(desk, D(1000), on=START)
    cancel_loan(loan=agreed, reason="", actor=desk.team.preparer, now=NOW)
    assert close().state == "closed"
    with pytest.raises(TransitionRefused):
        close()

"""Default by two people, its healing by two people, write-off and what comes in after it."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.states import TransitionRefused
from ledger.models import Posting
from lending.models import DefaultNotice, Loan, Recovery, WriteOff
from lending.refusals import (
    DefaultStands,
    FacilityNotActive,
    LoanOwesNothing,
    MoreThanClaimed,
    NothingUnpaid,
    NotInDefault,
    ReasonMissing,
    ReferenceTaken,
    StillUnpaid,
    WriteOffAsked,
)
from lending.services.default import (
    ask_to_heal,
    declare_default,
    heal_default,
    propose_default,
    withdraw_default,
)
from lending.services.facilities import close_facility, freeze_facility
from lending.services.write_off import (
    approve_write_off,
    claimed_after_write_off,
    record_recovery,
    refuse_write_off,
    request_write_off,
)
from lending.states import DefaultCause
from outbox.models import Event
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from tests.factories.lending import (
    START,
    make_desk,
    make_drawn_loan,
    make_loan,
    receive,
    request_payment,
)
from tests.factories.parties import NOW, make_authority, make_person

pytestmark = pytest.mark.django_db

DUE = date(2016, 3, 31)
LATE = date(2016, 4, 1)


@pytest.fixture
def desk():
    return make_desk()


def propose(desk, cause=DefaultCause.INSOLVENCY, on=START, **changes):
    words = {"reference": "court order 17", "reason": "insolvent"} | changes
    return propose_default(
        facility=desk.facility, cause=cause, on=on, actor=desk.team.preparer, now=NOW, **words
    )


def default(desk, **proposal):
    notice = propose(desk, **proposal)
    on = proposal.get("on", START)
    return declare_default(notice=notice, on=on, actor=desk.team.approver, now=NOW)


def write_off(desk, loan, on=START):
    asked = request_write_off(
        loan=loan, reason="nothing is left", actor=desk.team.preparer, now=NOW
    )
    return approve_write_off(write_off=asked, on=on, actor=desk.team.approver, now=NOW)


def recover(desk, booked, amount, reference="FT-1"):
    return record_recovery(
        write_off=booked,
        amount=Decimal(amount),
        received_on=LATE,
        reference=reference,
        actor=desk.team.operations,
        now=NOW,
    )


def test_a_default_stops_drawing_and_leaves_owed_what_is_owed(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    open_loan = make_loan(desk, principal=Decimal(500))
    notice = default(desk)
    assert (notice.state, notice.exposure, notice.declared_on) == ("declared", 1000, START)
    assert desk.fresh().state == "defaulted"
    loan.refresh_from_db()
    assert (loan.state, loan.owed_principal) == ("drawn", 1000)

    with pytest.raises(FacilityNotActive):
        request_payment(desk, open_loan, Decimal(500))
    with pytest.raises(FacilityNotActive):
        make_loan(desk, principal=Decimal(1))
    topics = Event.objects.filter(topic__startswith="lending.default_").order_by("pk")
    assert list(topics.values_list("topic", flat=True)) == [
        "lending.default_proposed",
        "lending.default_declared",
    ]


def test_a_frozen_facility_can_default_too(desk):
    freeze_facility(facility=desk.facility, reason="watch", actor=desk.team.approver, now=NOW)
    default(desk)
    assert desk.fresh().state == "defaulted"


def test_who_proposed_may_not_declare(desk):
    notice = propose(desk)
    both = make_person(organisation=desk.team.lender, roles=[Role.PREPARER, Role.APPROVER])
    with pytest.raises(NotAllowed):
        declare_default(notice=notice, on=START, actor=desk.team.preparer, now=NOW)
    withdraw_default(notice=notice, actor=desk.team.preparer, now=NOW)
    own = propose_default(
        facility=desk.facility,
        cause="insolvency",
        reference="r",
        reason="why",
        on=START,
        actor=Actor.of(both),
        now=NOW,
    )
    with pytest.raises(SamePerson):
        declare_default(notice=own, on=START, actor=Actor.of(both), now=NOW)
    assert desk.fresh().state == "active"
    with pytest.raises(IntegrityError), transaction.atomic():
        DefaultNotice.objects.filter(pk=own.pk).update(
            state="declared", checker=both, declared_at=NOW, declared_on=START, exposure=0
        )


def test_one_notice_stands_at_a_time(desk):
    propose(desk)
    with pytest.raises(DefaultStands):
        propose(desk)
    assert DefaultNotice.objects.count() == 1


def test_unpaid_means_that_a_loan_is_overdue(desk):
    make_drawn_loan(desk, principal=Decimal(1000), due_on=DUE)
    with pytest.raises(NothingUnpaid):
        propose(desk, cause=DefaultCause.UNPAID, on=DUE)
    notice = default(desk, cause=DefaultCause.UNPAID, on=LATE)
    # 31 days at 9 % of actual/360, the last of them 4.5 % more: 7.75 + 0.13 = 7.88 (0.125 up)
    assert notice.exposure == Decimal("1007.88")


def test_what_is_paid_between_proposal_and_declaration_is_no_default(desk):
    make_drawn_loan(desk, principal=Decimal(1000), due_on=DUE)
    notice = propose(desk, cause=DefaultCause.UNPAID, on=LATE)
    receive(desk, Decimal("1007.88"), on=LATE)
    with pytest.raises(NothingUnpaid):
        declare_default(notice=notice, on=LATE, actor=desk.team.approver, now=NOW)
    assert desk.fresh().state == "active"


@pytest.mark.parametrize("empty", ["reference", "reason"])
def test_a_default_says_on_what_evidence_and_why(desk, empty):
    with pytest.raises(ReasonMissing) as info:
        propose(desk, **{empty: " "})
    assert info.value.field == empty


def test_a_default_is_healed_by_two_people_when_nothing_is_overdue(desk):
    make_drawn_loan(desk, principal=Decimal(1000), due_on=DUE)
    notice = default(desk, cause=DefaultCause.UNPAID, on=LATE)
    with pytest.raises(ReasonMissing):
        heal_default(notice=notice, on=LATE, actor=desk.team.approver, now=NOW)
    ask_to_heal(notice=notice, reason="paid", actor=desk.team.risk_officer, now=NOW)
    with pytest.raises(StillUnpaid) as info:
        heal_default(notice=notice, on=LATE, actor=desk.team.approver, now=NOW)
    assert info.value.numbers == {"overdue": Decimal("1007.88")}
    with pytest.raises(SamePerson):
        heal_default(notice=notice, on=LATE, actor=desk.team.risk_officer, now=NOW)
    receive(desk, Decimal("1007.88"), on=LATE)
    healed = heal_default(notice=notice, on=LATE, actor=desk.team.approver, now=NOW)
    assert (healed.state, desk.fresh().state) == ("healed", "active")
    make_loan(desk, principal=Decimal(1), on=START)


def test_a_facility_in_default_that_owes_nothing_can_be_closed(desk):
    default(desk)
    closed = close_facility(facility=desk.facility, actor=desk.team.approver, now=NOW)
    assert closed.state == "closed"


def test_a_write_off_takes_all_that_is_owed_off_the_books_and_keeps_the_claim(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000), due_on=DUE)
    default(desk)
    booked = write_off(desk, loan, on=LATE)
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total, desk.fresh().exposure) == ("written_off", 0, 0)
    assert (booked.state, booked.amount, booked.claimed) == (
        "booked",
        Decimal("1007.88"),
        Decimal("1007.88"),
    )
    assert dict(booked.parts.values_list("component", "amount")) == {
        "principal": 1000,
        "interest": Decimal("7.75"),
        "penalty": Decimal("0.13"),
    }
    lines = Posting.objects.filter(entry__kind="write_off").order_by("line_no")
    assert list(lines.values_list("debit_account__code", "credit_account__code", "amount")) == [
        ("write_off_expense", f"penalty:{loan.number}", Decimal("0.13")),
        ("write_off_expense", f"interest:{loan.number}", Decimal("7.75")),
        ("write_off_expense", f"principal:{loan.number}", 1000),
    ]


def test_what_comes_in_after_the_write_off_is_income_up_to_the_claim(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    default(desk)
    booked = write_off(desk, loan)
    recover(desk, booked, 400)
    assert claimed_after_write_off(desk.facility) == 600
    with pytest.raises(ReferenceTaken):
        recover(desk, booked, 1)
    with pytest.raises(MoreThanClaimed) as info:
        recover(desk, booked, "600.01", "FT-2")
    assert info.value.numbers["above"] == Decimal("0.01")
    recover(desk, booked, 600, "FT-2")
    assert claimed_after_write_off(desk.facility) == 0
    assert Recovery.objects.count() == 2
    income = Posting.objects.filter(credit_account__code="recovery_income")
    assert [row.amount for row in income.order_by("pk")] == [400, 600]


def test_only_a_facility_in_default_writes_off_what_a_loan_owes(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    ask = {"reason": "gone", "actor": desk.team.preparer, "now": NOW}
    with pytest.raises(NotInDefault):
        request_write_off(loan=loan, **ask)
    unpaid = make_loan(desk, principal=Decimal(10))
    default(desk)
    with pytest.raises(LoanOwesNothing):
        request_write_off(loan=unpaid, **ask)
    with pytest.raises(ReasonMissing):
        request_write_off(loan=loan, **(ask | {"reason": ""}))
    request_write_off(loan=loan, **ask)
    with pytest.raises(WriteOffAsked):
        request_write_off(loan=loan, **ask)


def test_a_write_off_needs_a_second_person_with_the_authority_for_all_of_it(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    default(desk)
    asked = request_write_off(loan=loan, reason="gone", actor=desk.team.risk_officer, now=NOW)
    with pytest.raises(SamePerson):
        approve_write_off(write_off=asked, on=START, actor=desk.team.risk_officer, now=NOW)
    junior = make_person(organisation=desk.team.lender, roles=[Role.APPROVER])
    make_authority(person=junior, act=Act.WRITE_OFF, amount=Decimal("999.99"))
    with pytest.raises(BeyondAuthority):
        approve_write_off(write_off=asked, on=START, actor=Actor.of(junior), now=NOW)
    loan.refresh_from_db()
    assert (loan.owed_total, loan.state) == (1000, "drawn")
    refused = refuse_write_off(write_off=asked, actor=desk.team.approver, now=NOW)
    assert refused.state == "refused"
    with pytest.raises(TransitionRefused):
        approve_write_off(write_off=asked, on=START, actor=desk.team.approver, now=NOW)
    assert write_off(desk, loan).claimed == 1000


def test_what_was_paid_meanwhile_is_not_written_off(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    default(desk)
    asked = request_write_off(loan=loan, reason="gone", actor=desk.team.preparer, now=NOW)
    receive(desk, Decimal(1000), on=START)
    with pytest.raises(LoanOwesNothing):
        approve_write_off(write_off=asked, on=START, actor=desk.team.approver, now=NOW)
    assert WriteOff.objects.get().state == "requested"
    assert Loan.objects.get().state == "repaid"


def test_the_borrower_sees_a_notice_once_it_is_given_and_a_stranger_never(desk):
    loan = make_drawn_loan(desk, principal=Decimal(1000))
    notice = propose(desk)
    borrower = Actor.of(make_person(organisation=desk.borrower, roles=[Role.PREPARER]))
    stranger = make_desk().team.approver
    assert not DefaultNotice.objects.visible_to(borrower).exists()
    declare_default(notice=notice, on=START, actor=desk.team.approver, now=NOW)
    assert DefaultNotice.objects.visible_to(borrower).exists()
    assert not DefaultNotice.objects.visible_to(stranger).exists()
    request_write_off(loan=loan, reason="gone", actor=desk.team.preparer, now=NOW)
    assert not WriteOff.objects.visible_to(borrower).exists()
    assert not WriteOff.objects.visible_to(stranger).exists()

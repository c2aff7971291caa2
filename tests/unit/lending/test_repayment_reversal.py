"""A repayment taken back: the loans stand as if it had never come, and the books say so."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import constraint_name
from ledger.models import Entry, Posting
from lending.models import Loan, RepaymentReversal
from lending.refusals import (
    AlreadyCounted,
    NotYourFacility,
    ReasonMissing,
    ReferenceTaken,
    RepaymentNotReversible,
)
from lending.services.fees import charge_fee
from lending.services.repayment_reversal import reverse_repayment
from parties.roles import Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from tests.factories.lending import START, accrue_through, make_desk, make_drawn_loan, receive
from tests.factories.parties import NOW, make_actor, make_lender_team

pytestmark = pytest.mark.django_db
D = Decimal
PAID = START + timedelta(days=10)
TODAY = START + timedelta(days=30)


def take_back(desk, repayment, *, on=TODAY, **changes):
    said = {
        "maker_id": desk.team.preparer.person_id,
        "reason": "cheque bounced",
        "actor": desk.team.approver,
        "now": NOW,
    }
    return reverse_repayment(repayment=repayment, on=on, **(said | changes))


def standing(loan):
    fresh = Loan.objects.get(pk=loan.pk)
    return {
        "state": fresh.state,
        "owed": fresh.owed,
        "posted": (fresh.interest_posted, fresh.penalty_posted),
        "through": fresh.accrued_through,
    }


def lent(**changes):
    """A desk with one loan of 360,000 (90 a day), and its twin that is never paid."""
    desk, twin = make_desk(), make_desk()
    loan, other = (make_drawn_loan(one, principal=D(360_000), **changes) for one in (desk, twin))
    return desk, loan, twin, other


def booked_since(start):
    rows = Posting.objects.filter(entry_id__gt=start).order_by("id")
    return list(
        rows.values_list(
            "entry__kind",
            "entry__booked_on",
            "debit_account__code",
            "credit_account__code",
            "amount",
        )
    )


@pytest.mark.parametrize("amount", ["500", "100900", "360900"])
def test_the_loan_stands_as_its_twin_that_was_never_paid(amount):
    desk, loan, twin, other = lent()
    repayment = receive(desk, D(amount), on=PAID)
    take_back(desk, repayment)
    accrue_through(twin, TODAY)
    assert standing(loan) == standing(other)
    assert standing(loan)["owed"]["interest"] == D(2_700)
    assert desk.fresh().exposure == twin.fresh().exposure == D(362_700)
    for days in (31, 200, 400):  # and goes on as its twin, past the due date too
        accrue_through(desk, START + timedelta(days=days))
        accrue_through(twin, START + timedelta(days=days))
        assert standing(loan) == standing(other)


def test_the_books_mirror_the_entry_today_and_name_the_value_date():
    desk, _loan, _twin, _other = lent(number="L-1")
    repayment = receive(desk, D(360_900), on=PAID)
    start = Entry.objects.latest("id").pk
    take_back(desk, repayment)
    assert booked_since(start) == [
        ("reversal", TODAY, "interest:L-1", "cash", D(900)),
        ("reversal", TODAY, "principal:L-1", "cash", D(360_000)),
        ("interest_corrected", TODAY, "interest:L-1", "interest_income", D(1_800)),
    ]
    mirror = Entry.objects.get(kind="reversal")
    assert mirror.narrative == f"cheque bounced (value date {PAID})"
    repayment.refresh_from_db()
    assert (repayment.reversed_at, repayment.reversal.reversed_on) == (NOW, TODAY)


def test_a_loan_past_its_day_is_overdue_again_with_its_penalty():
    due = START + timedelta(days=20)
    desk, loan, twin, other = lent(due_on=due)
    repayment = receive(desk, D(361_800), on=due)
    assert standing(loan)["state"] == "repaid"
    take_back(desk, repayment)
    accrue_through(twin, TODAY)
    assert standing(loan) == standing(other)
    assert standing(loan)["state"] == "overdue"
    assert standing(loan)["owed"]["penalty"] == D(450)  # ten days at 4.5 % on 360,000


def test_what_was_waived_with_it_is_owed_again():
    desk = make_desk(waiver_tolerance=D(50))
    loan = make_drawn_loan(desk, principal=D(360_000))
    repayment = receive(desk, D(360_850), on=PAID)
    assert standing(loan)["state"] == "repaid"
    take_back(desk, repayment, on=PAID)
    assert standing(loan)["owed"]["principal"] == D(360_000)
    assert standing(loan)["owed"]["interest"] == D(900)
    assert Posting.objects.filter(credit_account__code="waiver_expense").get().amount == D(50)


def test_money_recorded_late_is_taken_back_from_the_day_it_counted():
    desk, loan, twin, other = lent()
    accrue_through(desk, START + timedelta(days=25))
    repayment = receive(desk, D(100_900), on=PAID)
    assert repayment.allocations.first().counted_on == PAID
    take_back(desk, repayment)
    accrue_through(twin, TODAY)
    assert standing(loan) == standing(other)


def test_later_money_stands_as_it_was_shared_out():
    desk, loan, twin, other = lent()
    first = receive(desk, D(100_900), on=PAID)
    later = START + timedelta(days=20)
    receive(desk, D(260_650), on=later)  # 260,000 and ten days of 65
    assert standing(loan)["state"] == "repaid"
    take_back(desk, first)
    # 100,000 are missing since the first day of payment: 900 and 20 days at 25.
    assert standing(loan)["owed"]["principal"] == D(100_000)
    assert standing(loan)["owed"]["interest"] == D(900) + D(500)
    assert standing(loan)["state"] == "drawn"
    assert (twin.fresh().exposure, other.state) == (D(360_000), "drawn")


def test_fees_of_a_loan_not_yet_drawn_are_owed_again():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1_000))
    charge_fee(
        loan=loan,
        amount=D(25),
        component="fees",
        on=START,
        narrative="as agreed",
        actor=desk.team.preparer,
        now=NOW,
    )
    take_back(desk, receive(desk, D(25), on=START), on=START)
    assert standing(loan)["owed"]["fees"] == D(25)


def test_it_is_taken_back_once_and_its_reference_is_free_again():
    desk, _loan, _twin, _other = lent()
    repayment = receive(desk, D(900), on=PAID, reference="BANK-7")
    with pytest.raises(ReferenceTaken):
        receive(desk, D(1), on=PAID, reference="BANK-7")
    take_back(desk, repayment)
    entries = Entry.objects.count()
    with pytest.raises(RepaymentNotReversible):
        take_back(desk, repayment)
    assert (RepaymentReversal.objects.count(), Entry.objects.count()) == (1, entries)
    receive(desk, D(900), on=TODAY, reference="BANK-7")


def test_two_persons_of_the_lender_with_authority_and_a_reason():
    desk, loan, _twin, _other = lent()
    repayment = receive(desk, D(360_900), on=PAID)
    before, entries = standing(loan), Entry.objects.count()
    team = desk.team
    junior = make_actor(organisation=team.lender, roles=[Role.APPROVER])
    for refusal, changes in (
        (SamePerson, {"maker_id": team.approver.person_id}),
        (NotAllowed, {"actor": team.operations}),
        (BeyondAuthority, {"actor": junior}),
        (NotYourFacility, {"actor": make_lender_team().approver}),
        (ReasonMissing, {"reason": " "}),
        (RepaymentNotReversible, {"on": PAID - timedelta(days=1)}),
    ):
        with pytest.raises(refusal):
            take_back(desk, repayment, **changes)
    accrue_through(desk, TODAY)
    assert (standing(loan), Entry.objects.count()) == (before, entries)
    assert RepaymentReversal.objects.count() == 0


def test_a_day_that_is_counted_already_is_refused():
    desk, _loan, _twin, _other = lent()
    repayment = receive(desk, D(900), on=PAID)
    accrue_through(desk, TODAY)
    with pytest.raises(AlreadyCounted):
        take_back(desk, repayment, on=TODAY - timedelta(days=1))


def test_a_refinancing_and_proceeds_are_undone_otherwise():
    desk, _loan, _twin, _other = lent()
    repayment = receive(desk, D(900), on=PAID)
    for source in ("refinance", "proceeds"):
        repayment.source = source
        with pytest.raises(RepaymentNotReversible):
            take_back(desk, repayment)


def test_the_database_keeps_reversals_and_what_they_undid():
    desk, _loan, _twin, _other = lent()
    repayment = receive(desk, D(360_900), on=PAID)
    columns = "(tenant_id, repayment_id, reversed_on, reason, maker_id, checker_id, recorded_at)"
    junior = make_actor(organisation=desk.team.lender, roles=[Role.APPROVER]).person_id
    maker, checker = desk.team.preparer.person_id, desk.team.approver.person_id

    def insert(day, who, why="bounced", maker=maker):
        return (
            f"INSERT INTO lending_repaymentreversal {columns} VALUES ({repayment.tenant_id}, "
            f"{repayment.pk}, '{day}', '{why}', {maker}, {who}, now())"
        )

    for sql, constraint in (
        ("UPDATE lending_repayment SET reversed_at = now()", "repayment_reversed_by_its_reversal"),
        ("UPDATE lending_repayment SET amount = 1", "repayment_columns_frozen"),
        ("DELETE FROM lending_repayment", "repayment_rows_never_change"),
        (insert(TODAY, checker, maker=checker), "repayment_reversal_checked_by_another_person"),
        (insert(TODAY, checker, ""), "repayment_reversal_says_why"),
        (
            insert(date(2016, 3, 2), checker),
            "repaymentreversal_undoes_money_of_its_lender",
        ),
        (insert(TODAY, junior), "repaymentreversal_within_the_checkers_authority"),
    ):
        with (
            pytest.raises(IntegrityError) as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert constraint_name(caught.value) == constraint
    take_back(desk, repayment)
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM lending_repaymentreversal")

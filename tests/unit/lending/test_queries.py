from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lending.models import Facility, Loan, Repayment
from lending.queries import (
    get_facility,
    list_disbursements,
    list_facilities,
    list_loans,
    loan_statement,
)
from lending.services.fees import charge_fee
from parties.actors import Actor
from parties.roles import Role
from tests.factories.lending import (
    START,
    accrue_through,
    make_desk,
    make_drawn_loan,
    make_facility,
    receive,
)
from tests.factories.parties import NOW, SYSTEM, make_actor, make_lender_team, make_platform

pytestmark = pytest.mark.django_db

D = Decimal
NOBODY = Actor(label="nobody")


def test_lender_and_borrower_see_a_facility_and_nobody_else():
    desk, other = make_desk(), make_desk()
    for own in (desk, other):
        make_drawn_loan(own, principal=D(1000))
        receive(own, D(10), on=START)
    borrower = make_actor(organisation=desk.borrower)
    supplier = make_actor(organisation=desk.supplier)
    platform = make_actor(organisation=make_platform(), roles=[Role.AUDITOR])
    for actor, facilities, payments in [
        (desk.team.auditor, {desk.facility}, 1),
        (borrower, {desk.facility}, 1),
        (supplier, set(), 0),
        (NOBODY, set(), 0),
        (platform, {desk.facility, other.facility}, 2),
        (SYSTEM, {desk.facility, other.facility}, 2),
    ]:
        assert set(list_facilities(actor)) == facilities
        assert {loan.facility for loan in list_loans(actor)} == facilities
        assert {r.facility for r in Repayment.objects.visible_to(actor)} == facilities
        assert list_disbursements(actor).count() == payments


def test_the_payee_sees_its_payment_but_not_the_loan():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000), product="order")
    supplier = make_actor(organisation=desk.supplier)
    assert list_disbursements(supplier, desk.facility).get().amount == D(1000)
    assert not list_loans(supplier).exists()


def test_a_foreign_facility_is_as_missing_as_none():
    desk = make_desk(code="secret")
    assert get_facility(desk.team.auditor, "secret") == desk.facility
    stranger = make_lender_team().auditor
    for actor, code in [(stranger, "secret"), (desk.team.auditor, "none"), (NOBODY, "secret")]:
        with pytest.raises(Facility.DoesNotExist):
            get_facility(actor, code)


def test_two_lenders_may_use_one_code_for_one_borrower():
    desk = make_desk(code="same")
    other = make_lender_team()
    second = make_facility(team=other, borrower=desk.borrower, code="same")
    borrower = make_actor(organisation=desk.borrower)
    assert get_facility(borrower, "same", lender=other.lender.code) == second


def test_loans_of_one_facility_oldest_first():
    desk = make_desk()
    late = make_drawn_loan(desk, principal=D(1), on=date(2016, 4, 1))
    early = make_drawn_loan(desk, principal=D(1), on=date(2016, 3, 1))
    assert list(list_loans(desk.team.auditor, desk.facility)) == [early, late]


def statement(desk, loan, **period):
    rows = loan_statement(desk.team.auditor, loan, **period)
    return [
        (row.on.day, row.what, row.component, row.debit, row.credit, row.balance, row.total)
        for row in rows
    ]


def test_a_statement_with_running_balances():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    charge_fee(
        loan=loan,
        amount=D(100),
        component="fees",
        on=START,
        narrative="arrangement",
        actor=desk.team.preparer,
        now=NOW,
    )
    accrue_through(desk, date(2016, 3, 2))
    receive(desk, D(60_190), on=date(2016, 3, 3))
    rows = [
        (1, "disbursement_instructed", "principal", 360_000, 0, 360_000, 360_000),
        (1, "fee_charged", "fees", 100, 0, 100, 360_100),
        (2, "accrual", "interest", 90, 0, 90, 360_190),
        (3, "accrual", "interest", 90, 0, 180, 360_280),
        (3, "repayment", "fees", 0, 100, 0, 360_180),
        (3, "repayment", "interest", 0, 180, 0, 360_000),
        (3, "repayment", "principal", 0, 59_910, 300_090, 300_090),
    ]
    assert statement(desk, loan) == rows
    # A period begins with what went before it.
    assert statement(desk, loan, start=date(2016, 3, 2), until=date(2016, 3, 2)) == rows[2:3]
    with CaptureQueriesContext(connection) as captured:
        statement(desk, loan)
    assert len(captured) == 3


def test_no_statement_for_strangers():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1000))
    with pytest.raises(Loan.DoesNotExist):
        loan_statement(make_lender_team().auditor, loan)

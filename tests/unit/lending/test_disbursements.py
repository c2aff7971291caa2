from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from common.states import TransitionRefused
from ledger.models import Entry, Posting
from lending.models import Disbursement, Facility, Loan
from lending.refusals import (
    AboveAgreed,
    AboveLimit,
    BankReferenceMissing,
    FacilityNotActive,
    LoanNotDrawable,
    NotAnAmount,
    NotPayeesAccount,
    NotYourFacility,
    PayeeIsBorrower,
    WrongCurrency,
)
from lending.services.disbursements import (
    approve_disbursement,
    confirm_payment,
    refuse_disbursement,
    request_disbursement,
    return_payment,
)
from lending.services.facilities import freeze_facility
from lending.states import Product
from parties.actors import Actor
from parties.roles import Act, Role
from parties.services.authority import BeyondAuthority, NotAllowed, SamePerson
from tests.factories.lending import (
    DUE,
    START,
    make_desk,
    make_drawn_loan,
    make_loan,
    pay_out,
    request_payment,
)
from tests.factories.parties import (
    NOW,
    make_authority,
    make_bank_account,
    make_lender_team,
    make_person,
)

pytestmark = pytest.mark.django_db

D = Decimal
HUNDRED = D(100)


def booked():
    """All postings as (entry kind, date, debit, credit, amount)."""
    rows = Posting.objects.order_by("id").select_related("entry", "debit_account", "credit_account")
    return [
        (p.entry.kind, p.entry.booked_on, p.debit_account.code, p.credit_account.code, p.amount)
        for p in rows
    ]


def ask(desk, loan, amount=HUNDRED, *, payee=None, account=None, actor=None):
    return request_disbursement(
        loan=loan,
        payee=payee or desk.supplier,
        account=account or desk.supplier_account,
        amount=amount,
        purpose="foil",
        actor=actor or desk.team.preparer,
        now=NOW,
    )


def approve(desk, request, *, on=START, actor=None):
    return approve_disbursement(
        disbursement=request, on=on, actor=actor or desk.team.approver, now=NOW
    )


def test_from_request_to_payment():
    desk = make_desk()
    loan = make_loan(desk, principal=D("600000"), product=Product.ORDER, number="L-1")
    request = ask(desk, loan, D("180000"))
    assert request.state == "requested"
    assert (desk.fresh().exposure, booked()) == (D(0), [])

    instructed = approve(desk, request)
    loan.refresh_from_db()
    assert (instructed.state, instructed.value_on) == ("instructed", START)
    assert (loan.state, loan.drawn, loan.owed_principal) == ("drawn", D(180000), D(180000))
    assert (loan.accrues_from, loan.accrued_through) == (START, START)
    assert desk.fresh().exposure == D(180000)

    with pytest.raises(BankReferenceMissing):
        confirm_payment(
            disbursement=request,
            bank_reference=" ",
            paid_on=START,
            actor=desk.team.operations,
            now=NOW,
        )
    paid = confirm_payment(
        disbursement=request,
        bank_reference="FT-77",
        paid_on=date(2016, 3, 2),
        actor=desk.team.operations,
        now=NOW,
    )
    assert (paid.state, paid.bank_reference) == ("paid", "FT-77")
    assert booked() == [
        ("disbursement_instructed", START, "principal:L-1", "clearing", D(180000)),
        ("disbursement_paid", date(2016, 3, 2), "clearing", "cash", D(180000)),
    ]
    with pytest.raises(TransitionRefused):
        confirm_payment(
            disbursement=request,
            bank_reference="FT-77",
            paid_on=START,
            actor=desk.team.operations,
            now=NOW,
        )


def test_order_finance_never_pays_the_borrower():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), product=Product.ORDER)
    with pytest.raises(PayeeIsBorrower) as refused:
        ask(desk, loan, payee=desk.borrower, account=desk.borrower_account)
    assert refused.value.field == "payee"
    assert Disbursement.objects.count() == 0


INSERT = """
    INSERT INTO lending_disbursement (tenant_id, loan_id, product, borrower_id, payee_id,
        account_id, amount, purpose, maker_id, requested_at, bank_reference, reason, state)
    VALUES (%(tenant)s, %(loan)s, %(product)s, %(borrower)s, %(payee)s, %(account)s, 100, 'x',
            %(maker)s, now(), '', '', 'requested')
"""


def insert_raw(desk, loan, **changes):
    values = {
        "tenant": loan.tenant_id,
        "loan": loan.pk,
        "product": loan.product,
        "borrower": desk.borrower.pk,
        "payee": desk.borrower.pk,
        "account": desk.borrower_account.pk,
        "maker": desk.team.preparer.person_id,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, values | changes)


def test_the_database_refuses_order_finance_to_the_borrower():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), product=Product.ORDER)
    with pytest.raises(IntegrityError, match="disbursement_of_order_finance_not_to_borrower"):
        insert_raw(desk, loan)
    insert_raw(desk, loan, payee=desk.supplier.pk, account=desk.supplier_account.pk)


def test_the_copies_that_the_check_reads_cannot_lie():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), product=Product.ORDER)
    euros = make_bank_account(organisation=desk.supplier, currency="EUR")
    lies = [
        {"product": "pledge"},
        {"borrower": desk.supplier.pk},
        {"payee": desk.supplier.pk},  # with the borrower's account
        {"payee": desk.supplier.pk, "account": euros.pk},
        {"tenant": desk.supplier.pk, "payee": desk.supplier.pk},
    ]
    for lie in lies:
        with pytest.raises(IntegrityError, match="belong to the loan and the payee"):
            insert_raw(desk, loan, **lie)
    assert Disbursement.objects.count() == 0


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("lending_disbursement", "product = 'pledge'"),
        ("lending_disbursement", "payee_id = borrower_id"),
        ("lending_disbursement", "amount = amount + 1"),
        ("lending_loan", "product = 'pledge'"),
        ("lending_loan", "annual_rate = 0"),
        ("lending_loan", "principal = principal + 1"),
        ("lending_facility", "borrower_id = tenant_id"),
        ("lending_facility", '"limit" = "limit" + 1'),
        ("lending_facility", "waiver_tolerance = 1000000"),
        ("lending_facility", "state = 'draft'"),
        ("lending_disbursement", "state = 'paid'"),
        ("lending_loan", "state = 'repaid'"),
    ],
)
def test_what_was_agreed_cannot_be_changed_by_sql(table, change):
    desk = make_desk()
    request_payment(desk, make_loan(desk, principal=D(1000), product=Product.ORDER), D(10))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")


def test_requests_are_refused_with_reasons():
    desk = make_desk()
    other = make_desk(currency="EUR")
    loan = make_loan(desk, principal=D(1000), product=Product.PLEDGE)
    euros = make_bank_account(organisation=desk.supplier, currency="EUR")
    cases = [
        (NotPayeesAccount, {"payee": desk.supplier, "account": desk.borrower_account}),
        (WrongCurrency, {"payee": desk.supplier, "account": euros}),
        (AboveAgreed, {"amount": D("1000.01")}),
        (NotAnAmount, {"amount": D("0")}),
        (NotAnAmount, {"amount": D("-5")}),
        (NotAnAmount, {"amount": D("10.001")}),
        (NotAnAmount, {"amount": D("NaN")}),
        (NotYourFacility, {"actor": other.team.preparer}),
        (NotAllowed, {"actor": desk.team.auditor}),
    ]
    for refusal, changes in cases:
        with pytest.raises(refusal):
            ask(desk, loan, **changes)
    assert Disbursement.objects.count() == 0
    with pytest.raises(AboveAgreed) as refused:
        ask(desk, loan, D("1200"))
    assert "may still draw 1,000.00, asked 1,200.00, above by 200.00" in str(refused.value)


def test_nobody_approves_their_own_request():
    desk = make_desk()
    both = make_person(organisation=desk.team.lender, roles=[Role.PREPARER, Role.APPROVER])
    make_authority(person=both, act=Act.DISBURSE, amount=D(10_000))
    loan = make_loan(desk, principal=D(1000))
    request = ask(desk, loan, actor=Actor.of(both))
    with pytest.raises(SamePerson):
        approve(desk, request, actor=Actor.of(both))
    itself = pytest.raises(IntegrityError, match="disbursement_checked_by_another_person")
    with itself, transaction.atomic():
        Disbursement.objects.filter(pk=request.pk).update(checker=both)
    request.refresh_from_db()
    assert (request.state, desk.fresh().exposure, Entry.objects.count()) == ("requested", 0, 0)


def test_approval_needs_role_house_and_authority():
    desk = make_desk(team=make_lender_team(authority=D(2_000_000)))
    stranger = make_lender_team().approver
    junior = make_person(organisation=desk.team.lender, roles=[Role.APPROVER])
    make_authority(person=junior, act=Act.DISBURSE, amount=D("99.99"))
    request = ask(desk, make_loan(desk, principal=D(1000)), D(100))
    for refusal, actor in [
        (NotAllowed, desk.team.operations),
        (NotYourFacility, stranger),
        (BeyondAuthority, Actor.of(junior)),
    ]:
        with pytest.raises(refusal):
            approve(desk, request, actor=actor)
    assert Entry.objects.count() == 0
    assert approve(desk, request).state == "instructed"


def test_a_draw_above_the_limit_says_by_how_much():
    # Both loans fit when agreed; interest then takes the room of the second one.
    desk = make_desk(limit=D("1000000"))
    make_drawn_loan(desk, principal=D("900000"))
    second = make_loan(desk, principal=D("100000"))
    request = request_payment(desk, second, D("100000"))
    with pytest.raises(AboveLimit) as refused:
        approve(desk, request, on=date(2016, 3, 31))
    # 900,000 × 9 % × 30/360 = 6,750
    assert str(refused.value) == (
        "limit 1,000,000.00, exposure 906,750.00, asked 100,000.00, above by 6,750.00"
    )
    assert refused.value.numbers == {
        "limit": D("1000000"),
        "exposure": D("906750"),
        "asked": D("100000"),
        "above": D("6750"),
    }
    request.refresh_from_db()
    second.refresh_from_db()
    assert (request.state, second.state, desk.fresh().exposure) == ("requested", "agreed", 900000)
    assert Entry.objects.count() == 1  # not even the interest counted on the way stays


def test_a_frozen_facility_draws_nothing():
    desk = make_desk()
    request = request_payment(desk, make_loan(desk, principal=D(1000)), D(1000))
    freeze_facility(
        facility=desk.facility, reason="insolvency", actor=desk.team.risk_officer, now=NOW
    )
    with pytest.raises(FacilityNotActive):
        approve(desk, request)
    assert Facility.objects.get(pk=desk.facility.pk).exposure == 0


def test_nothing_is_drawn_after_the_due_date():
    desk = make_desk()
    request = request_payment(desk, make_loan(desk, principal=D(1000)), D(1000))
    with pytest.raises(LoanNotDrawable):
        approve(desk, request, on=date(2016, 8, 29))
    assert approve(desk, request, on=DUE).value_on == DUE


def test_staged_draws_of_one_loan():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), product=Product.ORDER)
    pay_out(desk, loan, D(300))
    pay_out(desk, loan, D(700), on=date(2016, 3, 11))
    loan.refresh_from_db()
    # 300 × 9 % × 10/360 = 0.75 counted before the second stage
    assert (loan.drawn, loan.owed_principal, loan.owed_interest) == (D(1000), D(1000), D("0.75"))
    assert desk.fresh().exposure == D("1000.75")
    with pytest.raises(AboveAgreed):
        request_payment(desk, loan, D("0.01"))


def test_two_requests_for_the_same_rest_only_one_is_paid():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000))
    first, second = request_payment(desk, loan, D(800)), request_payment(desk, loan, D(800))
    approve(desk, first)
    with pytest.raises(AboveAgreed) as refused:
        approve(desk, second)
    assert refused.value.numbers == {"available": D(200), "asked": D(800), "above": D(600)}


def test_approving_twice_with_one_key_pays_once():
    desk = make_desk()
    request = request_payment(desk, make_loan(desk, principal=D(1000)), D(1000))
    for _attempt in range(2):
        again = approve_disbursement(
            disbursement=request,
            on=START,
            actor=desk.team.approver,
            now=NOW,
            idempotency_key="click",
        )
        assert again.state == "instructed"
    assert desk.fresh().exposure == 1000
    with pytest.raises(TransitionRefused):
        approve(desk, request)


def test_a_refused_request_stays_refused():
    desk = make_desk()
    request = request_payment(desk, make_loan(desk, principal=D(1000)), D(1000))
    refused = refuse_disbursement(
        disbursement=request, reason="no registration", actor=desk.team.approver, now=NOW
    )
    assert (refused.state, refused.reason) == ("refused", "no registration")
    with pytest.raises(TransitionRefused):
        approve(desk, request)
    assert Entry.objects.count() == 0


def test_a_payment_the_bank_sends_back_is_owed_no_more():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), number="L-2")
    payment = pay_out(desk, loan, D(1000))
    returned = return_payment(
        disbursement=payment,
        reason="account closed",
        on=date(2016, 3, 5),
        actor=desk.team.operations,
        now=NOW,
    )
    loan.refresh_from_db()
    # four days' interest at 9 %: 1.00
    assert (returned.state, loan.drawn, loan.owed_principal) == ("returned", 0, 0)
    assert (loan.owed_interest, desk.fresh().exposure) == (D("1.00"), D("1.00"))
    assert booked()[-1] == (
        "disbursement_returned",
        date(2016, 3, 5),
        "clearing",
        "principal:L-2",
        D(1000),
    )
    pay_out(desk, loan, D(1000), on=date(2016, 3, 6))
    assert Loan.objects.get(pk=loan.pk).owed_principal == 1000

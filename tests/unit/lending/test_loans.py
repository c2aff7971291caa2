from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from common.states import TransitionRefused
from ledger.models import Entry
from lending.models import Disbursement, Loan
from lending.refusals import (
    AboveLimit,
    FacilityNotActive,
    FacilityPastMaturity,
    LoanStillOwes,
    NotAnAmount,
    NotInThisFacility,
    NotYourFacility,
    NumberTaken,
    ProductNotAllowed,
    TermsUnsound,
)
from lending.services.disbursements import approve_disbursement
from lending.services.fees import charge_fee
from lending.services.loans import agree_loan, cancel_loan, give_up_undrawn
from lending.states import Product
from parties.services.authority import NotAllowed
from tests.factories.lending import (
    DUE,
    START,
    Desk,
    make_desk,
    make_draft,
    make_drawn_loan,
    pay_out,
    receive,
    request_payment,
)
from tests.factories.parties import NOW, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal
DAY = timedelta(days=1)


def agree(desk, **changes):
    values = {
        "facility": desk.facility,
        "product": Product.PLEDGE,
        "principal": D(1000),
        "due_on": DUE,
        "on": START,
        "actor": desk.team.preparer,
        "now": NOW,
    }
    return agree_loan(**(values | changes))


def test_a_loan_takes_its_price_from_the_facility():
    desk = make_desk(code="brand")
    loan = agree(desk)
    assert (loan.number, loan.state, loan.annual_rate, loan.penalty_rate) == (
        "brand-0001",
        "agreed",
        D("0.09"),
        D("0.045"),
    )
    assert agree(desk, annual_rate=D("0.06")).annual_rate == D("0.06")
    assert desk.fresh().exposure == 0


def test_a_long_code_still_numbers_its_loans():
    desk = make_desk(code="a-code-of-exactly-forty-characters-long-")
    assert agree(desk).number == f"F{desk.facility.pk}-0001"


def test_what_is_agreed_and_undrawn_counts():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1_700_000))
    with pytest.raises(AboveLimit) as refused:
        agree(desk, principal=D(400_000))
    assert str(refused.value) == (
        "limit 2,000,000.00, exposure 1,700,000.00, asked 400,000.00, above by 100,000.00"
    )
    agree(desk, principal=D(200_000))
    with pytest.raises(AboveLimit) as refused:
        agree(desk, principal=D("100000.01"))
    assert str(refused.value) == (
        "limit 2,000,000.00, exposure 1,700,000.00, agreed but not drawn 200,000.00, "
        "asked 100,000.01, above by 0.01"
    )
    agree(desk, principal=D(100_000))


def test_peer_scenario_2_two_draws_then_a_third_after_repayment():
    desk = make_desk(limit=D(1_000_000), annual_rate=D("0.135"))
    first = make_drawn_loan(desk, principal=D(500_000))
    second = make_drawn_loan(desk, principal=D(500_000))
    drawn = Entry.objects.filter(kind="disbursement_instructed")
    assert [entry.reference for entry in drawn.order_by("id")] == [first.number, second.number]
    with pytest.raises(AboveLimit) as refused:
        agree(desk, principal=D("0.01"))
    assert refused.value.numbers["above"] == D("0.01")

    # Repaid on 31 March with interest to that day, not counting it: 30 days at 13.5 %.
    repayment = receive(desk, D("505625.00"), on=date(2016, 3, 31), loans=[first])
    assert list(repayment.allocations.values_list("component", "amount")) == [
        ("interest", D("5625.00")),
        ("principal", D("500000.00")),
    ]
    third = agree(desk, principal=D("494375.00"), on=date(2016, 3, 31))
    pay_out(desk, third, D("494375.00"), on=date(2016, 3, 31))
    # The second loan's own 5,625.00 of interest is exposure, too: the limit is full again.
    assert desk.fresh().exposure == D("1000000.00")


def test_what_a_facility_does_not_allow():
    desk = make_desk(products=[Product.PLEDGE], matures_on=date(2016, 12, 31))
    cases = [
        (ProductNotAllowed, {"product": Product.ORDER}),
        (FacilityPastMaturity, {"due_on": date(2017, 1, 1)}),
        (FacilityPastMaturity, {"on": date(2015, 12, 31)}),
        (TermsUnsound, {"due_on": START}),
        (NotAnAmount, {"principal": D(0)}),
        (NotAnAmount, {"principal": D(-10)}),
        (NotAnAmount, {"principal": D("1.005")}),
        (NotYourFacility, {"actor": make_lender_team().preparer}),
        (NotAllowed, {"actor": desk.team.operations}),
        (FacilityNotActive, {"facility": make_draft(team=desk.team)}),
    ]
    for refusal, changes in cases:
        with pytest.raises(refusal):
            agree(desk, **changes)
    assert Loan.objects.count() == 0


def test_a_number_is_used_once_by_a_lender():
    desk = make_desk()
    agree(desk, number="L-1")
    with pytest.raises(NumberTaken):
        agree(desk, number="L-1")
    agree(make_desk(), number="L-1")


def test_a_loan_belongs_to_its_facility_s_lender():
    desk = make_desk()
    loan = agree(desk)
    copy = {f.name: getattr(loan, f.name) for f in Loan._meta.concrete_fields if f.name != "id"}
    with pytest.raises(IntegrityError, match="its facility's lender"), transaction.atomic():
        Loan.objects.create(**(copy | {"tenant": desk.supplier, "number": "stolen"}))


def test_what_is_refinanced_makes_room():
    desk, other = make_desk(), make_desk()
    old = make_drawn_loan(desk, principal=D(1_900_000))
    with pytest.raises(AboveLimit):
        agree(desk, principal=D(1_500_000))
    agree(desk, principal=D(1_500_000), refinances=[old])
    foreign = make_drawn_loan(other, principal=D(1000))
    with pytest.raises(NotInThisFacility):
        agree(desk, refinances=[foreign])


def test_an_undrawn_loan_can_be_cancelled_with_its_requests():
    desk = make_desk(limit=D(1000))
    loan = agree(desk)
    request = request_payment(desk, loan, D(1000))
    cancelled = cancel_loan(
        loan=loan, reason="order fell through", actor=desk.team.preparer, now=NOW
    )
    assert cancelled.state == "cancelled"
    assert Disbursement.objects.get(pk=request.pk).state == "refused"
    agree(desk)  # the limit is free again


def test_a_loan_that_owes_or_was_drawn_is_not_cancelled():
    desk = make_desk()
    charged = agree(desk)
    charge_fee(
        loan=charged,
        amount=D(5),
        component="fees",
        on=START,
        narrative="",
        actor=desk.team.preparer,
        now=NOW,
    )
    with pytest.raises(LoanStillOwes):
        cancel_loan(loan=charged, reason="", actor=desk.team.preparer, now=NOW)
    drawn = make_drawn_loan(desk, principal=D(1000))
    receive(desk, D(1000), on=START, loans=[drawn])
    with pytest.raises(TransitionRefused):
        cancel_loan(loan=drawn, reason="", actor=desk.team.preparer, now=NOW)


def give_up(desk: Desk, loan: Loan) -> Loan:
    return give_up_undrawn(
        loan=loan,
        on=START + DAY,
        reason="second stage not needed",
        actor=desk.team.preparer,
        now=NOW,
    )


def test_giving_up_what_is_not_drawn():
    desk = make_desk(limit=D(1000))
    loan = agree(desk)
    pay_out(desk, loan, D(300))
    request = request_payment(desk, loan, D(700))
    cut = give_up(desk, loan)
    assert (cut.principal, cut.state) == (D(300), "drawn")
    with pytest.raises(TransitionRefused):
        approve_disbursement(disbursement=request, on=START, actor=desk.team.approver, now=NOW)
    agree(desk, principal=D(700))


def test_giving_up_the_rest_ends_a_loan_that_owes_nothing():
    desk = make_desk()
    loan = agree(desk)
    pay_out(desk, loan, D(300))
    receive(desk, D(300), on=START)
    assert give_up(desk, loan).state == "repaid"
    with pytest.raises(TransitionRefused):
        give_up(desk, loan)
    assert give_up(desk, agree(desk)).state == "cancelled"


def test_a_fee_is_charged_to_open_loans_only_and_to_two_components():
    desk = make_desk()
    loan = agree(desk)

    def charge(**changes):
        values = {
            "loan": loan,
            "amount": D(5),
            "component": "fees",
            "on": START,
            "narrative": "x",
            "actor": desk.team.preparer,
            "now": NOW,
        }
        return charge_fee(**(values | changes))

    for component in ("interest", "principal", "rent"):
        with pytest.raises(TermsUnsound):
            charge(component=component)
    with pytest.raises(NotAnAmount):
        charge(amount=D("-1"))
    charge(idempotency_key="one")
    charge(idempotency_key="one")
    assert charge(component="costs").owed == {
        "costs": D(5),
        "fees": D(5),
        "penalty": 0,
        "interest": 0,
        "principal": 0,
    }

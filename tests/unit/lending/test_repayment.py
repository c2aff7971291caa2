from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common.idempotency import IdempotencyKeyReused
from ledger.models import Entry, Posting
from lending import hooks
from lending.models import Loan, Repayment, RepaymentAllocation, Waiver
from lending.queries import quote_payoff
from lending.refusals import (
    MoreThanOwed,
    NotAnAmount,
    NotInThisFacility,
    NotYourFacility,
    ReferenceTaken,
)
from lending.services.fees import charge_fee
from lending.services.repayment import repay
from lending.states import Product
from parties.services.authority import NotAllowed
from tests.factories.lending import (
    START,
    accrue_through,
    make_desk,
    make_drawn_loan,
    make_loan,
    pay_out,
    receive,
)
from tests.factories.parties import NOW, SYSTEM, make_lender_team

pytestmark = pytest.mark.django_db

D = Decimal
DAY = timedelta(days=1)


def paid(repayment):
    rows = repayment.allocations.order_by("id").select_related("loan")
    return [(row.loan.number, row.component, row.amount) for row in rows]


def owed(loan):
    """Costs, fees, penalty, interest, principal of the loan in the database."""
    fresh = Loan.objects.get(pk=loan.pk)
    return [
        fresh.owed_costs,
        fresh.owed_fees,
        fresh.owed_penalty,
        fresh.owed_interest,
        fresh.owed_principal,
    ]


def charge(desk, loan, amount, component):
    return charge_fee(
        loan=loan,
        amount=amount,
        component=component,
        on=START,
        narrative="as agreed",
        actor=desk.team.preparer,
        now=NOW,
    )


def booked(kind):
    rows = Posting.objects.filter(entry__kind=kind).order_by("id")
    return list(
        rows.values_list(
            "entry__booked_on", "debit_account__code", "credit_account__code", "amount"
        )
    )


def test_the_waterfall_over_two_loans():
    desk = make_desk()
    old = make_drawn_loan(desk, principal=D(360_000), due_on=date(2016, 3, 11), number="OLD")
    new = make_drawn_loan(desk, principal=D(720_000), on=date(2016, 3, 6), number="NEW")
    charge(desk, new, D(300), "fees")
    charge(desk, old, D(50), "costs")
    # By 21 March: OLD 20 days at 90, 10 days late at 45; NEW 15 days at 180.
    repayment = receive(desk, D("105300"), on=date(2016, 3, 21))
    assert paid(repayment) == [
        ("OLD", "costs", D(50)),
        ("NEW", "fees", D(300)),
        ("OLD", "penalty", D(450)),
        ("OLD", "interest", D(1800)),
        ("NEW", "interest", D(2700)),
        ("OLD", "principal", D(100_000)),
    ]
    assert owed(old) == [0, 0, 0, 0, D(260_000)]
    assert owed(new) == [0, 0, 0, 0, D(720_000)]
    assert desk.fresh().exposure == D(980_000)
    assert booked("repayment") == [
        (date(2016, 3, 21), "cash", f"{component}:{number}", amount)
        for number, component, amount in paid(repayment)
    ]


def test_the_facility_s_own_waterfall():
    desk = make_desk(waterfall=["principal", "interest", "penalty", "fees", "costs"])
    loan = make_drawn_loan(desk, principal=D(360_000))
    charge(desk, loan, D(10), "fees")
    receive(desk, D(360_040), on=date(2016, 3, 2))
    assert owed(loan) == [0, D(10), 0, D(50), 0]
    assert Loan.objects.get(pk=loan.pk).state == "drawn"


def test_only_the_loans_named_are_paid():
    desk, other = make_desk(), make_desk()
    old = make_drawn_loan(desk, principal=D(1000))
    new = make_drawn_loan(desk, principal=D(1000))
    foreign = make_drawn_loan(other, principal=D(1000))
    receive(desk, D(400), on=START, loans=[new])
    assert (owed(old)[-1], owed(new)[-1]) == (D(1000), D(600))
    with pytest.raises(MoreThanOwed):
        receive(desk, D("600.01"), on=START, loans=[new])
    with pytest.raises(NotInThisFacility):
        receive(desk, D(1), on=START, loans=[foreign])


def test_more_than_owed_is_refused_with_the_numbers():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(360_000))
    before = Entry.objects.count()
    with pytest.raises(MoreThanOwed) as refused:
        receive(desk, D("361000"), on=date(2016, 3, 11))
    assert str(refused.value) == "owed 360,900.00, paid 361,000.00, too much by 100.00"
    assert refused.value.numbers == {"owed": D(360_900), "paid": D(361_000), "above": D(100)}
    assert (Repayment.objects.count(), Entry.objects.count()) == (0, before)
    assert desk.fresh().exposure == D(360_000)


def test_early_repayment_in_full_ends_the_loan_and_its_interest():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    receive(desk, D("360900"), on=date(2016, 3, 11))
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total, desk.fresh().exposure) == ("repaid", 0, 0)
    accrue_through(desk, date(2016, 12, 31))
    assert Loan.objects.get(pk=loan.pk).owed_total == 0


def test_a_staged_loan_repaid_early_stays_open_for_its_second_stage():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000), product=Product.ORDER)
    pay_out(desk, loan, D(300))
    receive(desk, D(300), on=START)
    assert Loan.objects.get(pk=loan.pk).state == "drawn"
    pay_out(desk, loan, D(700), on=START + 5 * DAY)
    receive(desk, D(700), on=START + 5 * DAY)
    assert Loan.objects.get(pk=loan.pk).state == "repaid"


def test_fees_of_a_loan_not_yet_drawn_can_be_paid():
    desk = make_desk()
    loan = make_loan(desk, principal=D(1000))
    charge(desk, loan, D(25), "fees")
    assert desk.fresh().exposure == D(25)
    receive(desk, D(25), on=START)
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total, desk.fresh().exposure) == ("agreed", 0, 0)


# --- peer scenario 8: a small shortfall is waived by rule ----------------------------------------


def test_peer_scenario_8_fifty_less_than_due_is_waived():
    desk = make_desk(waiver_tolerance=D(50))
    loan = make_drawn_loan(desk, principal=D(360_000), number="L-8")
    repayment = receive(desk, D("360850"), on=date(2016, 3, 11))
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total, desk.fresh().exposure) == ("repaid", 0, 0)
    assert list(repayment.waivers.values_list("component", "amount")) == [("principal", D(50))]
    assert sum(amount for _number, _component, amount in paid(repayment)) == D("360850")
    assert booked("waiver") == [
        (date(2016, 3, 11), "waiver_expense", "principal:L-8", D(50)),
    ]


def test_one_cent_beyond_the_tolerance_stays_owed():
    desk = make_desk(waiver_tolerance=D(50))
    loan = make_drawn_loan(desk, principal=D(360_000))
    receive(desk, D("360849.99"), on=date(2016, 3, 11))
    assert owed(loan)[-1] == D("50.01")
    assert Waiver.objects.count() == 0


def test_a_loan_that_the_payment_did_not_reach_is_not_waived():
    desk = make_desk(waiver_tolerance=D(50))
    first = make_drawn_loan(desk, principal=D(100))
    small = make_drawn_loan(desk, principal=D(40))
    receive(desk, D(100), on=START)
    assert Loan.objects.get(pk=first.pk).state == "repaid"
    assert owed(small)[-1] == D(40)


def test_without_tolerance_nothing_is_waived():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(100))
    receive(desk, D("99.99"), on=START)
    assert owed(loan)[-1] == D("0.01")


# --- the payoff quote ----------------------------------------------------------------------------


def test_the_quote_is_what_repayment_takes_and_writes_nothing():
    desk = make_desk()
    late = make_drawn_loan(desk, principal=D("123456.78"), due_on=date(2016, 3, 20))
    make_drawn_loan(desk, principal=D("654321.09"), on=date(2016, 3, 7))
    accrue_through(desk, date(2016, 3, 9))
    on = date(2016, 4, 19)
    with CaptureQueriesContext(connection) as captured:
        quote = quote_payoff(desk.team.operations, desk.facility, on)
    assert all(query["sql"].startswith("SELECT") for query in captured)
    assert len(captured) == 1
    assert quote.lines[0].loan == late
    with pytest.raises(MoreThanOwed):
        receive(desk, quote.total + D("0.01"), on=on)
    receive(desk, quote.total, on=on)
    assert desk.fresh().exposure == 0
    assert set(Loan.objects.values_list("state", flat=True)) == {"repaid"}


def test_a_quote_of_one_loan_and_of_a_day_gone_by():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    make_drawn_loan(desk, principal=D(1000))
    accrue_through(desk, date(2016, 3, 31))
    actor = desk.team.auditor
    assert quote_payoff(actor, loan, date(2016, 3, 11)).total == D(360_900)
    assert quote_payoff(actor, loan, date(2016, 4, 10)).total == D(363_600)
    stranger = make_lender_team().auditor
    assert quote_payoff(stranger, loan, date(2016, 4, 10)).total == 0


# --- money recorded late -------------------------------------------------------------------------


def test_money_recorded_late_counts_from_the_day_it_arrived():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000), due_on=date(2016, 3, 11), number="L-9")
    accrue_through(desk, date(2016, 3, 14))
    # By then: 13 days at 90 and 3 late days at 45. But the money came on the due date.
    assert owed(loan) == [0, 0, D(135), D(1170), D(360_000)]
    receive(desk, D(360_900), on=date(2016, 3, 11))
    loan.refresh_from_db()
    assert (loan.state, loan.owed_total) == ("repaid", 0)
    assert booked("interest_corrected") == [
        (date(2016, 3, 14), "interest_income", "interest:L-9", D(270)),
        (date(2016, 3, 14), "penalty_income", "penalty:L-9", D(135)),
    ]


def test_a_part_recorded_late_saves_the_interest_of_that_part():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    accrue_through(desk, date(2016, 3, 31))
    receive(desk, D(180_900), on=date(2016, 3, 11))
    # 10 days at 90 are paid; since then 20 days at 45.
    assert owed(loan) == [0, 0, 0, D(900), D(180_000)]
    assert Loan.objects.get(pk=loan.pk).accrued_through == date(2016, 3, 31)
    accrue_through(desk, date(2016, 4, 1))
    assert owed(loan)[3] == D(945)


def test_a_principal_that_changed_since_is_not_reopened():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    receive(desk, D(180_900), on=date(2016, 3, 11))
    accrue_through(desk, date(2016, 3, 21))
    receive(desk, D(180_000), on=date(2016, 3, 6))
    loan.refresh_from_db()
    # Counted for the day of the earlier payment, so that no interest has run since.
    assert (loan.state, loan.owed_total) == ("repaid", 0)


def test_interest_paid_since_is_not_reopened():
    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(360_000))
    receive(desk, D(1800), on=date(2016, 3, 21))
    receive(desk, D(180_000), on=date(2016, 3, 11))
    assert owed(loan) == [0, 0, 0, 0, D(180_000)]
    accrue_through(desk, date(2016, 3, 22))
    assert owed(loan)[3] == D(45)


# --- who, how often, how much --------------------------------------------------------------------


def test_one_request_twice_is_one_repayment():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))

    def send(amount):
        return repay(
            facility=desk.facility,
            amount=amount,
            received_on=START,
            source="cash",
            debit_code="cash",
            reference="bank-1",
            actor=desk.team.operations,
            now=NOW,
            idempotency_key="entry 1",
        )

    assert send(D(100)) == send(D("100.00"))
    assert (Repayment.objects.count(), desk.fresh().exposure) == (1, D(900))
    with pytest.raises(IdempotencyKeyReused):
        send(D(200))


def test_a_reference_is_used_once():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))
    receive(desk, D(100), on=START, reference="bank-7")
    with pytest.raises(ReferenceTaken):
        receive(desk, D(100), on=START, reference="bank-7")
    assert (Repayment.objects.count(), desk.fresh().exposure) == (1, D(900))


def test_refused_amounts_and_people():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))
    for amount in (D(0), D(-1), D("0.001")):
        with pytest.raises(NotAnAmount):
            receive(desk, amount, on=START)
    for refusal, actor in [
        (NotYourFacility, make_lender_team().operations),
        (NotAllowed, desk.team.auditor),
    ]:
        with pytest.raises(refusal):
            repay(
                facility=desk.facility,
                amount=D(1),
                received_on=START,
                source="cash",
                debit_code="cash",
                reference="x",
                actor=actor,
                now=NOW,
            )
    assert Repayment.objects.count() == 0


def test_proceeds_pay_from_their_own_account():
    desk = make_desk(code="fac-p")
    make_drawn_loan(desk, principal=D(1000), number="L-P")
    repay(
        facility=desk.facility,
        amount=D(1000),
        received_on=START,
        source="proceeds",
        debit_code="proceeds:fac-p",
        reference="collection 1",
        actor=SYSTEM,
        now=NOW,
    )
    assert booked("repayment") == [(START, "proceeds:fac-p", "principal:L-P", D(1000))]


def test_a_repayment_is_never_edited():
    desk = make_desk()
    make_drawn_loan(desk, principal=D(1000))
    repayment = receive(desk, D(100), on=START)
    for rows, words in [
        (Repayment.objects.filter(pk=repayment.pk), "tenant, facility, amount, .* never change"),
        (RepaymentAllocation.objects.filter(repayment=repayment), "rows are only ever added"),
    ]:
        with pytest.raises(IntegrityError, match=words), transaction.atomic():
            rows.update(amount=D(1))


def test_a_repayment_pays_no_loan_of_another_facility():
    desk, other = make_desk(), make_desk()
    make_drawn_loan(desk, principal=D(1000))
    foreign = make_drawn_loan(other, principal=D(1000))
    repayment = receive(desk, D(100), on=START)
    with pytest.raises(IntegrityError, match="loans of its own facility"), transaction.atomic():
        RepaymentAllocation.objects.create(
            repayment=repayment, loan=foreign, component="fees", amount=D(1)
        )


def test_a_callback_that_refuses_undoes_everything():
    class NotNowError(Exception):
        pass

    def refuse(**_act):
        raise NotNowError

    desk = make_desk()
    loan = make_drawn_loan(desk, principal=D(1000))
    hooks.on_exposure_changed(refuse)
    with pytest.raises(NotNowError):
        receive(desk, D(100), on=START)
    hooks.forget(refuse)
    assert (Repayment.objects.count(), owed(loan)[-1]) == (0, D(1000))


def test_statements_do_not_grow_with_the_loans_paid():
    def statements(n):
        desk = make_desk()
        for _ in range(n):
            make_drawn_loan(desk, principal=D(1000))
        accrue_through(desk, START + DAY)
        with CaptureQueriesContext(connection) as captured:
            receive(desk, D(600) * n, on=START + 2 * DAY)
        return len(captured)

    assert statements(2) == statements(12)

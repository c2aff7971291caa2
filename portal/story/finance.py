"""Scenes of money: suppliers paid, loans refinanced and drawn, sales factored, debts collected."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from factoring.models import Receivable
from factoring.services.collections import apply_collection, match_collection, record_bank_entry
from factoring.services.rebates import pay_rebate, request_rebate
from factoring.services.sales import factor_sale
from lending.models import Loan
from lending.queries import quote_payoff
from lending.services.disbursements import (
    approve_disbursement,
    confirm_payment,
    request_disbursement,
)
from lending.services.loans import agree_loan, give_up_undrawn
from lending.services.refinancing import refinance
from lending.services.repayment import repay
from lending.states import OWING, Product, RepaymentSource
from orders.models import PaymentStage
from orders.services.financing import finance_order
from orders.services.stages import (
    approve_stage_payment,
    confirm_stage_payment,
    request_stage_payment,
)
from orders.states import StageTrigger
from pledges.states import Right
from portal.story.cast import PHONE, STORY, Cast, read_cast
from portal.story.chain import FIRST_RUN, NEXT_RUN, live, order_of, place_next_order, take_oldest

LENDERS_SHARE = Decimal("0.72")
CONTROLLED_ACCOUNT = "95588110042011"
PHONE_PRICE = Decimal("168.00")
PLEDGE_LOAN = Decimal("2850000.00")
WORKING_CAPITAL = Decimal("1200000.00")


def _finance(numbers: Sequence[str], due_on: date, on: date, now: datetime) -> None:
    """Finance orders: 30 % on order, 70 % on receipt, the lender's share of each."""
    cast = read_cast()
    for number in numbers:
        finance_order(
            order=order_of(number),
            facility=cast.facility,
            share=LENDERS_SHARE,
            stages=[
                (StageTrigger.ON_ORDER, Decimal("0.3")),
                (StageTrigger.ON_RECEIPT, Decimal("0.7")),
            ],
            due_on=due_on,
            on=on,
            actor=cast.actor("lin"),
            now=now,
        )


def finance_orders(on: date, now: datetime) -> None:
    """Finance the first run's three orders."""
    _finance(FIRST_RUN, date(2011, 12, 30), on, now)


def _pay_stages(numbers: Sequence[str], trigger: StageTrigger, on: date, now: datetime) -> None:
    """Pay one stage of each order: one person asks, another approves, the bank confirms."""
    cast = read_cast()
    for number in numbers:
        stage = PaymentStage.objects.get(financing__order__number=number, trigger=trigger)
        own = f"OWN-{number}-{stage.sequence}"
        asked = request_stage_payment(
            stage=stage, own_reference=own, actor=cast.actor("lin"), now=now
        )
        paid = approve_stage_payment(stage=asked, on=on, actor=cast.actor("zhou"), now=now)
        confirm_stage_payment(
            stage=paid,
            bank_reference=f"FT-{number}-{stage.sequence}",
            paid_on=on,
            actor=cast.actor("lin"),
            now=now,
        )


def pay_on_order(on: date, now: datetime) -> None:
    """Pay the suppliers in advance: order claims arise."""
    _pay_stages(FIRST_RUN, StageTrigger.ON_ORDER, on, now)


def pay_on_receipt(on: date, now: datetime) -> None:
    """Pay the suppliers the rest, on the evidence of the goods."""
    _pay_stages(FIRST_RUN, StageTrigger.ON_RECEIPT, on, now)


def owing(cast: Cast, product: Product) -> list[Loan]:
    """Return the facility's loans of a product that are owed, oldest first."""
    return list(cast.facility.loans.filter(product=product, state__in=OWING))


def refinance_orders(on: date, now: datetime) -> None:
    """Agree the pledge loan and repay the order loans from it, without cash."""
    cast = read_cast()
    orders = owing(cast, Product.ORDER)
    loan = agree_loan(
        facility=cast.facility,
        product=Product.PLEDGE,
        principal=PLEDGE_LOAN,
        due_on=date(2012, 2, 28),
        number="PL-0829",
        on=on,
        actor=cast.actor("lin"),
        now=now,
        refinances=orders,
    )
    refinance(
        new_loan=loan,
        amount=sum((owed(order, on) for order in orders), Decimal(0)),
        old_loans=orders,
        on=on,
        maker=cast.actor("lin"),
        actor=cast.actor("zhou"),
        now=now,
    )


def owed(loan: Loan, on: date) -> Decimal:
    """Return what pays a loan off on a day, interest included."""
    return quote_payoff(STORY, loan, on).total


def _pay_borrower(loan: Loan, amount: Decimal, purpose: str, on: date, now: datetime) -> None:
    """Pay the borrower under a loan: one person asks, another approves, the bank confirms."""
    cast = read_cast()
    request = request_disbursement(
        loan=loan,
        payee=cast.org("aurora"),
        account=cast.account("aurora"),
        amount=amount,
        purpose=purpose,
        actor=cast.actor("lin"),
        now=now,
    )
    approved = approve_disbursement(disbursement=request, on=on, actor=cast.actor("zhou"), now=now)
    confirm_payment(
        disbursement=approved,
        bank_reference=f"FT-{loan.number}",
        paid_on=on,
        actor=cast.actor("lin"),
        now=now,
    )


def draw_working_capital(on: date, now: datetime) -> None:
    """Pay the borrower what the phones lend beyond the order loans."""
    loan = Loan.objects.get(number="PL-0829")
    _pay_borrower(loan, WORKING_CAPITAL, "Working capital on pledged phones", on, now)


def _sell(
    buyer: str, invoice: str, quantity: Decimal, advance: Decimal, on: date, now: datetime
) -> None:
    cast = read_cast()
    takes = take_oldest(live(cast, Right.PLEDGE, item=PHONE), quantity)
    positions = {position.pk: position for position in live(cast, Right.PLEDGE, item=PHONE)}
    factor_sale(
        facility=cast.facility,
        debtor=cast.org(buyer),
        invoice_number=invoice,
        buyer_order=f"{buyer.upper()}-4711",
        lines=[(cast.item(PHONE), quantity, PHONE_PRICE)],
        issued_on=on,
        due_on=on + timedelta(days=60),
        goods=[(positions[one.position_id], one.quantity) for one in takes],
        carrier=cast.org("bluestrait"),
        delivery_reference=f"BL-{invoice}",
        refinances=owing(cast, Product.PLEDGE),
        advance=advance,
        maker=cast.actor("lin"),
        actor=cast.actor("zhou"),
        on=on,
        now=now,
    )


def sell_to_metro(on: date, now: datetime) -> None:
    """Ship 8,000 phones to the first chain; the advance repays part of the pledge loan."""
    _sell("metro", "INV-2011-1017", Decimal(8000), Decimal("1050000.00"), on, now)


def sell_to_northstar(on: date, now: datetime) -> None:
    """Ship 10,000 phones to the second chain; the advance repays more of the pledge loan."""
    _sell("northstar", "INV-2011-1114", Decimal(10_000), Decimal("1300000.00"), on, now)


def _collect(invoice: str, on: date, now: datetime) -> None:
    """Book the buyer's transfer, match it to the invoice and repay the advance from it."""
    cast = read_cast()
    receivable = Receivable.objects.select_related("debtor").get(invoice_number=invoice)
    entry = record_bank_entry(
        facility=cast.facility,
        account_number=CONTROLLED_ACCOUNT,
        entry_reference=f"CR-{invoice}",
        amount=receivable.face,
        currency="USD",
        booked_on=on,
        payer_name=receivable.debtor.name,
        remittance=f"Payment of {invoice}",
        actor=cast.actor("lin"),
        now=now,
    )
    collection = match_collection(
        entry=entry, receivable=receivable, on=on, actor=cast.actor("lin"), now=now
    )
    apply_collection(collection=collection, on=on, actor=cast.actor("zhou"), now=now)


def _rebate(invoice: str, on: date, now: datetime) -> None:
    cast = read_cast()
    rebate = request_rebate(
        receivable=Receivable.objects.get(invoice_number=invoice),
        actor=cast.actor("lin"),
        now=now,
    )
    pay_rebate(
        rebate=rebate,
        bank_reference=f"RB-{invoice}",
        on=on,
        actor=cast.actor("zhou"),
        now=now,
    )


def metro_pays(on: date, now: datetime) -> None:
    """Take in the first chain's transfer."""
    _collect("INV-2011-1017", on, now)


def rebate_metro(on: date, now: datetime) -> None:
    """Give back the first sale's reserve."""
    _rebate("INV-2011-1017", on, now)


def northstar_pays(on: date, now: datetime) -> None:
    """Take in the second chain's transfer."""
    _collect("INV-2011-1114", on, now)


def settle(on: date, now: datetime) -> None:
    """Repay what is left of the pledge loan in cash, then give back the second reserve."""
    cast = read_cast()
    for loan in owing(cast, Product.PLEDGE):
        repay(
            facility=cast.facility,
            amount=owed(loan, on),
            received_on=on,
            source=RepaymentSource.CASH,
            debit_code="cash",
            reference=f"TT-{loan.number}",
            loans=[loan],
            actor=cast.actor("zhou"),
            now=now,
        )
        give_up_undrawn(loan=loan, on=on, reason="fully repaid", actor=cast.actor("zhou"), now=now)
    _rebate("INV-2011-1114", on, now)


def begin_next_run(on: date, now: datetime) -> None:
    """Order for the next run, finance the order and pay its supplier in advance."""
    place_next_order(on, now)
    _finance(NEXT_RUN, date(2012, 6, 15), on, now)
    _pay_stages(NEXT_RUN, StageTrigger.ON_ORDER, on, now)


def sell_last(on: date, now: datetime) -> None:
    """Ship the last 2,000 phones of the run to the first chain."""
    advance = Decimal("230000.00")
    _sell("metro", "INV-2012-0124", Decimal(2000), advance, on, now)
    loan = Receivable.objects.get(invoice_number="INV-2012-0124").loan
    assert loan is not None
    _pay_borrower(loan, advance, "Advance on INV-2012-0124", on, now)

"""Facilities and loans for tests, reached through the real services by two different people."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from lending.models import Disbursement, Facility, Loan, Repayment
from lending.services.accrual import accrue
from lending.services.disbursements import approve_disbursement, request_disbursement
from lending.services.facilities import activate_facility, draft_facility
from lending.services.loans import agree_loan
from lending.services.repayment import repay
from lending.states import Jurisdiction, Product, RepaymentSource
from lending.terms import FacilityTerms
from parties.models import BankAccount, Organisation
from tests.factories.parties import (
    NOW,
    SYSTEM,
    LenderTeam,
    make_bank_account,
    make_borrower,
    make_lender_team,
    make_supplier,
)

OPENED = date(2016, 1, 1)
MATURES = date(2030, 12, 31)
START = date(2016, 3, 1)
DUE = date(2016, 8, 28)

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Desk:
    """A lender's team at work on one active facility, and whom it pays."""

    team: LenderTeam
    facility: Facility
    borrower: Organisation
    borrower_account: BankAccount
    supplier: Organisation
    supplier_account: BankAccount

    def fresh(self) -> Facility:
        """Return the facility as it stands in the database."""
        return Facility.objects.get(pk=self.facility.pk)


def make_terms(**changes: Any) -> FacilityTerms:
    """Return terms of a facility of 2,000,000 USD at 9 % a year, penalty 4.5 % on top.

    Under a law that asks for no registration before money goes out; see `Jurisdiction`.
    """
    terms: dict[str, Any] = {
        "currency": "USD",
        "limit": Decimal(2_000_000),
        "annual_rate": Decimal("0.09"),
        "penalty_rate": Decimal("0.045"),
        "opened_on": OPENED,
        "matures_on": MATURES,
        "jurisdiction": Jurisdiction.GENERIC,
    }
    return FacilityTerms(**(terms | changes))


def make_draft(
    *, team: LenderTeam, borrower: Organisation | None = None, code: str = "", **terms: Any
) -> Facility:
    """Return a facility drafted by the team's preparer."""
    return draft_facility(
        code=code or f"fac-{next(_numbers)}",
        name="Revolving supply-chain facility",
        borrower=borrower or make_borrower(),
        terms=make_terms(**terms),
        actor=team.preparer,
        now=NOW,
    )


def make_facility(
    *, team: LenderTeam, borrower: Organisation | None = None, code: str = "", **terms: Any
) -> Facility:
    """Return an active facility."""
    draft = make_draft(team=team, borrower=borrower, code=code, **terms)
    return activate_facility(facility=draft, actor=team.approver, now=NOW)


def make_desk(*, team: LenderTeam | None = None, code: str = "", **terms: Any) -> Desk:
    """Return everything that lending needs: a team, an active facility, two payees."""
    currency = terms.get("currency", "USD")
    house = team or make_lender_team(currency=currency)
    borrower, supplier = make_borrower(), make_supplier()
    return Desk(
        team=house,
        facility=make_facility(team=house, borrower=borrower, code=code, **terms),
        borrower=borrower,
        borrower_account=make_bank_account(organisation=borrower, currency=currency),
        supplier=supplier,
        supplier_account=make_bank_account(organisation=supplier, currency=currency),
    )


def make_loan(
    desk: Desk,
    *,
    principal: Decimal,
    product: Product = Product.PLEDGE,
    on: date = START,
    due_on: date = DUE,
    annual_rate: Decimal | None = None,
    number: str | None = None,
) -> Loan:
    """Return an agreed loan."""
    return agree_loan(
        facility=desk.facility,
        product=product,
        principal=principal,
        on=on,
        due_on=due_on,
        annual_rate=annual_rate,
        number=number,
        actor=desk.team.preparer,
        now=NOW,
    )


def request_payment(desk: Desk, loan: Loan, amount: Decimal) -> Disbursement:
    """Return a requested payment: order finance to the supplier, all else to the borrower."""
    to_supplier = loan.product == Product.ORDER
    return request_disbursement(
        loan=loan,
        payee=desk.supplier if to_supplier else desk.borrower,
        account=desk.supplier_account if to_supplier else desk.borrower_account,
        amount=amount,
        purpose="components",
        actor=desk.team.preparer,
        now=NOW,
    )


def pay_out(desk: Desk, loan: Loan, amount: Decimal, *, on: date = START) -> Disbursement:
    """Return a payment that the approver has instructed."""
    request = request_payment(desk, loan, amount)
    return approve_disbursement(disbursement=request, on=on, actor=desk.team.approver, now=NOW)


def make_drawn_loan(desk: Desk, *, principal: Decimal, on: date = START, **loan: Any) -> Loan:
    """Return a loan drawn in full on a day."""
    agreed = make_loan(desk, principal=principal, on=on, **loan)
    pay_out(desk, agreed, principal, on=on)
    return Loan.objects.get(pk=agreed.pk)


def accrue_through(desk: Desk, day: date) -> None:
    """Count the interest of the desk's facility up to a day."""
    accrue(through=day, facility_ids=[desk.facility.pk], actor=SYSTEM, now=NOW)


def receive(
    desk: Desk, amount: Decimal, *, on: date, loans: list[Loan] | None = None, reference: str = ""
) -> Repayment:
    """Return a repayment in cash."""
    return repay(
        facility=desk.facility,
        amount=amount,
        received_on=on,
        source=RepaymentSource.CASH,
        debit_code="cash",
        reference=reference or f"bank-{next(_numbers)}",
        loans=loans,
        actor=desk.team.operations,
        now=NOW,
    )

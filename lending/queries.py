"""Reads of credit: each takes the actor and shows what that actor may see."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from ledger.models import Account, Posting
from lending.models import Disbursement, Facility, Loan
from lending.rules import ZERO
from lending.states import OPEN, Component
from parties.actors import Actor


def get_facility(actor: Actor, code: str, *, lender: str | None = None) -> Facility:
    """Return a facility the actor may see, by code; Facility.DoesNotExist otherwise.

    A borrower of two lenders that use the same code names the lender's code, too.
    """
    rows = list_facilities(actor).filter(code=code)
    return rows.get() if lender is None else rows.get(tenant__code=lender)


def list_facilities(actor: Actor) -> QuerySet[Facility]:
    """Return the facilities the actor may see, with lender and borrower."""
    return Facility.objects.visible_to(actor).select_related("tenant", "borrower")


def list_loans(actor: Actor, facility: Facility | None = None) -> QuerySet[Loan]:
    """Return the loans the actor may see, of one facility or of all, oldest first."""
    rows = Loan.objects.visible_to(actor).select_related("facility")
    return rows if facility is None else rows.filter(facility=facility)


def list_disbursements(actor: Actor, facility: Facility | None = None) -> QuerySet[Disbursement]:
    """Return the payments out that the actor may see, oldest request first."""
    rows = Disbursement.objects.visible_to(actor).select_related("loan__facility", "payee")
    return rows if facility is None else rows.filter(loan__facility=facility)


@dataclass(frozen=True, slots=True)
class PayoffLine:
    """What one loan needs to be paid off on the quote's day, by component."""

    loan: Loan
    owed: dict[Component, Decimal]

    @property
    def total(self) -> Decimal:
        """The sum of the components."""
        return sum(self.owed.values(), ZERO)


@dataclass(frozen=True, slots=True)
class PayoffQuote:
    """What pays everything off on a day; writes nothing and binds nobody."""

    on: date
    currency: str
    lines: list[PayoffLine]

    @property
    def total(self) -> Decimal:
        """The sum over the loans."""
        return sum((line.total for line in self.lines), ZERO)


def quote_payoff(actor: Actor, subject: Facility | Loan, on: date) -> PayoffQuote:
    """Preview what would pay off a loan, or all open loans of a facility, on a day.

    Equals to the cent what repayment takes on that day if nothing else happens before. Reads two
    tables, writes none; a subject the actor may not see has no lines.
    """
    facility = subject if isinstance(subject, Facility) else subject.facility
    loans = list_loans(actor, facility).filter(state__in=OPEN)
    if isinstance(subject, Loan):
        loans = loans.filter(pk=subject.pk)
    lines = [PayoffLine(loan, loan.owed_on(on)) for loan in loans]
    return PayoffQuote(on, facility.currency, [line for line in lines if line.total])


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement of a loan: what it did to one component, and where that component stood then."""

    on: date
    entry: str
    what: str
    reference: str
    component: Component
    debit: Decimal
    credit: Decimal
    balance: Decimal
    total: Decimal


def loan_statement(
    actor: Actor, loan: Loan, start: date | None = None, until: date | None = None
) -> list[StatementRow]:
    """Return a loan's movements between two dates (both included), as the ledger booked them.

    `balance` runs per component, `total` over all of them; both begin with what went before
    `start`. Loan.DoesNotExist if the actor may not see the loan. Three statements.
    """
    seen = list_loans(actor).get(pk=loan.pk)
    accounts = _accounts(seen)
    standing = dict.fromkeys(Component, ZERO)
    rows = []
    for posting in _postings(accounts.keys(), until):
        for component, sign in _sides(posting, accounts):
            standing[component] += sign * posting.amount
            if start is None or posting.entry.booked_on >= start:
                rows.append(_row(posting, component, sign, standing))
    return rows


def _accounts(loan: Loan) -> dict[int, Component]:
    """Return the loan's accounts in the ledger, by id; a component never owed has none."""
    codes = {f"{component.value}:{loan.number}": component for component in Component}
    rows = Account.objects.filter(
        tenant_id=loan.tenant_id, currency=loan.facility.currency, code__in=codes
    )
    return {pk: codes[code] for pk, code in rows.values_list("pk", "code")}


def _postings(accounts: Collection[int], until: date | None) -> QuerySet[Posting]:
    rows = Posting.objects.filter(
        Q(debit_account__in=accounts) | Q(credit_account__in=accounts)
    ).select_related("entry")
    if until is not None:
        rows = rows.filter(entry__booked_on__lte=until)
    return rows.order_by("entry__booked_on", "entry_id", "line_no")


def _sides(posting: Posting, accounts: Mapping[int, Component]) -> Iterator[tuple[Component, int]]:
    for account_id, sign in ((posting.debit_account_id, 1), (posting.credit_account_id, -1)):
        if account_id in accounts:
            yield accounts[account_id], sign


def _row(
    posting: Posting, component: Component, sign: int, standing: dict[Component, Decimal]
) -> StatementRow:
    entry = posting.entry
    return StatementRow(
        on=entry.booked_on,
        entry=entry.number,
        what=entry.kind,
        reference=entry.reference,
        component=component,
        debit=posting.amount if sign > 0 else ZERO,
        credit=posting.amount if sign < 0 else ZERO,
        balance=standing[component],
        total=sum(standing.values(), ZERO),
    )


def principal_drawn(facility: Facility) -> Decimal:
    """Return the principal owed under a facility."""
    return facility.loans.aggregate(sum=Sum("owed_principal"))["sum"] or ZERO

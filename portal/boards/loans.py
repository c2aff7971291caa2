"""Loans: what is owed, when it falls due; and one loan's statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lending.models import Disbursement, Facility, Loan
from lending.queries import StatementRow, loan_statement
from lending.states import Component, LoanState
from parties.actors import Actor
from portal import columns, formats
from portal.boards.bars import bars
from portal.boards.facility import loans_table
from portal.boards.facts import Fact, money_fact
from portal.names import name_of
from portal.queries.loans import get_loan, list_loans, list_payments, next_due, owed
from portal.tables import Table

ZERO = Decimal(0)
# What the ledger calls the kinds of entries that touch a loan.
ENTRY_KINDS = {
    "disbursement_instructed": gettext_lazy("Drawn"),
    "disbursement_returned": gettext_lazy("Payment came back"),
    "accrual": gettext_lazy("Interest of the day"),
    "repayment": gettext_lazy("Repaid"),
    "fee_charged": gettext_lazy("Fee charged"),
    "cost_charged": gettext_lazy("Cost charged"),
    "reversal": gettext_lazy("Reversed"),
}


def entry_words(row: StatementRow) -> str:
    """Say what a booking did; a repayment that charges this loan is one it made for older loans."""
    if row.what == "repayment" and row.debit:
        return str(_("Drawn to refinance older loans"))
    return str(ENTRY_KINDS.get(row.what, row.what.replace("_", " ")))


@dataclass(frozen=True, slots=True)
class LoansBoard:
    """What the list of loans shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def loans_board(actor: Actor, facility: Facility, as_of: date) -> LoansBoard:
    """Return the loans of a facility."""
    loans = list_loans(actor, facility)
    owing = [loan for loan in loans if owed(loan)]
    return LoansBoard(
        facts=_facts(facility, loans, as_of),
        tables={"loans": loans_table(facility, loans, as_of)},
        charts={"owed": _owed_chart(facility, owing)},
    )


def _facts(facility: Facility, loans: Sequence[Loan], as_of: date) -> list[Fact]:
    currency = facility.currency
    principal = sum((loan.owed_principal for loan in loans), ZERO)
    beside = sum((owed(loan) for loan in loans), ZERO) - principal
    late = sum((owed(loan) for loan in loans if loan.state == LoanState.OVERDUE), ZERO)
    due = next_due(loans)
    posted = sum((loan.interest_posted for loan in loans), ZERO)
    return [
        money_fact(
            _("Owed in all"),
            principal + beside,
            currency,
            note=ngettext("%(count)s loan was agreed", "%(count)s loans were agreed", len(loans))
            % {"count": len(loans)},
            tone="lead",
        ),
        money_fact(_("Principal"), principal, currency, note=_("still to repay")),
        money_fact(_("Interest and fees owed"), beside, currency, note=_("accrued, not yet paid")),
        money_fact(
            _("Overdue"),
            late,
            currency,
            note=_("penalty interest runs on it") if late else _("nothing is late"),
            tone="bad" if late else "good",
        ),
        money_fact(_("Interest so far"), posted, currency, note=_("since the first drawing")),
        Fact(
            _("Next maturity"),
            formats.day(due.due_on) if due else _("none"),
            note=f"{due.number}, {formats.days_between(as_of, due.due_on)}" if due else "",
        ),
    ]


def _owed_chart(facility: Facility, loans: Sequence[Loan]) -> dict[str, Any]:
    return bars(
        names=[f"{loan.number} · {formats.day(loan.due_on)}" for loan in loans],
        series=[
            (Component.PRINCIPAL.label, "right-receivable", [x.owed_principal for x in loans]),
            (Component.INTEREST.label, "right-order_claim", [x.owed_interest for x in loans]),
            (Component.PENALTY.label, "band-close_out", [x.owed_penalty for x in loans]),
            (Component.FEES.label, "right-pledge", [x.owed_fees + x.owed_costs for x in loans]),
        ],
        unit=facility.currency,
    )


@dataclass(frozen=True, slots=True)
class LoanBoard:
    """What one loan's page shows."""

    loan: Loan
    facts: list[Fact]
    tables: dict[str, Table]
    charts: dict[str, Any]


def loan_board(actor: Actor, loan_id: int) -> LoanBoard:
    """Return one loan with its statement; 404 for strangers."""
    loan = get_loan(actor, loan_id)
    rows = loan_statement(actor, loan)
    return LoanBoard(
        loan=loan,
        facts=_loan_facts(loan),
        tables={
            "statement": _statement_table(loan, _condensed(rows)),
            "daily": _statement_table(loan, rows, key="daily"),
            "payments": _payments_table(loan, list_payments(actor, loan)),
        },
        charts={"balance": _balance_chart(loan, rows)},
    )


def _loan_facts(loan: Loan) -> list[Fact]:
    currency = loan.facility.currency
    return [
        money_fact(
            _("Owed"), owed(loan), currency, note=str(loan.get_state_display()), tone="lead"
        ),
        money_fact(
            _("Principal"),
            loan.owed_principal,
            currency,
            note=_("of %(drawn)s drawn") % {"drawn": formats.money(loan.drawn)},
        ),
        money_fact(
            _("Interest owed"),
            loan.owed_interest + loan.owed_penalty,
            currency,
            note=_("%(rate)s a year, counted through %(day)s")
            % {
                "rate": formats.percent(loan.annual_rate, 2),
                "day": formats.day(loan.accrued_through),
            },
        ),
        money_fact(_("Fees and costs"), loan.owed_fees + loan.owed_costs, currency),
        Fact(
            _("Due"),
            formats.day(loan.due_on),
            note=_("agreed on %(day)s") % {"day": formats.day(loan.agreed_on)},
        ),
        Fact(_("Product"), str(loan.get_product_display()), note=loan.facility.name),
    ]


def _condensed(rows: Sequence[StatementRow]) -> list[StatementRow]:
    """Leave the daily interest out except the last day before something else happens."""
    kept = []
    for index, row in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) else None
        if not _daily(row) or following is None or not _daily(following):
            kept.append(row)
    return kept


def _daily(row: StatementRow) -> bool:
    return row.component in {Component.INTEREST, Component.PENALTY} and row.credit == 0


def _statement_table(loan: Loan, rows: Sequence[StatementRow], key: str = "statement") -> Table:
    currency = loan.facility.currency
    return Table(
        key=key,
        title=_("Statement") if key == "statement" else _("Statement with every day’s interest"),
        columns=[
            columns.day(_("Booked on"), "on"),
            columns.words(_("What"), entry_words),
            columns.text(_("Component"), lambda row: str(row.component.label)),
            columns.text(_("Reference"), "reference"),
            columns.amount(_("Charged"), lambda row: row.debit or None, currency),
            columns.amount(_("Paid"), lambda row: row.credit or None, currency),
            columns.amount(_("Component’s balance"), "balance", currency, file_only=True),
            columns.amount(_("Owed in all"), "total", currency),
            columns.text(_("Entry"), "entry", file_only=True),
        ],
        rows=rows,
        empty=_("Nothing has been booked on this loan."),
        first_step=_("The first confirmed payment draws it."),
    )


def _payments_table(loan: Loan, payments: Sequence[Disbursement]) -> Table:
    return Table(
        key="payments",
        title=_("Payments out"),
        columns=[
            columns.text(_("To"), lambda one: name_of(one.payee)),
            columns.words(_("Purpose"), "purpose"),
            columns.amount(_("Amount"), "amount", loan.facility.currency),
            columns.text(_("Asked for by"), lambda one: one.maker.get_full_name()),
            columns.text(
                _("Checked by"), lambda one: one.checker.get_full_name() if one.checker else ""
            ),
            columns.instant(_("Instructed"), "instructed_at"),
            columns.day(_("Paid"), "paid_on"),
            columns.state(_("State"), lambda one: one.get_state_display()),
        ],
        rows=payments,
        empty=_("Nothing was paid out under this loan."),
        first_step=_("A loan that refinances another one moves no cash."),
    )


def _balance_chart(loan: Loan, rows: Sequence[StatementRow]) -> dict[str, Any]:
    """Return what was owed at the end of each booked day."""
    ends: dict[date, Decimal] = {row.on: row.total for row in rows}
    return {
        "unit": loan.facility.currency,
        "name": _("Owed in all"),
        "points": [[day.isoformat(), float(total)] for day, total in ends.items()],
    }

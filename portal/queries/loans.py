"""Loans as their readers need them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.http import Http404

from lending.models import Disbursement, Facility, Loan
from lending.states import OWING
from parties.actors import Actor


def list_loans(actor: Actor, facility: Facility) -> list[Loan]:
    """Return the facility's loans, oldest first (one query)."""
    return list(
        Loan.objects.visible_to(actor).filter(facility=facility).order_by("agreed_on", "id")
    )


def get_loan(actor: Actor, loan_id: int) -> Loan:
    """Return one loan with its facility; 404 for strangers."""
    loan = Loan.objects.visible_to(actor).filter(pk=loan_id).select_related("facility").first()
    if loan is None:
        raise Http404
    return loan


def owed(loan: Loan) -> Decimal:
    """Return all that is owed on a loan."""
    return (
        loan.owed_principal
        + loan.owed_interest
        + loan.owed_penalty
        + loan.owed_fees
        + loan.owed_costs
    )


def next_due(loans: Iterable[Loan]) -> Loan | None:
    """Return the owing loan that falls due first."""
    owing = [loan for loan in loans if loan.state in OWING and owed(loan)]
    return min(owing, key=lambda loan: (loan.due_on, loan.pk)) if owing else None


def list_payments(actor: Actor, loan: Loan) -> list[Disbursement]:
    """Return the payments out under a loan (one query)."""
    visible = Loan.objects.visible_to(actor).filter(pk=loan.pk)
    rows = Disbursement.objects.filter(loan__in=visible)
    return list(rows.select_related("payee", "maker", "checker").order_by("requested_at", "id"))

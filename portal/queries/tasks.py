"""What needs somebody now: calls with a clock, payments to check, money to match, debts due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from factoring.models import BankEntry, Rebate
from factoring.states import BankEntryState, RebateState
from lending.models import Disbursement, Facility, Loan
from lending.states import OWING, DisbursementState
from parties.actors import Actor
from pledges.instruction_states import InstructionState
from pledges.models import Instruction, MarginCall
from pledges.states import MarginCallState
from portal.instruction_words import next_step
from portal.names import name_of

DUE_SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for somebody; `due` is its clock, if it has one."""

    urgency: int
    icon: str
    tone: str
    text: str
    who: str
    amount: Decimal
    since: datetime | date
    due: datetime | date | None
    href: str


def list_tasks(actor: Actor, facility: Facility, *, as_of: date) -> list[Task]:
    """Return what waits, the most urgent first (six queries)."""
    visible = Facility.objects.visible_to(actor).filter(pk=facility.pk)
    tasks = [
        *(_call(call) for call in _open_calls(visible)),
        *(_loan(loan, as_of) for loan in _loans_due(visible, as_of)),
        *(_payment(payment) for payment in _unchecked(visible)),
        *(_entry(entry) for entry in _unmatched(visible)),
        *(_rebate(rebate) for rebate in _rebates(visible)),
        *(_instruction(one) for one in _instructions(visible)),
    ]
    return sorted(tasks, key=lambda task: (task.urgency, str(task.due or ""), str(task.since)))


def _open_calls(visible: QuerySet[Facility]) -> list[MarginCall]:
    return list(
        MarginCall.objects.filter(facility__in=visible).exclude(state=MarginCallState.CURED)
    )


def _loans_due(visible: QuerySet[Facility], as_of: date) -> list[Loan]:
    soon = as_of + timedelta(days=DUE_SOON_DAYS)
    return list(Loan.objects.filter(facility__in=visible, state__in=OWING, due_on__lte=soon))


def _unchecked(visible: QuerySet[Facility]) -> list[Disbursement]:
    waiting = Disbursement.objects.filter(
        loan__facility__in=visible, state=DisbursementState.REQUESTED
    )
    return list(waiting.select_related("loan", "payee", "maker"))


def _unmatched(visible: QuerySet[Facility]) -> list[BankEntry]:
    return list(BankEntry.objects.filter(facility__in=visible, state=BankEntryState.BOOKED))


def _rebates(visible: QuerySet[Facility]) -> list[Rebate]:
    waiting = Rebate.objects.filter(receivable__facility__in=visible, state=RebateState.REQUESTED)
    return list(waiting.select_related("receivable", "maker"))


def _instructions(visible: QuerySet[Facility]) -> list[Instruction]:
    waiting = Instruction.objects.waiting().filter(facility__in=visible)
    return list(waiting.select_related("custodian"))


def _call(call: MarginCall) -> Task:
    escalated = call.state == MarginCallState.ESCALATED
    return Task(
        urgency=0,
        icon="close_out" if escalated else "called",
        tone="bad" if escalated else "warn",
        text=_("Margin call: bring cash, or goods worth more")
        if not escalated
        else _("Margin call past its clock or at the close-out line"),
        who=_("Borrower"),
        amount=call.cash_needed,
        since=call.opened_at,
        due=call.due_at,
        href=reverse("portal:call", args=[call.pk]),
    )


def _loan(loan: Loan, as_of: date) -> Task:
    late = loan.due_on < as_of
    text = _("Loan %(loan)s is overdue") if late else _("Loan %(loan)s falls due")
    return Task(
        urgency=1 if late else 4,
        icon="coins",
        tone="bad" if late else "",
        text=text % {"loan": loan.number},
        who=_("Borrower"),
        amount=loan.owed_principal
        + loan.owed_interest
        + loan.owed_penalty
        + loan.owed_fees
        + loan.owed_costs,
        since=loan.agreed_on,
        due=loan.due_on,
        href=reverse("portal:loan", args=[loan.pk]),
    )


def _payment(payment: Disbursement) -> Task:
    maker = payment.maker.get_full_name() or payment.maker.username
    return Task(
        urgency=2,
        icon="bank",
        tone="",
        text=_("Payment to %(payee)s waits for a checker other than %(maker)s")
        % {"payee": name_of(payment.payee), "maker": maker},
        who=_("Lender’s checker"),
        amount=payment.amount,
        since=payment.requested_at,
        due=None,
        href=reverse("portal:loan", args=[payment.loan_id]),
    )


def _entry(entry: BankEntry) -> Task:
    return Task(
        urgency=3,
        icon="invoice",
        tone="",
        text=_("Bank entry %(reference)s of %(payer)s is not matched to an invoice")
        % {"reference": entry.entry_reference, "payer": entry.payer_name},
        who=_("Lender’s operations"),
        amount=entry.amount,
        since=entry.recorded_at,
        due=None,
        href=reverse("portal:receivables"),
    )


def _rebate(rebate: Rebate) -> Task:
    maker = rebate.maker.get_full_name() or rebate.maker.username
    return Task(
        urgency=3,
        icon="coins",
        tone="",
        text=_("Reserve of invoice %(invoice)s waits for a checker other than %(maker)s")
        % {"invoice": rebate.receivable.invoice_number, "maker": maker},
        who=_("Lender’s checker"),
        amount=rebate.amount,
        since=rebate.receivable.issued_on,
        due=None,
        href=reverse("portal:receivable", args=[rebate.receivable_id]),
    )


def _instruction(one: Instruction) -> Task:
    decides = one.state == InstructionState.REQUESTED
    return Task(
        urgency=2,
        icon="truck",
        tone="",
        text=f"{one.get_kind_display()} · {one.number}: {next_step(one)}",
        who=_("Lender’s checker") if decides else name_of(one.custodian),
        amount=one.market_value,
        since=one.requested_at,
        due=one.step_due_at,
        href=reverse("portal:instruction", args=[one.pk]),
    )

"""Pay loans with an amount: what repayment and refinancing have in common.

Money is worth what the day it arrived says, not the day it was typed in: loans whose interest has
been counted beyond that day are first counted back to it, paid, and counted forward again. The
difference is corrected in the books in one entry; nothing posted is touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ledger.services.posting import Line, NewEntry, post_batch
from lending.models import Facility, Loan, Repayment, RepaymentAllocation, Waiver
from lending.refusals import MoreThanOwed, NotInThisFacility
from lending.rules import (
    ZERO,
    Debt,
    Share,
    share_out,
    total_owed,
    within_tolerance,
)
from lending.services.accrual import count_interest
from lending.services.drawing import change_principal
from lending.services.loans import finish_if_settled
from lending.states import OPEN, OWING, Component
from parties.actors import Actor

CHANGED = [
    *(f"owed_{component.value}" for component in Component),
    "interest_exact",
    "interest_posted",
    "penalty_exact",
    "penalty_posted",
    "accrues_from",
    "accrued_through",
    "state",
]


@dataclass
class Settlement:
    """What an amount does to the loans it pays; nothing is written until :func:`write`."""

    facility: Facility
    loans: dict[int, Loan]
    counted_through: Mapping[int, date]
    counted_on: dict[int, date] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    waived: list[Share] = field(default_factory=list)
    corrections: dict[tuple[int, Component], Decimal] = field(default_factory=dict)

    def correct(self, loan: Loan, component: Component, by: Decimal) -> None:
        """Note a change of accrued interest that the books must follow."""
        key = (loan.pk, component)
        self.corrections[key] = self.corrections.get(key, ZERO) + by


def open_settlement(
    facility: Facility, loans: Sequence[Loan] | None, *, on: date, actor: Actor, now: datetime
) -> Settlement:
    """Read the loans to be paid, oldest first, with interest counted to the day of the money.

    All loans that are open if none are named. The facility is locked by the caller. Raises
    NotInThisFacility.
    """
    count_interest(facility_ids=[facility.pk], through=on, actor=actor, now=now)
    rows = facility.loans.filter(state__in=OPEN).order_by("agreed_on", "pk")
    if loans is not None:
        for loan in loans:
            if loan.facility_id != facility.pk:
                raise NotInThisFacility.of(loan, facility)
        rows = rows.filter(pk__in=[loan.pk for loan in loans])
    found = {loan.pk: loan for loan in rows.select_related("facility")}
    through = {pk: loan.accrued_through for pk, loan in found.items() if loan.accrued_through}
    settlement = Settlement(facility, found, through)
    for loan in found.values():
        if loan.state in OWING:
            day = settlement.counted_on[loan.pk] = loan.payment_day(on)
            count_to(settlement, loan, day)
    return settlement


def count_to(settlement: Settlement, loan: Loan, day: date) -> None:
    """Set a loan's interest to what its closed form says on a day, earlier or later."""
    interest, penalty = loan.counted_on(day)
    settlement.correct(loan, Component.INTEREST, interest - loan.interest_posted)
    settlement.correct(loan, Component.PENALTY, penalty - loan.penalty_posted)
    loan.owed_interest += interest - loan.interest_posted
    loan.owed_penalty += penalty - loan.penalty_posted
    loan.interest_posted, loan.penalty_posted = interest, penalty
    loan.accrued_through = day


def pay(settlement: Settlement, amount: Decimal, *, on: date) -> None:
    """Share the amount out by the facility's waterfall, and let small rests go by its tolerance.

    Raises MoreThanOwed, with the numbers.
    """
    facility = settlement.facility
    debts = [_debt(loan) for loan in settlement.loans.values()]
    owed = total_owed(debts)
    if amount > owed:
        raise MoreThanOwed.of(owed=owed, paid=amount, currency=facility.currency)
    waterfall = [Component(name) for name in facility.waterfall]
    settlement.shares = share_out(amount, debts, waterfall)
    _take_off(settlement, settlement.shares)
    paid = {share.loan_id for share in settlement.shares}
    rests = [_debt(settlement.loans[loan_id]) for loan_id in sorted(paid)]
    settlement.waived = [
        Share(rest.loan_id, component, rest.owed[component])
        for rest in rests
        if within_tolerance(rest, facility.waiver_tolerance)
        for component in waterfall
        if rest.owed[component]
    ]
    _take_off(settlement, settlement.waived)
    for loan in settlement.loans.values():
        _catch_up(settlement, loan, on=on)


def _debt(loan: Loan) -> Debt:
    return Debt(loan.pk, loan.owed)


def _take_off(settlement: Settlement, shares: Sequence[Share]) -> None:
    for share in shares:
        loan = settlement.loans[share.loan_id]
        if share.component == Component.PRINCIPAL:
            change_principal(loan, -share.amount, on=loan.accrued_through or loan.agreed_on)
        else:
            column = f"owed_{share.component.value}"
            setattr(loan, column, getattr(loan, column) - share.amount)


def _catch_up(settlement: Settlement, loan: Loan, *, on: date) -> None:
    """Count a loan forward again to where it stood, and let it end if it is settled."""
    if loan.state not in OWING:
        return
    count_to(settlement, loan, settlement.counted_through[loan.pk])
    finish_if_settled(loan, on=on)


def write(
    settlement: Settlement,
    repayment: Repayment,
    *,
    lines: Sequence[Line],
    actor: Actor,
    now: datetime,
) -> None:
    """Save loans, allocations and waivers and post all of it in one batch.

    `lines` are the repayment's own: what was debited for each share is the caller's matter.
    """
    Loan.objects.bulk_update(settlement.loans.values(), CHANGED)
    RepaymentAllocation.objects.bulk_create(
        RepaymentAllocation(
            repayment=repayment,
            loan_id=share.loan_id,
            component=share.component,
            amount=share.amount,
            counted_on=settlement.counted_on.get(share.loan_id, repayment.received_on),
        )
        for share in settlement.shares
    )
    Waiver.objects.bulk_create(
        Waiver(
            repayment=repayment,
            loan_id=share.loan_id,
            component=share.component,
            amount=share.amount,
        )
        for share in settlement.waived
    )
    facility = settlement.facility
    post_batch(
        tenant_id=facility.tenant_id,
        currency=facility.currency,
        entries=_entries(settlement, repayment, lines),
        actor=actor,
        now=now,
    )


def _entries(settlement: Settlement, repayment: Repayment, lines: Sequence[Line]) -> list[NewEntry]:
    on, reference = repayment.received_on, repayment.reference
    key = f"repayment:{repayment.pk}"
    entries = [NewEntry("repayment", on, lines, reference, "", key)]
    if waived := [
        Line("waiver_expense", _code(settlement, share), share.amount)
        for share in settlement.waived
    ]:
        entries.append(NewEntry("waiver", on, waived, reference, "", f"{key}:waiver"))
    if corrected := list(correction_lines(settlement)):
        booked_on = max([on, *settlement.counted_through.values()])
        entries.append(
            NewEntry("interest_corrected", booked_on, corrected, reference, "", f"{key}:interest")
        )
    return entries


def _code(settlement: Settlement, share: Share) -> str:
    return f"{share.component.value}:{settlement.loans[share.loan_id].number}"


def credit_lines(settlement: Settlement, debit: str) -> list[Line]:
    """Return the repayment's lines when one account is debited for all its shares."""
    return [Line(debit, _code(settlement, share), share.amount) for share in settlement.shares]


def refinancing_lines(settlement: Settlement, new_loan: Loan) -> list[Line]:
    """Return the lines when a new loan's principal is debited for them."""
    return credit_lines(settlement, f"principal:{new_loan.number}")


def correction_lines(settlement: Settlement) -> list[Line]:
    """Return the lines that take back the interest a payment's own day makes undue."""
    lines = []
    for (loan_id, component), by in settlement.corrections.items():
        asset = f"{component.value}:{settlement.loans[loan_id].number}"
        income = f"{component.value}_income"
        if by < 0:
            lines.append(Line(income, asset, -by))
        elif by > 0:
            lines.append(Line(asset, income, by))
    return lines

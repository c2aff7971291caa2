"""The price of a sale shared out: its costs, then the debt by the facility's waterfall, then rest.

What is left stays in the controlled account as proceeds, for the borrower.
"""

from decimal import Decimal

from ledger.services.posting import Line, post
from lending.models import Loan, Repayment
from lending.queries import quote_payoff
from lending.services.fees import charge_fee
from lending.services.repayment import repay
from lending.states import OPEN, Component, RepaymentSource
from pledges.models import Sale
from pledges.services.conversion import Evidence, Take
from pledges.services.cover import CoverAct
from pledges.services.sale import apply_proceeds
from pledges.states import Right


def distribute(act: CoverAct, sale: Sale) -> Repayment | None:
    """Book the price into the controlled account and pay what is owed from it, costs first.

    Dr collection Cr proceeds for the price; the costs that the lender paid are charged to the
    oldest loan (Dr costs Cr cash); the debt is repaid from proceeds and swept to cash.
    """
    _book_price(act, sale)
    if sale.costs:
        charge_fee(
            loan=_oldest(act),
            amount=sale.costs,
            component=Component.COSTS,
            on=act.on,
            narrative=f"Costs of disposal {sale.lot.case_id}/{sale.lot.number}",
            actor=act.actor,
            now=act.now,
        )
    owed = quote_payoff(act.actor, act.facility, act.on).total
    amount = min(owed, sale.price)
    return _repay(act, sale, amount) if amount else None


def _oldest(act: CoverAct) -> Loan:
    """Return the oldest loan that owes: somebody owes, or the sale would have been refused."""
    loans = act.facility.loans.filter(state__in=OPEN).order_by("agreed_on", "pk")
    owing = [loan for loan in loans if loan.owed_total]
    return owing[0]


def _book_price(act: CoverAct, sale: Sale) -> None:
    code = act.facility.code
    _post(act, sale, "disposal_price", Line(f"collection:{code}", f"proceeds:{code}", sale.price))


def _repay(act: CoverAct, sale: Sale, amount: Decimal) -> Repayment:
    code = act.facility.code
    reference = f"{sale.bank_reference} disposal {sale.pk}"
    repayment = repay(
        facility=act.facility,
        amount=amount,
        received_on=act.on,
        source=RepaymentSource.PROCEEDS,
        debit_code=f"proceeds:{code}",
        reference=reference,
        actor=act.actor,
        now=act.now,
    )
    assert sale.proceeds is not None
    apply_proceeds(
        act=act,
        proceeds=Take(sale.proceeds.pk, amount),
        right=Right.REPAID,
        label=f"{sale.bank_reference}, {code}",
        evidence=Evidence("repayment", reference, {"sale": sale.pk}),
    )
    _post(act, sale, "proceeds_swept", Line("cash", f"collection:{code}", amount))
    return repayment


def _post(act: CoverAct, sale: Sale, kind: str, line: Line) -> None:
    post(
        tenant_id=act.facility.tenant_id,
        currency=act.facility.currency,
        kind=kind,
        booked_on=act.on,
        lines=[line],
        reference=sale.bank_reference,
        narrative=f"Disposal {sale.lot.case_id}/{sale.lot.number}",
        idempotency_key=f"sale:{sale.pk}:{kind}",
        actor=act.actor,
        now=act.now,
    )

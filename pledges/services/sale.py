"""`sell`, `collect` and `apply`: goods become a debt, the debt cash, the cash repayment."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from logistics.services.stock import ship_lots
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Make, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import lot_of
from pledges.services.valuation import terms_of_claim
from pledges.states import ConversionKind, Right


def sell(
    *,
    act: CoverAct,
    goods: Sequence[Take],
    face: Decimal,
    advance_rate: Decimal,
    label: str,
    carrier: Organisation,
    shipment_reference: str,
    occurred_at: datetime,
    evidence: Evidence,
) -> Position:
    """Turn pledged goods into the receivable of their sale, in one act.

    The hold falls, the goods leave the warehouse, and the buyer's debt of `face` takes their
    place at `advance_rate`. The evidence is the verified, assigned invoice.
    """
    taken = take(act=act, kind=ConversionKind.SELL, takes=goods)
    ship_lots(
        goods=[(lot_of(one), one.quantity) for one in taken],
        source=carrier,
        reference=shipment_reference,
        occurred_at=occurred_at,
        actor=act.actor,
        now=act.now,
    )
    make = Make(
        right=Right.RECEIVABLE,
        quantity=face,
        unit=act.facility.currency,
        label=label,
        terms=terms_of_claim(act.facility.currency, advance_rate),
        parent=taken[0].position if len(taken) == 1 else None,
    )
    [position] = convert(
        act=act, kind=ConversionKind.SELL, taken=taken, makes=[make], evidence=evidence
    )
    return position


def collect(*, act: CoverAct, receivable: Take, label: str, evidence: Evidence) -> Position:
    """Turn (part of) a receivable into proceeds in the controlled account, amount for amount.

    Cash in the controlled account lends at par. The evidence is the matched bank entry.
    """
    taken = take(act=act, kind=ConversionKind.COLLECT, takes=[receivable])
    make = Make(
        right=Right.PROCEEDS,
        quantity=receivable.quantity,
        unit=act.facility.currency,
        label=label,
        terms=terms_of_claim(act.facility.currency, Decimal(1)),
        parent=taken[0].position,
    )
    [position] = convert(
        act=act, kind=ConversionKind.COLLECT, taken=taken, makes=[make], evidence=evidence
    )
    return position


def apply_proceeds(
    *,
    act: CoverAct,
    proceeds: Take,
    right: Right,
    label: str,
    evidence: Evidence,
    maker_id: int | None = None,
) -> Position:
    """Use proceeds: `repaid` for what paid the lender, `released` for surplus to the borrower.

    The caller books the repayment (or the rebate) in the same act; what leaves the controlled
    account and what it paid are then judged together.
    """
    taken = take(act=act, kind=ConversionKind.APPLY, takes=[proceeds])
    make = Make(
        right=right,
        quantity=proceeds.quantity,
        unit=act.facility.currency,
        label=label,
        parent=taken[0].position,
    )
    [position] = convert(
        act=act,
        kind=ConversionKind.APPLY,
        taken=taken,
        makes=[make],
        evidence=evidence,
        maker_id=maker_id,
    )
    return position

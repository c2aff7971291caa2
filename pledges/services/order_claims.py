"""`prepay`, `deliver`, `revoke`: the claim on a supplier who was paid, and what becomes of it."""

from collections.abc import Sequence
from decimal import Decimal

from logistics.models import Lot
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Make, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import require_borrowers_goods, secured_makes
from pledges.services.valuation import terms_of_claim
from pledges.states import ConversionKind, Right


def prepay(
    *, act: CoverAct, supplier: Organisation, amount: Decimal, label: str, evidence: Evidence
) -> Position:
    """Make the order claim that paying a supplier in advance creates.

    `amount` is all that the supplier was paid, in the facility's currency, whoever paid it; it
    lends at the facility's order advance rate. The evidence is the entrusted payment.
    """
    facility = act.facility
    make = Make(
        right=Right.ORDER_CLAIM,
        quantity=amount,
        unit=facility.currency,
        label=label,
        terms=terms_of_claim(facility.currency, facility.order_advance_rate),
    )
    details = Evidence(
        evidence.kind, evidence.reference, {**evidence.details, "supplier": supplier.name}
    )
    [position] = convert(
        act=act, kind=ConversionKind.PREPAY, taken=[], makes=[make], evidence=details
    )
    return position


def revoke(*, act: CoverAct, claim: Take, label: str, evidence: Evidence) -> Position:
    """End (what is left of) a claim whose payment the bank did not make.

    Nobody chose it: open the act with Requirement.NONE, so that it is recorded, and called, but
    never refused. The evidence is the returned payment.
    """
    taken = take(act=act, kind=ConversionKind.REVOKE, takes=[claim])
    make = Make(
        right=Right.RELEASED,
        quantity=claim.quantity,
        unit=act.facility.currency,
        label=label,
        parent=taken[0].position,
    )
    [position] = convert(
        act=act, kind=ConversionKind.REVOKE, taken=taken, makes=[make], evidence=evidence
    )
    return position


def deliver(
    *,
    act: CoverAct,
    claims: Sequence[Take],
    lots: Sequence[tuple[Lot, Decimal]],
    evidence: Evidence,
) -> list[Position]:
    """Turn order claims into a floating mortgage on the goods received for them.

    `claims` says how much of each claim the delivery discharges (its share of the order, which
    the orders room computes; none for goods that come before any payment), `lots` the quantities
    received. The evidence is the goods-received
    event at the contract manufacturer. Raises NotTheBorrowersGoods.
    """
    require_borrowers_goods(act, [lot for lot, _quantity in lots])
    taken = take(act=act, kind=ConversionKind.DELIVER, takes=claims)
    parent = taken[0].position if len(taken) == 1 else None
    return convert(
        act=act,
        kind=ConversionKind.DELIVER,
        taken=taken,
        makes=secured_makes(lots, Right.FLOATING_MORTGAGE, parent),
        evidence=evidence,
    )

"""`sell`, `return`, `collect`, `apply`: goods become a debt (or come back), the debt cash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from logistics.models import Lot, StockAct
from logistics.services.acts import Told, reported_act
from logistics.services.stock import move_goods, return_goods, ship_lots
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Make, Take, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import lot_of, secured_makes
from pledges.services.valuation import terms_of_claim
from pledges.services.warehouse import Arrival
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

    The hold falls, the goods leave the warehouse, or the vehicle in which they are under way,
    and the buyer's debt of `face` takes their place at `advance_rate`. The evidence is the
    verified, assigned invoice.
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
        act=act,
        kind=ConversionKind.SELL,
        taken=taken,
        makes=[make],
        evidence=evidence,
        moved=[reported_act(source=carrier, reference=shipment_reference)],
    )
    return position


@dataclass(frozen=True, slots=True)
class Back:
    """Goods that a buyer sends back: so much of the lot from which they had been shipped."""

    lot: Lot
    quantity: Decimal


def give_back(
    *,
    act: CoverAct,
    receivable: Take,
    goods: Sequence[Back],
    store: Arrival,
    evidence: Evidence,
) -> list[Position]:
    """Turn (part of) a receivable into pledged goods: they are back in store, the debt shrinks.

    Each lot takes back what was shipped from it; what was sold under way comes back to the
    vehicle's lot and goes on to the store, under `store.lot_number`. Nobody on the lender's side
    chose it: open the act with Requirement.NONE, so that it is recorded, and called, but never
    refused. The evidence is the credit note. Returns the new pledges in the order of `goods`.
    Raises MoreThanShipped.
    """
    taken = take(act=act, kind=ConversionKind.RETURN, takes=[receivable])
    came = [
        _take_back(act, one, store, f"{store.reference}/{number}")
        for number, one in enumerate(goods, start=1)
    ]
    return convert(
        act=act,
        kind=ConversionKind.RETURN,
        taken=taken,
        makes=secured_makes(
            [(lot, one.quantity) for (lot, _moved), one in zip(came, goods, strict=True)],
            Right.PLEDGE,
            taken[0].position,
        ),
        evidence=evidence,
        moved=[moved for _lot, acts in came for moved in acts],
    )


def _take_back(
    act: CoverAct, back: Back, store: Arrival, reference: str
) -> tuple[Lot, list[StockAct]]:
    if back.lot.site_id == store.site.pk:
        told = _told(act, store, store.source, reference)
        lot = return_goods(lot=back.lot, quantity=back.quantity, **told)
        return lot, [reported_act(source=store.source, reference=reference)]
    # The custodian of the place they had left answers for that lot, whoever brings them home.
    custodian = back.lot.site.operator
    via = return_goods(
        lot=back.lot, quantity=back.quantity, **_told(act, store, custodian, reference)
    )
    lot = move_goods(
        lot=via,
        to_site=store.site,
        quantity=back.quantity,
        lot_number=store.lot_number or None,
        **_told(act, store, store.source, f"{reference}-in"),
    )
    return lot, [
        reported_act(source=custodian, reference=reference),
        reported_act(source=store.source, reference=f"{reference}-in"),
    ]


def _told(act: CoverAct, store: Arrival, source: Organisation, reference: str) -> Told:
    return {
        "source": source,
        "reference": reference,
        "occurred_at": store.occurred_at,
        "actor": act.actor,
        "now": act.now,
    }


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

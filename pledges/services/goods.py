"""What all conversions of goods share: positions on lots, in the item's unit."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from logistics.models import Lot
from pledges.models import Position
from pledges.rules.terms import Term
from pledges.services.conversion import Make, Taken
from pledges.services.cover import CoverAct
from pledges.services.valuation import terms_of_lots
from pledges.states import Right


class NotTheBorrowersGoods(Refusal):
    """Only goods that the borrower owns can secure its facility."""

    code = "not_the_borrowers_goods"


def require_borrowers_goods(act: CoverAct, lots: Sequence[Lot]) -> None:
    """Refuse lots of another owner with NotTheBorrowersGoods."""
    for lot in lots:
        if lot.owner_id != act.facility.borrower_id:
            raise NotTheBorrowersGoods(
                message=_("%(lot)s does not belong to %(borrower)s")
                % {"lot": lot, "borrower": act.facility.borrower},
                field="lot",
            )


def secured_makes(
    goods: Sequence[tuple[Lot, Decimal]], right: Right, parent: Position | None = None
) -> list[Make]:
    """Return the positions to be made on quantities of lots under a live right.

    Raises NothingToLendOn, CurrencyNotValued. Two queries whatever the number of lots.
    """
    terms = terms_of_lots([lot for lot, _quantity in goods])
    return [
        _make(lot, quantity, right, parent, lot_terms)
        for (lot, quantity), lot_terms in zip(goods, terms, strict=True)
    ]


def released_makes(taken: Sequence[Taken]) -> list[Make]:
    """Return the terminal positions of goods that are given back: they secure nothing."""
    return [_make(lot_of(one), one.quantity, Right.RELEASED, one.position, ()) for one in taken]


def lot_of(taken: Taken) -> Lot:
    """Return the lot behind taken goods; the database guarantees that there is one."""
    lot = taken.position.lot
    assert lot is not None
    return lot


def _make(
    lot: Lot, quantity: Decimal, right: Right, parent: Position | None, terms: Sequence[Term]
) -> Make:
    return Make(
        right=right,
        quantity=quantity,
        unit=lot.item.unit,
        label=f"{lot.item.name}, {lot.number}, {lot.site.name}",
        terms=terms,
        lot=lot,
        parent=parent,
    )

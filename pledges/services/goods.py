"""What all conversions of goods share: positions on lots, in the item's unit."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from logistics.models import Lot
from pledges.models import Position
from pledges.services.conversion import Make
from pledges.services.cover import CoverAct
from pledges.services.valuation import terms_of_lot
from pledges.states import TERMINAL_RIGHTS, Right


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


def goods_make(lot: Lot, quantity: Decimal, right: Right, parent: Position | None = None) -> Make:
    """Return the position to be made on a quantity of a lot under a right."""
    return Make(
        right=right,
        quantity=quantity,
        unit=lot.item.unit,
        label=f"{lot.item.name}, {lot.number}, {lot.site.name}",
        terms=() if right in TERMINAL_RIGHTS else terms_of_lot(lot),
        lot=lot,
        parent=parent,
    )

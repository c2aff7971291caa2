"""What happens to stock: received, moved, shipped, returned, counted; production is beside.

Every act is one transaction, reported by a custodian under a reference that stands for it for
ever: told again it returns the earlier result, told differently it is refused (ReferenceReused).
`Told` lists the keyword arguments that all of them take; all may raise what
`logistics.services.acts.open_act` names, and QuantityNotPossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Unpack

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from logistics.models import Item, Lot, Site
from logistics.refusals import CountBelowClaims, MoreThanShipped, NothingToReport
from logistics.rules.quantities import show
from logistics.services.acts import (
    Report,
    Told,
    add_events,
    announce,
    close_act,
    lot_now,
    lots_of,
    moving,
    open_act,
)
from logistics.services.locking import lock_lots
from logistics.services.lots import (
    by_lot,
    described_lot,
    lots_at,
    require_count,
    require_free,
    require_quantity,
)
from logistics.services.production import record_production
from logistics.services.serials import record_serials
from logistics.states import StockActKind, StockEventKind
from parties.models import Organisation

__all__ = [
    "Received",
    "adjust_count",
    "move_goods",
    "receive_delivery",
    "receive_goods",
    "record_production",
    "return_goods",
    "ship_goods",
    "ship_lots",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One line of a delivery: so much of an item, as one lot of one quality.

    Pieces that can be told apart may come with their serial numbers.
    """

    item: Item
    lot_number: str
    quantity: Decimal
    quality_deduction: Decimal = Decimal(0)
    serials: Sequence[str] = ()


def receive_goods(
    *,
    site: Site,
    item: Item,
    owner: Organisation,
    lot_number: str,
    quantity: Decimal,
    quality_deduction: Decimal = Decimal(0),
    **told: Unpack[Told],
) -> Lot:
    """Take goods into a lot of a site, which is opened if its number is new there.

    The quantity is in the item's unit. Raises LotDiffers where the number stands for a lot of
    another owner or quality, LotNumberNotPossible, ShareNotPossible.
    """
    line = Received(
        item=item,
        lot_number=lot_number,
        quantity=quantity,
        quality_deduction=quality_deduction,
    )
    [lot] = receive_delivery(
        site=site,
        lines=[line],
        owner=owner,
        **told,
    )
    return lot


@transaction.atomic
def receive_delivery(
    *,
    site: Site,
    lines: Sequence[Received],
    owner: Organisation,
    **told: Unpack[Told],
) -> list[Lot]:
    """Take all lines of one delivery note in, or none; return their lots in the lines' order.

    Like `receive_goods`; also raises NothingToReport without lines and LotRepeated where two
    lines mean one lot.
    """
    if not lines:
        raise NothingToReport(message=_("A delivery has at least one line."), field="lines")
    wanted = [
        described_lot(
            item=line.item,
            owner=owner,
            number=line.lot_number,
            quality_deduction=line.quality_deduction,
        )
        for line in lines
    ]
    quantities = [require_quantity(line.quantity, item=line.item) for line in lines]
    report = Report(
        kind=StockActKind.RECEIVED,
        service="receive_goods",
        content={
            "site": site.pk,
            "owner": owner.pk,
            "lines": [
                [*new.key, quantity, new.quality_deduction, *line.serials]
                for new, quantity, line in zip(wanted, quantities, lines, strict=True)
            ],
        },
        **told,
    )
    with moving(report, owners=[owner], items=[line.item for line in lines], into=site):
        act, told_before = open_act(report, sites=[site])
        if not told_before:
            lots, _locked = lots_at(site, wanted, opened_on=told["occurred_at"].date())
            legs = [
                (lot, StockEventKind.RECEIVED, quantity)
                for lot, quantity in zip(lots, quantities, strict=True)
            ]
            close_act(act, report, add_events(act, legs))
            for lot, line in zip(lots, lines, strict=True):
                if line.serials:
                    record_serials(
                        lot=lot, serials=line.serials, actor=told["actor"], now=told["now"]
                    )
    return lots_of(act, StockEventKind.RECEIVED)


@transaction.atomic
def move_goods(
    *,
    lot: Lot,
    to_site: Site,
    quantity: Decimal,
    lot_number: str | None = None,
    **told: Unpack[Told],
) -> Lot:
    """Move free goods of a lot to another site, or to another lot of the same; return that lot.

    Owner and quality go along; the number too unless another is given. Either custodian, or a
    carrier, may report it. Raises NotFree, LotDiffers, NothingToReport (the goods are there).
    """
    asked = require_quantity(quantity, item=lot.item)
    target = described_lot(
        item=lot.item,
        owner=lot.owner,
        number=lot.number if lot_number is None else lot_number,
        quality_deduction=lot.quality_deduction,
    )
    if to_site.pk == lot.site_id and target.normal_number == lot.normal_number:
        raise NothingToReport(
            message=_("%(lot)s is at %(site)s already") % {"lot": lot.number, "site": to_site},
            field="to_site",
        )
    report = Report(
        kind=StockActKind.MOVED,
        service="move_goods",
        content={"lot": lot.pk, "to": [to_site.pk, *target.key], "quantity": asked},
        **told,
    )
    leaving = {lot.pk: asked}
    with moving(report, owners=[lot.owner_id], items=[lot.item], into=to_site, leaving=leaving):
        act, told_before = open_act(report, sites=[lot.site, to_site])
        if not told_before:
            announce(report, leaving)
            [moved], locked = lots_at(
                to_site, [target], opened_on=told["occurred_at"].date(), leaving=[lot.pk]
            )
            require_free(locked[lot.pk], asked)
            legs = [
                (locked[lot.pk], StockEventKind.MOVED_OUT, -asked),
                (moved, StockEventKind.MOVED_IN, asked),
            ]
            close_act(act, report, add_events(act, legs))
    return lots_of(act, StockEventKind.MOVED_IN)[0]


def ship_goods(
    *,
    lot: Lot,
    quantity: Decimal,
    **told: Unpack[Told],
) -> Lot:
    """Let free goods of a lot leave the chain's sites, and return the lot.

    The custodian or a carrier reports it. Raises NotFree.
    """
    [shipped] = ship_lots(
        goods=[(lot, quantity)],
        **told,
    )
    return shipped


@transaction.atomic
def ship_lots(
    *,
    goods: Sequence[tuple[Lot, Decimal]],
    **told: Unpack[Told],
) -> list[Lot]:
    """Ship several lots under one reference, all or none; return them in order of their ids.

    Quantities of a lot that is named twice are added up. Raises NotFree, NothingToReport.
    """
    if not goods:
        raise NothingToReport(message=_("A shipment has at least one lot."), field="goods")
    asked = by_lot(goods)
    report = Report(
        kind=StockActKind.SHIPPED,
        service="ship_goods",
        content={"goods": asked},
        **told,
    )
    owners, items = {lot.owner_id for lot, _ in goods}, [lot.item for lot, _ in goods]
    with moving(report, owners=owners, items=items, leaving=asked):
        act, told_before = open_act(report, sites=[lot.site for lot, _quantity in goods])
        if not told_before:
            announce(report, asked)
            lots = lock_lots(asked)
            for lot in lots:
                require_free(lot, asked[lot.pk])
            legs = [(lot, StockEventKind.SHIPPED, -asked[lot.pk]) for lot in lots]
            close_act(act, report, add_events(act, legs))
    return lots_of(act, StockEventKind.SHIPPED)


@transaction.atomic
def return_goods(
    *,
    lot: Lot,
    quantity: Decimal,
    **told: Unpack[Told],
) -> Lot:
    """Take goods back into the lot they were shipped from, and return it.

    Raises MoreThanShipped if more would have come back than ever left.
    """
    back = require_quantity(quantity, item=lot.item)
    report = Report(
        kind=StockActKind.RETURNED,
        service="return_goods",
        content={"lot": lot.pk, "quantity": back},
        **told,
    )
    with moving(report, owners=[lot.owner_id], items=[lot.item], into=lot.site):
        act, told_before = open_act(report, sites=[lot.site])
        if not told_before:
            [locked] = lock_lots([lot.pk])
            _require_shipped(locked, back)
            close_act(act, report, add_events(act, [(locked, StockEventKind.RETURNED, back)]))
    return lot_now(lot)


@transaction.atomic
def adjust_count(
    *,
    lot: Lot,
    counted: Decimal,
    **told: Unpack[Told],
) -> Lot:
    """Set a lot's quantity on hand to what was counted, and return the lot.

    A count that finds what the books say is kept without a leg. The custodian reports it, or a
    lender whose inspector counted. Claims on what is missing are written off by the rooms above;
    raises CountBelowClaims if they left more claimed than is there.
    """
    found = require_count(counted, item=lot.item, field="counted")
    report = Report(
        kind=StockActKind.COUNTED,
        service="adjust_count",
        content={"lot": lot.pk, "counted": found},
        **told,
    )
    comes = found > lot_now(lot).on_hand
    into = lot.site if comes else None
    with moving(report, owners=[lot.owner_id], items=[lot.item], into=into):
        act, told_before = open_act(report, sites=[lot.site])
        if not told_before:
            missing = lot_now(lot).on_hand - found
            if missing > 0:
                announce(report, {lot.pk: missing}, counted={lot.pk: found}, act=act)
            [locked] = lock_lots([lot.pk])
            _require_claims_kept(locked, found)
            legs = [(locked, StockEventKind.ADJUSTED, found - locked.on_hand)]
            close_act(act, report, add_events(act, [leg for leg in legs if leg[2]]))
    return lot_now(lot)


def _require_shipped(lot: Lot, back: Decimal) -> None:
    sums = lot.events.aggregate(
        shipped=Sum("quantity", filter=Q(kind=StockEventKind.SHIPPED), default=Decimal(0)),
        returned=Sum("quantity", filter=Q(kind=StockEventKind.RETURNED), default=Decimal(0)),
    )
    figures = {
        "shipped": -sums["shipped"],
        "returned": sums["returned"],
        "asked": back,
        "over": back + sums["returned"] + sums["shipped"],
    }
    if figures["over"] > 0:
        shown = {name: show(value, lot.item.unit) for name, value in figures.items()}
        raise MoreThanShipped(
            message=_(
                "%(lot)s: shipped %(shipped)s, returned before %(returned)s, "
                "now %(asked)s, over by %(over)s"
            )
            % {"lot": lot.number, **shown},
            field="quantity",
            numbers=figures,
        )


def _require_claims_kept(lot: Lot, found: Decimal) -> None:
    if found < lot.claimed:
        figures = {"counted": found, "claimed": lot.claimed, "short": lot.claimed - found}
        shown = {name: show(value, lot.item.unit) for name, value in figures.items()}
        raise CountBelowClaims(
            message=_("%(lot)s: counted %(counted)s, claimed %(claimed)s, short %(short)s")
            % {"lot": lot.number, **shown},
            field="counted",
            numbers=figures,
        )

"""Production: materials leave their lots, products enter one, and the bill ties the two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from common.exact import EXACT
from logistics.models import BillLine, BillOfMaterials, Item, Lot, Site
from logistics.refusals import (
    MaterialElsewhere,
    MaterialOfAnother,
    NoBill,
    NothingToReport,
    ProductionDoesNotTie,
)
from logistics.rules.production import MaterialUse, material_uses
from logistics.rules.quantities import floor
from logistics.services.acts import (
    Report,
    Told,
    add_events,
    announce,
    close_act,
    lots_of,
    moving,
    open_act,
)
from logistics.services.lots import (
    NewLot,
    by_lot,
    described_lot,
    lots_at,
    require_free,
    require_quantity,
)
from logistics.states import StockActKind, StockEventKind
from parties.models import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapBack:
    """Scrap of a material that came back, in the material's unit; its lot is numbered by itself."""

    material: Item
    quantity: Decimal


@transaction.atomic
def record_production(
    *,
    site: Site,
    product: Item,
    product_lot_number: str,
    quantity: Decimal,
    consumed: Sequence[tuple[Lot, Decimal]],
    owner: Organisation,
    quality_deduction: Decimal = Decimal(0),
    scrap: Sequence[ScrapBack] = (),
    **told: Unpack[Told],
) -> Lot:
    """Consume materials at a site and enter what was made of them; return the product's lot.

    Quantities are in the items' units; those of a lot that is named twice are added up. Scrap
    enters lots numbered like the product's with "-S", of the owner or of the maker as the bill
    says. Raises NoBill, ProductionDoesNotTie (per material: bill, allowed, consumed, scrap),
    NotFree, MaterialElsewhere, MaterialOfAnother, NothingToReport and what `receive_goods` raises.
    """
    made = require_quantity(quantity, item=product)
    wanted = described_lot(
        item=product,
        owner=owner,
        number=product_lot_number,
        quality_deduction=quality_deduction,
    )
    if not consumed:
        raise NothingToReport(message=_("Production consumes something."), field="consumed")
    used = by_lot(consumed)
    back = _scrap_lots(product, scrap, wanted.number, site=site, owner=owner)
    report = Report(
        kind=StockActKind.PRODUCED,
        service="record_production",
        content=_content(site, owner, wanted, made, used, back),
        **told,
    )
    items = [product, *(new.item for new, _quantity in back)]
    with moving(report, owners=[owner], items=items, into=site, leaving=used):
        act, told_before = open_act(report, sites=[site])
        if not told_before:
            announce(report, used)
            [lot, *scraps], locked = lots_at(
                site,
                [wanted, *(new for new, _quantity in back)],
                opened_on=told["occurred_at"].date(),
                leaving=list(used),
            )
            materials = {locked[pk]: asked for pk, asked in used.items()}
            check_materials(materials, site=site, owner=owner)
            check_bill(product, made, materials, scrap)
            legs = [(one, StockEventKind.CONSUMED, -asked) for one, asked in materials.items()]
            legs.append((lot, StockEventKind.PRODUCED, made))
            legs += [
                (one, StockEventKind.SCRAPPED, quantity)
                for one, (_new, quantity) in zip(scraps, back, strict=True)
            ]
            close_act(act, report, add_events(act, legs))
    return lots_of(act, StockEventKind.PRODUCED)[0]


def _content(
    site: Site,
    owner: Organisation,
    wanted: NewLot,
    made: Decimal,
    used: Mapping[int, Decimal],
    back: Sequence[tuple[NewLot, Decimal]],
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "site": site.pk,
        "owner": owner.pk,
        "product": [*wanted.key, made, wanted.quality_deduction],
        "consumed": used,
    }
    if back:  # so that reports without scrap stay what they were
        content["scrap"] = [[*new.key, quantity] for new, quantity in back]
    return content


def _scrap_lots(
    product: Item,
    scrap: Sequence[ScrapBack],
    number: str,
    *,
    site: Site,
    owner: Organisation,
) -> list[tuple[NewLot, Decimal]]:
    """Return what comes back as the bill names it; ProductionDoesNotTie for scrap it does not."""
    lines = BillLine.objects.filter(bill__product=product).select_related("scrap_item")
    by_material = {line.material_id: line for line in lines} if scrap else {}
    found = []
    for one in scrap:
        line = by_material.get(one.material.pk)
        if line is None or line.scrap_item is None:
            raise ProductionDoesNotTie(
                message=_("%(code)s: the bill knows no scrap of it") % {"code": one.material.code},
                field="scrap",
            )
        new = described_lot(
            item=line.scrap_item,
            owner=site.operator if line.scrap_to_maker else owner,
            number=f"{number}-S",
            quality_deduction=Decimal(0),
        )
        found.append((new, require_quantity(one.quantity, item=line.scrap_item)))
    return found


def check_materials(materials: Mapping[Lot, Decimal], *, site: Site, owner: Organisation) -> None:
    """Refuse material that lies elsewhere, is another's, or is not free."""
    for lot, asked in materials.items():
        if lot.site_id != site.pk:
            raise MaterialElsewhere(
                message=_("%(lot)s lies at %(there)s, not at %(site)s")
                % {"lot": lot.number, "there": lot.site, "site": site},
                field="consumed",
                numbers={"lot": lot.pk},
            )
        if lot.owner_id != owner.pk:
            raise MaterialOfAnother(
                message=_("%(lot)s does not belong to %(owner)s")
                % {"lot": lot.number, "owner": owner},
                field="consumed",
                numbers={"lot": lot.pk},
            )
        require_free(lot, asked)


def check_bill(
    product: Item,
    made: Decimal,
    materials: Mapping[Lot, Decimal],
    scrap: Sequence[ScrapBack] = (),
    *,
    whole: bool = True,
) -> None:
    """Refuse what does not tie to the bill, naming each material with the numbers.

    Of a run that is only beginning (not `whole`) no material is missing yet, and the scrap that
    the bill expects is still to come.
    """
    bill = BillOfMaterials.objects.filter(product=product).first()
    if bill is None:
        raise NoBill(
            message=_("%(product)s has no bill of materials") % {"product": product.code},
            field="product",
        )
    uses = _uses(bill, made, materials, scrap if whole else None)
    wrong = [use for use in uses if use.complaint() and (whole or use.over > 0)]
    if wrong:
        numbers = {
            f"{use.code}.{name}": getattr(use, name)
            for use in wrong
            for name in _FIGURES[: None if use.scrapped else 3]
        }
        raise ProductionDoesNotTie(
            message="; ".join(use.complaint() for use in wrong), field="consumed", numbers=numbers
        )


_FIGURES = ("planned", "allowed", "consumed", "scrapped")


def _uses(
    bill: BillOfMaterials,
    made: Decimal,
    materials: Mapping[Lot, Decimal],
    scrap: Sequence[ScrapBack] | None,
) -> list[MaterialUse]:
    """Return each material's use; without any word on scrap all that is expected is assumed."""
    lines = {line.material_id: line for line in bill.lines.select_related("material")}
    consumed: dict[int, Decimal] = {}
    for lot, asked in materials.items():
        consumed[lot.item_id] = consumed.get(lot.item_id, Decimal(0)) + asked
    items = {lot.item_id: lot.item for lot in materials}
    items |= {pk: line.material for pk, line in lines.items()}
    back: dict[int, Decimal] = {}
    for pk, line in lines.items() if scrap is None else ():
        back[pk] = floor(EXACT.multiply(line.scrap_share, consumed.get(pk, Decimal(0))))
    for one in scrap or ():
        back[one.material.pk] = back.get(one.material.pk, Decimal(0)) + one.quantity
    return material_uses(
        produced=made,
        loss_tolerance=bill.loss_tolerance,
        materials={pk: (item.code, item.unit) for pk, item in items.items()},
        bill={pk: line.quantity for pk, line in lines.items()},
        consumed=consumed,
        scrap={pk: (back.get(pk, Decimal(0)), line.scrap_share) for pk, line in lines.items()},
    )

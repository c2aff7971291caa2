"""Production: materials leave their lots, products enter one, and the bill ties the two."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from logistics.models import BillOfMaterials, Item, Lot, Site
from logistics.refusals import (
    MaterialElsewhere,
    MaterialOfAnother,
    NoBill,
    NothingToReport,
    ProductionDoesNotTie,
)
from logistics.rules.production import material_uses
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
    by_lot,
    described_lot,
    lots_at,
    require_free,
    require_quantity,
)
from logistics.states import StockActKind, StockEventKind
from parties.models import Organisation


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
    **told: Unpack[Told],
) -> Lot:
    """Consume materials at a site and enter what was made of them; return the product's lot.

    Quantities are in the items' units; those of a lot that is named twice are added up. Raises
    NoBill, ProductionDoesNotTie (per material: bill, allowed, consumed), NotFree,
    MaterialElsewhere, MaterialOfAnother, NothingToReport and what `receive_goods` raises.
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
    report = Report(
        kind=StockActKind.PRODUCED,
        service="record_production",
        content={
            "site": site.pk,
            "owner": owner.pk,
            "product": [*wanted.key, made, wanted.quality_deduction],
            "consumed": used,
        },
        **told,
    )
    with moving(report, owners=[owner], items=[product], into=site, leaving=used):
        act, told_before = open_act(report, sites=[site])
        if not told_before:
            announce(report, used)
            [lot], locked = lots_at(
                site, [wanted], opened_on=told["occurred_at"].date(), leaving=list(used)
            )
            materials = {locked[pk]: asked for pk, asked in used.items()}
            _check_materials(materials, site=site, owner=owner)
            _check_bill(product, made, materials)
            legs = [(one, StockEventKind.CONSUMED, -asked) for one, asked in materials.items()]
            legs.append((lot, StockEventKind.PRODUCED, made))
            close_act(act, report, add_events(act, legs))
    return lots_of(act, StockEventKind.PRODUCED)[0]


def _check_materials(materials: Mapping[Lot, Decimal], *, site: Site, owner: Organisation) -> None:
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


def _check_bill(product: Item, made: Decimal, materials: Mapping[Lot, Decimal]) -> None:
    bill = BillOfMaterials.objects.filter(product=product).first()
    if bill is None:
        raise NoBill(
            message=_("%(product)s has no bill of materials") % {"product": product.code},
            field="product",
        )
    lines = {line.material_id: line for line in bill.lines.select_related("material")}
    consumed: dict[int, Decimal] = {}
    for lot, asked in materials.items():
        consumed[lot.item_id] = consumed.get(lot.item_id, Decimal(0)) + asked
    items = {lot.item_id: lot.item for lot in materials}
    items |= {pk: line.material for pk, line in lines.items()}
    uses = material_uses(
        produced=made,
        loss_tolerance=bill.loss_tolerance,
        materials={pk: (item.code, item.unit) for pk, item in items.items()},
        bill={pk: line.quantity for pk, line in lines.items()},
        consumed=consumed,
    )
    wrong = [use for use in uses if use.complaint()]
    if wrong:
        numbers = {
            f"{use.code}.{name}": getattr(use, name)
            for use in wrong
            for name in ("planned", "allowed", "consumed")
        }
        raise ProductionDoesNotTie(
            message="; ".join(use.complaint() for use in wrong), field="consumed", numbers=numbers
        )

"""Production in two steps: materials go into process, and become products and scrap."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import constraint_refusals
from common.exact import EXACT
from logistics.models import Item, Lot, ProductionRun, Site, StockAct, WorkInProcess
from logistics.refusals import NothingToReport, NotInThisRun, RunKnown
from logistics.services.acts import Report, Told, add_events, announce, close_act, moving, open_act
from logistics.services.lots import (
    NewLot,
    by_lot,
    described_lot,
    lots_at,
    require_quantity,
    require_share,
)
from logistics.services.production import (
    ScrapBack,
    check_bill,
    check_materials,
    record_production,
)
from logistics.states import StockActKind, StockEventKind
from parties.models import Organisation

SHARE_STEP = Decimal("0.00000001")


@transaction.atomic
def start_run(
    *,
    site: Site,
    product: Item,
    number: str,
    planned: Decimal,
    materials: Sequence[tuple[Lot, Decimal]],
    owner: Organisation,
    deduction: Decimal = Decimal(0),
    **told: Unpack[Told],
) -> ProductionRun:
    """Take materials out of store into process at the same site, and return the run.

    Each goes into a lot of its own, numbered "run/lot", whose quality is less by `deduction`:
    half-made goods sell worse than materials. Raises NoBill, ProductionDoesNotTie (what the bill
    does not name, or more than the planned quantity takes), NotFree, MaterialElsewhere,
    MaterialOfAnother, RunKnown, NothingToReport.
    """
    asked = require_quantity(planned, item=product)
    share = require_share(deduction, field="deduction", below_one=True)
    if not materials:
        raise NothingToReport(message=_("Production consumes something."), field="materials")
    used = by_lot(materials)
    report = Report(
        kind=StockActKind.STARTED,
        service="start_run",
        content={
            "site": site.pk, "product": product.pk, "run": number, "planned": asked,
            "materials": used, "deduction": share,
        },
        **told,
    )  # fmt: skip
    items = [lot.item for lot, _quantity in materials]
    with moving(report, owners=[owner], items=items, into=site, leaving=used):
        act, told_before = open_act(report, sites=[site])
        if told_before:
            return ProductionRun.objects.get(started=act)
        announce(report, used)
        lots = {lot.pk: lot for lot, _quantity in materials}
        wanted = [_in_process(lots[pk], number, share) for pk in used]
        opened_on = told["occurred_at"].date()
        found, locked = lots_at(site, wanted, opened_on=opened_on, leaving=list(used))
        taken = {locked[pk]: quantity for pk, quantity in used.items()}
        check_materials(taken, site=site, owner=owner)
        check_bill(product, asked, taken, whole=False)
        run = _enter(act, site, product, number, asked, owner)
        _put_in_process(run, found, taken)
        legs = [(lot, StockEventKind.MOVED_OUT, -quantity) for lot, quantity in taken.items()]
        legs += [
            (into, StockEventKind.MOVED_IN, quantity)
            for into, quantity in zip(found, taken.values(), strict=True)
        ]
        close_act(act, report, add_events(act, legs))
    return run


def _in_process(lot: Lot, number: str, share: Decimal) -> NewLot:
    kept = EXACT.multiply(1 - lot.quality_deduction, 1 - share)
    return described_lot(
        item=lot.item,
        owner=lot.owner,
        number=f"{number}/{lot.number}",
        quality_deduction=(1 - kept).quantize(SHARE_STEP, ROUND_UP),
    )


def _enter(
    act: StockAct, site: Site, product: Item, number: str, planned: Decimal, owner: Organisation
) -> ProductionRun:
    known = RunKnown(
        message=_("%(site)s has a run %(number)s") % {"site": site, "number": number},
        field="number",
    )
    with constraint_refusals({"run_number_unique_at_site": known}):
        return ProductionRun.objects.create(
            site=site, product=product, owner=owner, number=number, planned=planned, started=act
        )


def _put_in_process(run: ProductionRun, found: Sequence[Lot], taken: Mapping[Lot, Decimal]) -> None:
    WorkInProcess.objects.bulk_create(
        WorkInProcess(run=run, lot=lot, taken_from=store, quantity=quantity)
        for lot, (store, quantity) in zip(found, taken.items(), strict=True)
    )


@transaction.atomic
def finish_run(
    *,
    run: ProductionRun,
    product_lot_number: str,
    quantity: Decimal,
    consumed: Sequence[tuple[Lot, Decimal]],
    scrap: Sequence[ScrapBack] = (),
    quality_deduction: Decimal = Decimal(0),
    **told: Unpack[Told],
) -> Lot:
    """Turn (part of) what is in process in a run into products and scrap; return their lot.

    Each finish ties to the bill by itself, so that a run may be finished in parts. Raises
    NotInThisRun and what `record_production` raises.
    """
    in_process = set(run.materials.values_list("lot_id", flat=True))
    strangers = [lot for lot, _quantity in consumed if lot.pk not in in_process]
    if strangers:
        raise NotInThisRun(
            message=_("%(lot)s is not in process in %(run)s")
            % {"lot": strangers[0].number, "run": run.number},
            field="consumed",
        )
    return record_production(
        site=run.site,
        product=run.product,
        product_lot_number=product_lot_number,
        quantity=quantity,
        consumed=consumed,
        owner=run.owner,
        quality_deduction=quality_deduction,
        scrap=scrap,
        **told,
    )

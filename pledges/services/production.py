"""`transform`: mortgaged materials become work in process, finished goods and scrap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from logistics.models import Item, Lot, ProductionRun, Site, StockAct
from logistics.services.acts import reported_act
from logistics.services.production import ScrapBack
from logistics.services.runs import finish_run, start_run
from logistics.services.stock import record_production
from logistics.states import StockEventKind
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence, Make, Take, Taken, convert, take
from pledges.services.cover import CoverAct
from pledges.services.goods import lot_of, secured_makes
from pledges.services.mortgage.scope import mortgage_of
from pledges.states import ConversionKind, Right

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What the maker reports: so much of the product in a lot, and the scrap that came back."""

    lot_number: str
    quantity: Decimal
    scrap: Sequence[ScrapBack] = ()
    source: Organisation
    reference: str
    occurred_at: datetime

    def told(self, act: CoverAct) -> dict[str, Any]:
        """Return the keyword arguments of the report for logistics."""
        return {
            "product_lot_number": self.lot_number,
            "quantity": self.quantity,
            "scrap": self.scrap,
            "source": self.source,
            "reference": self.reference,
            "occurred_at": self.occurred_at,
            "actor": act.actor,
            "now": act.now,
        }


def transform(  # noqa: PLR0913  (each is a fact of the report)
    *,
    act: CoverAct,
    materials: Sequence[Take],
    site: Site,
    product: Item,
    lot_number: str,
    quantity: Decimal,
    source: Organisation,
    reference: str,
    occurred_at: datetime,
    scrap: Sequence[ScrapBack] = (),
    right: Right = Right.FLOATING_MORTGAGE,
) -> Position:
    """Consume mortgaged materials and take the finished goods in their place, in one step.

    Scrap that belongs to the borrower comes under the mortgage, too. The quantities tie to the
    product's bill of materials within its agreed loss, or logistics refuses
    (ProductionDoesNotTie, per material). The evidence is the production event.
    """
    report = Produced(
        lot_number=lot_number,
        quantity=quantity,
        scrap=scrap,
        source=source,
        reference=reference,
        occurred_at=occurred_at,
    )
    taken = take(act=act, kind=ConversionKind.TRANSFORM, takes=materials)
    lot = record_production(
        site=site,
        product=product,
        consumed=[(lot_of(one), one.quantity) for one in taken],
        owner=act.facility.borrower,
        **report.told(act),
    )
    evidence = Evidence("production", reference, {"site": site.name, "product": product.name})
    return _become(act, taken, lot, report, evidence, right)


def start_production(
    *,
    act: CoverAct,
    materials: Sequence[Take],
    site: Site,
    product: Item,
    number: str,
    planned: Decimal,
    source: Organisation,
    reference: str,
    occurred_at: datetime,
) -> list[Position]:
    """Take mortgaged materials into process in a run; they stay under the mortgage.

    In process they are worth less by the deduction that the facility's mortgage agrees on.
    Returns the positions on the work in process, each with its material as parent. Raises what
    `logistics.services.runs.start_run` raises, and WouldUncover.
    """
    taken = take(act=act, kind=ConversionKind.TRANSFORM, takes=materials)
    mortgage = mortgage_of(act.facility.pk)
    run = start_run(
        site=site,
        product=product,
        number=number,
        planned=planned,
        materials=[(lot_of(one), one.quantity) for one in taken],
        owner=act.facility.borrower,
        deduction=mortgage.work_in_process_deduction if mortgage else NOTHING,
        source=source,
        reference=reference,
        occurred_at=occurred_at,
        actor=act.actor,
        now=act.now,
    )
    return convert(
        act=act,
        kind=ConversionKind.TRANSFORM,
        taken=taken,
        makes=_in_process(run, taken),
        evidence=Evidence("production_started", reference, {"site": site.name, "run": number}),
        moved=[run.started],
    )


def _in_process(run: ProductionRun, taken: Sequence[Taken]) -> list[Make]:
    rows = run.materials.select_related("lot__item", "lot__site")
    lots = {row.taken_from_id: row.lot for row in rows}
    goods = [(lots[lot_of(one).pk], one.quantity) for one in taken]
    makes = secured_makes(goods, Right.FLOATING_MORTGAGE)
    return [replace(make, parent=one.position) for make, one in zip(makes, taken, strict=True)]


def finish_production(
    *,
    act: CoverAct,
    run: ProductionRun,
    work: Sequence[Take],
    report: Produced,
    right: Right = Right.FLOATING_MORTGAGE,
) -> Position:
    """Turn (part of) a run's work in process into finished goods, and return their position.

    The borrower's scrap comes under the mortgage with them. Each part ties to the bill by itself.
    Raises NotInThisRun, ProductionDoesNotTie, WouldUncover.
    """
    taken = take(act=act, kind=ConversionKind.TRANSFORM, takes=work)
    lot = finish_run(
        run=run,
        consumed=[(lot_of(one), one.quantity) for one in taken],
        **report.told(act),
    )
    evidence = Evidence(
        "production",
        report.reference,
        {"site": run.site.name, "product": run.product.name, "run": run.number},
    )
    return _become(act, taken, lot, report, evidence, right)


def _become(
    act: CoverAct,
    taken: Sequence[Taken],
    lot: Lot,
    report: Produced,
    evidence: Evidence,
    right: Right,
) -> Position:
    stock = reported_act(source=report.source, reference=report.reference)
    makes = secured_makes([(lot, report.quantity)], right)
    if scrap := _scrap_of(act, stock):
        makes += secured_makes(scrap, Right.FLOATING_MORTGAGE)
    made = convert(
        act=act,
        kind=ConversionKind.TRANSFORM,
        taken=taken,
        makes=makes,
        evidence=evidence,
        moved=[stock],
    )
    return made[0]


def _scrap_of(act: CoverAct, stock: StockAct) -> list[tuple[Lot, Decimal]]:
    """Return the scrap that the production gave back to the borrower."""
    back = stock.events.filter(
        kind=StockEventKind.SCRAPPED, lot__owner_id=act.facility.borrower_id
    ).select_related("lot__item", "lot__site")
    return [(event.lot, event.quantity) for event in back.order_by("pk")]

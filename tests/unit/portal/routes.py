"""Every route of the portal with an address on the story, and who may open it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse

from factoring.models import Receivable
from lending.models import Facility, Loan
from logistics.models import Lot, Shipment, WarehouseReceipt
from orders.models import PurchaseOrder
from pledges.models import (
    AllocationProposal,
    Conversion,
    DisposalCase,
    Instruction,
    MarginCall,
    Position,
)
from risk.models import Feed
from risk.services.feeds import Mapped
from tests.factories.allocation import suggest
from tests.factories.feeds import make_feed

# Kinds of readers. "inside": lender and borrower of the facility. "custodian": runs the warehouse.
# "outside": another lender's person, who is signed in and has nothing to do with the deal.
EVERYBODY = {"inside": 200, "custodian": 200, "outside": 200}
INSIDE = {"inside": 200, "custodian": 404, "outside": 404}
STRANGERS = {"inside": 404, "custodian": 404, "outside": 404}
CUSTODIAN = {"inside": 200, "custodian": 200, "outside": 404}


@dataclass(frozen=True)
class Route:
    name: str
    kwargs: Callable[[], dict[str, object]]
    answers: dict[str, int]
    query: str = ""
    works: bool = False  # has forms: takes POST, too

    @property
    def address(self) -> str:
        return reverse(f"portal:{self.name}", kwargs=self.kwargs()) + self.query


def nothing() -> dict[str, object]:
    return {}


def facility() -> dict[str, object]:
    return {"facility_id": Facility.objects.get(code="AURORA-2011").pk}


def warehouse_lot() -> dict[str, object]:
    return {"lot_id": Lot.objects.filter(site__operator__code="yantian").first().pk}


def main_position() -> dict[str, object]:
    main = Position.objects.filter(facility__code="AURORA-2011")
    return {"position_id": main.earliest("opened_at", "id").pk}


def main_conversion() -> dict[str, object]:
    main = Conversion.objects.filter(facility__code="AURORA-2011")
    return {"conversion_id": main.earliest("occurred_at", "id").pk}


def copper() -> dict[str, object]:
    return {"code": "copper_comex"}


def first_case() -> dict[str, object]:
    """A case of another borrower: the lender's people open it, this deal's borrower does not."""
    return {"case_id": DisposalCase.objects.order_by("pk").first().pk}


def first(name: str, model: type) -> Callable[[], dict[str, object]]:
    return lambda: {name: model.objects.order_by("pk").first().pk}


def a_proposal() -> dict[str, object]:
    """The story has none of its own: one is suggested on the spot (and rolled back)."""
    found = AllocationProposal.objects.first() or suggest(Facility.objects.get(code="AURORA-2011"))
    return {"proposal_id": found.pk}


def a_feed() -> dict[str, object]:
    """A feed of the lender's: the story has none, so one is set up (and rolled back)."""
    lender = Facility.objects.get(code="AURORA-2011").tenant
    found = Feed.objects.first() or make_feed(
        tenant_id=lender.pk,
        code="desk",
        adapter="drop_folder",
        series=[Mapped(series="CU", commodity="copper_comex")],
        now=datetime(2012, 2, 1, 9, tzinfo=UTC),
    )
    return {"code": found.code}


ROUTES = (
    Route("home", nothing, {"inside": 200, "custodian": 302, "outside": 302}),
    Route("search", nothing, EVERYBODY, "?q=copper"),
    Route("facility", facility, INSIDE),
    Route("coverage", facility, INSIDE),
    Route("waterfall", facility, INSIDE),
    Route("map", facility, INSIDE, "?at=2011-11-20"),
    Route("map_scene", facility, INSIDE, "?at=2011-11-20"),
    Route("map_node", facility, INSIDE, "?place=cash&node=account&at=2011-12-16T12:00:00Z"),
    Route("timeline", facility, INSIDE),
    Route("lineage", main_position, INSIDE),
    Route("conversion", main_conversion, INSIDE, works=True),
    Route("prices", nothing, EVERYBODY),
    Route("stress", nothing, INSIDE, query="?mode=futures&count=250"),
    Route("price", copper, EVERYBODY),
    Route("price_history", copper, EVERYBODY),
    Route("rate_models", copper, EVERYBODY, works=True),
    Route("backtest_path", copper, EVERYBODY, "?model=proposal"),
    Route("what_if", copper, INSIDE, "?change=-30"),
    Route("orders", nothing, EVERYBODY),
    Route("order", first("order_id", PurchaseOrder), INSIDE),
    Route("materials", nothing, EVERYBODY),
    Route("mortgage", nothing, INSIDE, works=True),
    Route("inventory", nothing, EVERYBODY),
    Route("lot", warehouse_lot, CUSTODIAN),
    Route("receivables", nothing, EVERYBODY),
    Route("receivable", first("receivable_id", Receivable), INSIDE, works=True),
    Route("loans", nothing, INSIDE),
    Route("loan", first("loan_id", Loan), INSIDE),
    Route("instructions", nothing, EVERYBODY),
    Route("instruction", first("instruction_id", Instruction), CUSTODIAN, works=True),
    Route("instruction_new", nothing, INSIDE, works=True),
    Route("instruction_preview", nothing, INSIDE),
    Route("instruction_statistics", nothing, EVERYBODY),
    Route("legal", facility, INSIDE, works=True),
    Route("rules", facility, STRANGERS | {"lin": 200}, works=True),
    Route("channels", facility, INSIDE, works=True),
    Route("shipments", nothing, EVERYBODY),
    Route("shipment_new", nothing, INSIDE, works=True),
    Route("shipment", first("shipment_id", Shipment), CUSTODIAN, works=True),
    Route("control", nothing, EVERYBODY, works=True),
    Route("receipts", nothing, EVERYBODY),
    Route("receipt_new", nothing, EVERYBODY, works=True),
    Route("receipt", first("receipt_id", WarehouseReceipt), CUSTODIAN, works=True),
    Route("allocation", nothing, INSIDE, works=True),
    Route("proposal", a_proposal, INSIDE, works=True),
    Route("sell_out", nothing, INSIDE),
    Route("alerts", nothing, EVERYBODY, works=True),
    Route("feeds", nothing, EVERYBODY, works=True),
    Route("feed", a_feed, STRANGERS | {"lin": 200}, works=True),
    Route("feed_progress", a_feed, STRANGERS | {"lin": 200}),
    Route("warnings", nothing, EVERYBODY, works=True),
    Route("held_prices", nothing, EVERYBODY, works=True),
    Route("four_eyes", nothing, EVERYBODY, works=True),
    Route("calls", nothing, INSIDE),
    Route("call", first("call_id", MarginCall), INSIDE, works=True),
    Route("disposals", nothing, EVERYBODY, works=True),
    Route("disposal", first_case, STRANGERS | {"lin": 200}, works=True),
)
# Open to everybody, signed in or not; tested by themselves.
OPEN = {"sign_in", "sign_out", "preferences"}

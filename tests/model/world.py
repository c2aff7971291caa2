"""Two lenders who finance one borrower, and where the goods lie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from logistics.models import Item, Site
from logistics.states import SiteKind
from parties.models import Organisation
from tests.factories.lending import Desk, make_facility
from tests.factories.logistics import make_bill, make_site
from tests.factories.parties import (
    make_bank_account,
    make_borrower,
    make_carrier,
    make_contract_manufacturer,
    make_lender_team,
    make_supplier,
    make_warehouse_operator,
)
from tests.factories.pledges import make_goods, make_mixed

BILL = (Decimal("0.25"), Decimal("0.1"))  # kilograms of alpha in a widget, and what may be lost
LINES = {
    "plain": {},
    "lined": {
        "watch_line": Decimal("0.7"),
        "call_line": Decimal("0.85"),
        "minimum_controlled_value": Decimal(20_000),
        "release_factor": Decimal("0.8"),
    },
}


@dataclass(frozen=True)
class World:
    """Two lenders who finance one borrower, and where the goods lie. Made once, then only read."""

    desks: dict[str, Desk]
    items: dict[str, Item]
    sites: dict[str, Site]
    carrier: Organisation


def make_world() -> World:
    """Found the houses, quote the commodities, open the sites and two facilities."""
    goods = make_goods()
    widget = make_mixed({"alpha": BILL[0]})
    make_bill(product=widget, lines=[(goods.alpha, BILL[0])], loss_tolerance=BILL[1])
    carrier = make_carrier()
    sites = {
        "factory": make_site(kind=SiteKind.FACTORY, operator=make_contract_manufacturer()),
        "warehouse": make_site(operator=make_warehouse_operator()),
        "vehicle": make_site(kind=SiteKind.VEHICLE, operator=carrier),
    }
    first = _desk("plain")
    desks = {"plain": first, "lined": _desk("lined", beside=first)}
    items = {"alpha": goods.alpha, "beta": goods.beta, "widget": widget}
    return World(desks, items, sites, carrier)


def _desk(name: str, beside: Desk | None = None) -> Desk:
    team = make_lender_team()
    borrower = beside.borrower if beside else make_borrower()
    supplier = beside.supplier if beside else make_supplier()
    return Desk(
        team=team,
        facility=make_facility(team=team, borrower=borrower, code=name, **LINES[name]),
        borrower=borrower,
        borrower_account=beside.borrower_account
        if beside
        else make_bank_account(organisation=borrower),
        supplier=supplier,
        supplier_account=beside.supplier_account
        if beside
        else make_bank_account(organisation=supplier),
    )

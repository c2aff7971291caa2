"""Two lenders who finance one borrower, and where the goods lie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from logistics.models import Item, Site
from logistics.states import SiteKind
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from pledges.models import DisposalChannel
from pledges.services.disposal.agree_channel import ChannelTerms, agree_channel, propose_channel
from pledges.states import ChannelKind
from tests.factories.lending import START, Desk, make_facility
from tests.factories.logistics import make_bill, make_site
from tests.factories.parties import (
    NOW,
    make_actor,
    make_bank_account,
    make_borrower,
    make_buyer,
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
    keepers: dict[int, Actor]  # who acts for each house that keeps goods
    manager: Actor  # chooses the goods of a mortgage for the borrower
    buyer: Organisation  # buys under a default, as agreed before
    channels: dict[str, DisposalChannel]


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
    buyer = make_buyer()
    return World(
        desks,
        items,
        sites,
        carrier,
        keepers={
            site.operator_id: make_actor(organisation=site.operator, roles=[Role.PARTNER])
            for site in sites.values()
        },
        manager=make_actor(organisation=first.borrower, roles=[Role.PREPARER]),
        buyer=buyer,
        channels={name: _channel(desk, buyer) for name, desk in desks.items()},
    )


def _channel(desk: Desk, buyer: Organisation) -> DisposalChannel:
    terms = ChannelTerms(
        kind=ChannelKind.AGREED_BUYER, terms="as agreed", valid_from=START, counterparty=buyer
    )
    proposed = propose_channel(
        facility=desk.facility, terms=terms, actor=desk.team.preparer, now=NOW
    )
    return agree_channel(channel=proposed, on=START, actor=desk.team.approver, now=NOW)


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

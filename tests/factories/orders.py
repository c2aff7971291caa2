"""Orders at a desk that finances them, reached through the real services.

Two materials at round figures: foil at 10 and wire at 200 USD a kilogram, both lending 80 %.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from logistics.models import Item, Site
from logistics.services.catalogue import define_item
from logistics.states import SiteKind
from orders.models import Delivery, OrderFinancing, PaymentStage, PurchaseOrder
from orders.services.deliveries import record_delivery
from orders.services.financing import finance_order
from orders.services.placing import place_order
from orders.services.stages import (
    approve_stage_payment,
    confirm_stage_payment,
    request_stage_payment,
)
from orders.states import StageTrigger
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import Role
from tests.factories.lending import DUE, START, Desk, make_desk
from tests.factories.logistics import make_site, unique
from tests.factories.parties import NOW, SYSTEM, make_actor, make_contract_manufacturer
from tests.factories.risk import make_money

FOIL_PRICE, WIRE_PRICE = Decimal(10), Decimal(200)
FOIL, WIRE = Decimal(12_000), Decimal(400)
ORDER_AMOUNT = Decimal(200_000)
THIRTY_SEVENTY = [
    (StageTrigger.ON_ORDER, Decimal("0.3")),
    (StageTrigger.ON_RECEIPT, Decimal("0.7")),
]
SHARE = Decimal("0.7")


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """A desk that finances orders: whose goods, which materials, and where they are delivered."""

    desk: Desk
    site: Site
    foil: Item
    wire: Item
    buyer: Actor
    clerk: Actor


def make_plain_item(*, owner: Organisation, price: Decimal, rate: Decimal, unit: str) -> Item:
    """Return an item of a fixed price and pledge rate, whatever the markets do."""
    code = unique("item")
    return define_item(
        code=code,
        name=code.capitalize(),
        unit=unit,
        owner=owner,
        currency="USD",
        premium=price,
        premium_rate=rate,
        actor=SYSTEM,
        now=NOW,
    )


def make_order_desk(**terms: Any) -> OrderDesk:
    """Return a desk with an active facility (`terms` changes its terms) and a factory site."""
    make_money("USD")
    desk = make_desk(**terms)
    site = make_site(kind=SiteKind.FACTORY, operator=make_contract_manufacturer())
    rate = Decimal("0.8")
    return OrderDesk(
        desk=desk,
        site=site,
        foil=make_plain_item(owner=desk.borrower, price=FOIL_PRICE, rate=rate, unit="KGM"),
        wire=make_plain_item(owner=desk.borrower, price=WIRE_PRICE, rate=rate, unit="KGM"),
        buyer=make_actor(organisation=desk.borrower, roles=[Role.PREPARER]),
        clerk=make_actor(organisation=site.operator, roles=[Role.PARTNER]),
    )


def make_order(
    shop: OrderDesk,
    *,
    number: str | None = None,
    lines: list[tuple[Item, Decimal, Decimal]] | None = None,
    **changes: Any,
) -> PurchaseOrder:
    """Return a placed order: 12,000 kg of foil and 400 kg of wire for 200,000 USD."""
    order: dict[str, Any] = {
        "number": unique("PO") if number is None else number,
        "buyer": shop.desk.borrower,
        "supplier": shop.desk.supplier,
        "deliver_to": shop.site,
        "currency": "USD",
        "lines": _usual(shop) if lines is None else lines,
        "deliver_by": date(2016, 4, 15),
        "on": START,
        "actor": shop.buyer,
        "now": NOW,
    }
    return place_order(**(order | changes))


def _usual(shop: OrderDesk) -> list[tuple[Item, Decimal, Decimal]]:
    return [(shop.foil, FOIL, FOIL_PRICE), (shop.wire, WIRE, WIRE_PRICE)]


def make_financing(
    shop: OrderDesk,
    *,
    order: PurchaseOrder | None = None,
    share: Decimal = SHARE,
    stages: list[tuple[StageTrigger, Decimal]] | None = None,
) -> OrderFinancing:
    """Return a financed order: the lender pays 70 % of a stage on order and one on receipt."""
    return finance_order(
        order=order or make_order(shop),
        facility=shop.desk.facility,
        share=share,
        stages=stages or THIRTY_SEVENTY,
        due_on=DUE,
        on=START,
        actor=shop.desk.team.preparer,
        now=NOW,
    )


def ask_for(shop: OrderDesk, stage: PaymentStage) -> PaymentStage:
    """Return a stage whose payment the lender's preparer has asked for."""
    return request_stage_payment(
        stage=stage, own_reference=unique("OWN"), actor=shop.desk.team.preparer, now=NOW
    )


def approve(shop: OrderDesk, stage: PaymentStage, *, on: date = START) -> PaymentStage:
    """Return a stage that the approver has instructed, asked for before."""
    return approve_stage_payment(
        stage=ask_for(shop, stage), on=on, actor=shop.desk.team.approver, now=NOW
    )


def pay_stage(shop: OrderDesk, stage: PaymentStage, *, on: date = START) -> PaymentStage:
    """Return a stage that the bank has confirmed."""
    return confirm_stage_payment(
        stage=approve(shop, stage, on=on),
        bank_reference=unique("FT"),
        paid_on=on,
        actor=shop.desk.team.operations,
        now=NOW,
    )


def deliver_goods(
    shop: OrderDesk,
    order: PurchaseOrder,
    *receipts: tuple[Item, Decimal],
    reference: str | None = None,
    on: date = START,
    quality_deduction: Decimal = Decimal(0),
) -> Delivery:
    """Return a delivery of quantities by item, each as a lot of its own; all of it if none."""
    wanted = receipts or [(line.item, line.quantity) for line in order.lines.all()]
    return record_delivery(
        order=order,
        receipts=[(item, unique("LOT"), quantity, quality_deduction) for item, quantity in wanted],
        reference=reference or unique("GRN"),
        occurred_at=NOW,
        on=on,
        actor=shop.clerk,
        now=NOW,
    )

"""Pledged phones, their sales and the buyers' money, reached through the real services.

A phone is worth 100 USD and lends 70 %; it is sold at 160. Ten thousand of them are pledged.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from factoring.models import BankEntry, Collection, CreditNote, Receivable
from factoring.services.collections import apply_collection, match_collection, record_bank_entry
from factoring.services.credit_notes import Note, record_return
from factoring.services.sales import factor_sale
from lending.models import Loan
from logistics.models import Item, Site
from parties.models import Organisation
from pledges.models import Position
from pledges.services.conversion import Evidence
from pledges.services.cover import covering
from pledges.services.warehouse import Arrival, pledge_free
from tests.factories.lending import START, Desk, make_desk, make_drawn_loan
from tests.factories.logistics import make_lot, make_site, unique
from tests.factories.orders import make_plain_item
from tests.factories.parties import NOW, SYSTEM, make_buyer, make_carrier
from tests.factories.risk import make_money

PHONES = Decimal(10_000)
PHONE_VALUE, PHONE_RATE, PHONE_PRICE = Decimal(100), Decimal("0.7"), Decimal(160)
SOLD = Decimal(4_000)
FACE = Decimal(640_000)
SOLD_ON = date(2016, 3, 31)
DUE_ON = date(2016, 5, 30)
ACCOUNT = "95588110042011"


@dataclass(frozen=True, slots=True)
class SaleDesk:
    """A desk with pledged phones in a warehouse, and to whom they are sold."""

    desk: Desk
    warehouse: Site
    phone: Item
    pledged: Position
    debtor: Organisation
    carrier: Organisation

    def fresh(self) -> Position:
        """Return the pledge as it stands in the database."""
        return Position.objects.get(pk=self.pledged.pk)


def make_sale_desk(
    *,
    desk: Desk | None = None,
    phone: Item | None = None,
    phones: Decimal = PHONES,
    **terms: Any,
) -> SaleDesk:
    """Return a desk (a new one unless given) whose borrower has pledged phones."""
    make_money("USD")
    desk = desk or make_desk(**terms)
    warehouse = make_site()
    item = phone or make_plain_item(
        owner=desk.borrower, price=PHONE_VALUE, rate=PHONE_RATE, unit="C62"
    )
    return SaleDesk(
        desk=desk,
        warehouse=warehouse,
        phone=item,
        pledged=pledge_goods(desk, item, warehouse, phones),
        debtor=make_buyer(),
        carrier=make_carrier(),
    )


def pledge_goods(desk: Desk, item: Item, site: Site, quantity: Decimal) -> Position:
    """Return the pledge of a new lot of the borrower's goods."""
    lot = make_lot(quantity=quantity, item=item, site=site, owner=desk.borrower)
    with covering(
        facility_id=desk.facility.pk, cause="pledge", actor=SYSTEM, on=START, now=NOW
    ) as act:
        [position] = pledge_free(
            act=act, lots=[(lot, quantity)], evidence=Evidence("hold", unique("HC"))
        )
    return position


def make_pledge_loan(shop: SaleDesk, *, principal: Decimal = Decimal(500_000)) -> Loan:
    """Return a pledge loan drawn on the first of March."""
    return make_drawn_loan(shop.desk, principal=principal)


def sale_of(shop: SaleDesk, *, quantity: Decimal = SOLD, **changes: Any) -> dict[str, Any]:
    """Return the arguments of a sale of phones, 60 days net, with a number of its own."""
    sale: dict[str, Any] = {
        "facility": shop.desk.facility,
        "debtor": shop.debtor,
        "invoice_number": unique("INV"),
        "buyer_order": unique("MB"),
        "lines": [(shop.phone, quantity, PHONE_PRICE)],
        "issued_on": SOLD_ON,
        "due_on": DUE_ON,
        "goods": [(shop.pledged, quantity)],
        "carrier": shop.carrier,
        "delivery_reference": unique("BL"),
        "maker": shop.desk.team.preparer,
        "actor": shop.desk.team.approver,
        "on": SOLD_ON,
        "now": NOW,
    }
    return sale | changes


def sell_phones(shop: SaleDesk, **changes: Any) -> Receivable:
    """Return the receivable of a sale (see `sale_of`)."""
    return factor_sale(**sale_of(shop, **changes))


def make_entry(shop: SaleDesk, amount: Decimal, *, on: date = DUE_ON, **changes: Any) -> BankEntry:
    """Return a credit on the controlled account."""
    entry: dict[str, Any] = {
        "facility": shop.desk.facility,
        "account_number": ACCOUNT,
        "entry_reference": unique("CR"),
        "amount": amount,
        "currency": "USD",
        "booked_on": on,
        "payer_name": shop.debtor.name,
        "remittance": "",
        "actor": shop.desk.team.operations,
        "now": NOW,
    }
    return record_bank_entry(**(entry | changes))


def collect_amount(
    shop: SaleDesk, receivable: Receivable, amount: Decimal, *, on: date = DUE_ON
) -> Collection:
    """Return a payment of the buyer, matched to its invoice."""
    return match_collection(
        entry=make_entry(shop, amount, on=on),
        receivable=receivable,
        on=on,
        actor=shop.desk.team.operations,
        now=NOW,
    )


def pay_invoice(shop: SaleDesk, receivable: Receivable, *, on: date = DUE_ON) -> Collection:
    """Return the buyer's payment in full, matched and applied."""
    collection = collect_amount(shop, receivable, receivable.face, on=on)
    return apply_collection(collection=collection, on=on, actor=shop.desk.team.operations, now=NOW)


def return_phones(
    shop: SaleDesk,
    receivable: Receivable,
    quantity: Decimal | int,
    *,
    site: Site | None = None,
    **changes: Any,
) -> CreditNote:
    """Return a credit note for so many phones at their price, back in their warehouse's lot."""
    lot = shop.pledged.lot
    assert lot is not None
    note: dict[str, Any] = {
        "number": unique("CN"),
        "amount": Decimal(quantity) * PHONE_PRICE,
        "goods": [(lot, Decimal(quantity))],
        "reason": "wrong colour",
        "issued_on": SOLD_ON,
    }
    store = site or shop.warehouse
    return record_return(
        receivable=receivable,
        note=Note(**(note | changes)),
        store=Arrival(
            site=store,
            lot_number="",
            source=store.operator,
            reference=unique("WR"),
            occurred_at=NOW,
        ),
        on=SOLD_ON,
        actor=shop.desk.team.operations,
        now=NOW,
    )

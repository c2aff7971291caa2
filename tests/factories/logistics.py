"""Goods in the state a test wants, reached through the real services.

Keyword-only; what is not given is made up, with codes and references of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from logistics.models import BillOfMaterials, Hold, Item, Lot, Site, WarehouseReceipt
from logistics.services.catalogue import Measured, define_bill, define_item, open_site
from logistics.services.holds import place_hold
from logistics.services.locking import lock_lots
from logistics.services.receipts import ReceiptTerms, issue_receipt
from logistics.services.stock import receive_goods
from logistics.states import HoldKind, SiteKind
from parties.models import Organisation
from tests.factories.parties import NOW, SYSTEM, make_borrower, make_warehouse_operator

_numbers = count(1)


def unique(prefix: str) -> str:
    """Return a code or reference nobody used in this process."""
    return f"{prefix}-{next(_numbers)}"


def make_site(
    *,
    kind: SiteKind = SiteKind.WAREHOUSE,
    operator: Organisation | None = None,
    code: str | None = None,
) -> Site:
    """Open a site, run by a warehouse operator of its own unless one is given."""
    code = code or unique(kind.value)
    return open_site(
        code=code,
        name=code.replace("-", " ").capitalize(),
        operator=operator or make_warehouse_operator(),
        kind=kind,
        country="CN",
        actor=SYSTEM,
        now=NOW,
    )


def make_item(
    *,
    code: str | None = None,
    unit: str = "KGM",
    owner: Organisation | None = None,
    contents: Mapping[str, Measured] | None = None,
    premium: Decimal = Decimal(0),
) -> Item:
    """Define an item, without any commodity inside unless contents are given."""
    code = code or unique("item")
    return define_item(
        code=code,
        name=code.replace("-", " ").capitalize(),
        unit=unit,
        owner=owner or make_borrower(),
        currency="USD",
        contents=contents or {},
        premium=premium,
        actor=SYSTEM,
        now=NOW,
    )


def make_bill(
    *,
    product: Item,
    lines: Sequence[tuple[Item, Decimal]],
    loss_tolerance: Decimal = Decimal(0),
) -> BillOfMaterials:
    """State a product's bill, in the materials' own units."""
    return define_bill(
        product=product,
        lines={material.code: (quantity, material.unit) for material, quantity in lines},
        loss_tolerance=loss_tolerance,
        actor=SYSTEM,
        now=NOW,
    )


def make_lot(
    *,
    quantity: Decimal = Decimal(100),
    item: Item | None = None,
    site: Site | None = None,
    owner: Organisation | None = None,
    number: str | None = None,
    quality_deduction: Decimal = Decimal(0),
    occurred_at: datetime = NOW,
    now: datetime = NOW,
) -> Lot:
    """Receive goods at a site, as its custodian reports; the item's owner owns them."""
    place = site or make_site()
    goods = item or make_item()
    return receive_goods(
        site=place,
        item=goods,
        owner=owner or goods.owner,
        lot_number=number or unique("LOT"),
        quantity=quantity,
        quality_deduction=quality_deduction,
        occurred_at=occurred_at,
        reference=unique("GRN"),
        source=place.operator,
        actor=SYSTEM,
        now=now,
    )


def make_hold(
    *, lot: Lot, quantity: Decimal, kind: HoldKind = HoldKind.PLEDGE, reference: UUID | None = None
) -> Hold:
    """Claim a quantity of a lot for a position; `lot` is brought up to date."""
    with transaction.atomic():
        lock_lots([lot.pk])
        return place_hold(
            lot=lot, kind=kind, quantity=quantity, reference=reference or uuid4(), now=NOW
        )


def make_receipt(
    *,
    lot: Lot,
    quantity: Decimal | None = None,
    number: str | None = None,
    now: datetime = NOW,
    **terms: Any,
) -> WarehouseReceipt:
    """Issue a receipt for (part of) a lot, by the operator of its site; the owner holds it."""
    return issue_receipt(
        lot=lot,
        quantity=lot.on_hand if quantity is None else quantity,
        number=number or unique("WR"),
        terms=ReceiptTerms(description=lot.item.name, **terms),
        on=now.date(),
        actor=SYSTEM,
        now=now,
    )

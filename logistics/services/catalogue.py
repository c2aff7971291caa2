"""What goods are and where they can lie: items, bills of materials, sites.

Only lenders and the platform define them: an item's formula is what its lots are lent against.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import Refusal, constraint_refusals
from common.exact import EXACT, require_decimal
from common.money import minor_units
from logistics.models import BillLine, BillOfMaterials, Item, ItemContent, Site
from logistics.refusals import (
    AmountNotPossible,
    BillKnown,
    CodeNotPossible,
    CodeTaken,
    QuantityNotPossible,
    UnknownCommodity,
    UnknownMaterial,
)
from logistics.rules.gtins import valid_gtin
from logistics.services.lots import require_share
from logistics.states import SiteKind
from outbox.services import record
from parties.actors import Actor
from parties.models import Organisation
from parties.roles import OrganisationKind, Role
from parties.rules import valid_gln
from parties.services.authority import NotAllowed, require_role
from risk.models import Commodity, CommodityKind
from risk.units import convert, get_unit

Measured = tuple[Decimal, str]
"""A quantity and the UN/CEFACT code of its unit."""

AMOUNT_PLACES = 4
CONTENT_PLACES = 12
_CODE = re.compile(r"[-a-zA-Z0-9_]{1,40}")
_NO_GOODS: Mapping[str, Measured] = {}


class Scrap(NamedTuple):
    """What comes back of a material: as which item, up to which share, whether for the maker."""

    item: str
    share: Decimal
    to_maker: bool = False


_NO_SCRAP: Mapping[str, Scrap] = {}


def define_item(  # noqa: PLR0913  (each is a column of the item)
    *,
    code: str,
    name: str,
    unit: str,
    owner: Organisation,
    currency: str,
    contents: Mapping[str, Measured] = _NO_GOODS,
    premium: Decimal = Decimal(0),
    premium_rate: Decimal = Decimal(0),
    rate_factor: Decimal = Decimal(1),
    gtin: str | None = None,
    name_zh: str = "",
    actor: Actor,
    now: datetime,
) -> Item:
    """Define a kind of goods with its price formula, and return it.

    `unit` is a UN/CEFACT code; `contents` says by commodity code how much of it is in one unit,
    in any unit that measures the same: it is kept in the commodity's own unit, whose price is
    the commodity's unit price, to 12 decimals. `premium` is money per unit in `currency`.

    Raises UnknownUnit, IncompatibleUnits, UnknownCommodity, QuantityNotPossible,
    ShareNotPossible, AmountNotPossible, UnknownCurrency, CheckDigitWrong, CodeNotPossible,
    CodeTaken, NotAllowed.
    """
    _require_catalogue_keeper(actor)
    get_unit(unit)
    minor_units(currency)
    item = Item(
        code=_valid_code(code),
        name=_valid_name(name),
        name_zh=name_zh.strip(),
        unit=unit,
        gtin=valid_gtin(gtin) if gtin else None,
        owner=owner,
        currency=currency,
        premium=_valid_amount(premium),
        premium_rate=require_share(premium_rate, field="premium_rate"),
        rate_factor=require_share(rate_factor, field="rate_factor", above=True),
    )
    inside = _contents(contents)
    with transaction.atomic(), constraint_refusals(_taken("item", code=item.code, gtin=item.gtin)):
        item.save(force_insert=True)
        ItemContent.objects.bulk_create(
            ItemContent(item=item, commodity=commodity, quantity=quantity)
            for commodity, quantity in inside
        )
        record(
            action="define_item",
            actor=actor,
            object_type="logistics.item",
            object_id=item.pk,
            at=now,
            detail=_formula(item, inside),
        )
    return item


def define_bill(
    *,
    product: Item,
    lines: Mapping[str, Measured],
    loss_tolerance: Decimal = Decimal(0),
    scrap: Mapping[str, Scrap] = _NO_SCRAP,
    actor: Actor,
    now: datetime,
) -> BillOfMaterials:
    """State what one unit of a product takes, once and for all, and return the bill.

    `lines` says by item code how much of the material goes into one unit of the product, in any
    unit that measures the same as the material's. `loss_tolerance` is the share of each material
    that may be lost: consumption may be up to bill ÷ (1 − loss), and what comes back as scrap
    besides. `scrap` says by material's code as what, up to which share of the consumed, for whom.

    Raises UnknownMaterial, UnknownUnit, IncompatibleUnits, QuantityNotPossible,
    ShareNotPossible, BillKnown, NotAllowed.
    """
    _require_catalogue_keeper(actor)
    share = require_share(loss_tolerance, field="loss_tolerance", below_one=True)
    materials = _materials(product, lines)
    scraps = _scraps(scrap, {material.code: material for material, _quantity in materials})
    known = BillKnown(
        message=_("%(product)s has a bill of materials") % {"product": product.code},
        field="product",
    )
    with (
        transaction.atomic(),
        constraint_refusals({"logistics_billofmaterials_product_id_key": known}),
    ):
        bill = BillOfMaterials.objects.create(product=product, loss_tolerance=share)
        BillLine.objects.bulk_create(
            BillLine(
                bill=bill, material=material, quantity=quantity, **scraps.get(material.code, {})
            )
            for material, quantity in materials
        )
        detail = {
            "product": product.code,
            "loss_tolerance": share,
            "lines": {material.code: quantity for material, quantity in materials},
            "scrap": {code: list(one) for code, one in scrap.items()},
        }
        record(
            action="define_bill",
            actor=actor,
            object_type="logistics.billofmaterials",
            object_id=bill.pk,
            at=now,
            detail=detail,
        )
    return bill


def open_site(
    *,
    code: str,
    name: str,
    operator: Organisation,
    kind: SiteKind,
    country: str,
    gln: str | None = None,
    address: str = "",
    name_zh: str = "",
    actor: Actor,
    now: datetime,
) -> Site:
    """Put a place where goods can lie on file, with the custodian who runs it, and return it.

    Raises InvalidIdentifier (a GLN whose check digit is wrong), CodeNotPossible, CodeTaken,
    NotAllowed.
    """
    _require_catalogue_keeper(actor)
    site = Site(
        code=_valid_code(code),
        name=_valid_name(name),
        name_zh=name_zh.strip(),
        operator=operator,
        kind=SiteKind(kind),
        gln=valid_gln(gln) if gln else None,
        address=address.strip(),
        country=_valid_country(country),
    )
    with transaction.atomic(), constraint_refusals(_taken("site", code=site.code, gln=site.gln)):
        site.save(force_insert=True)
        record(
            action="open_site",
            actor=actor,
            object_type="logistics.site",
            object_id=site.pk,
            at=now,
        )
    return site


def _formula(item: Item, inside: Sequence[tuple[Commodity, Decimal]]) -> dict[str, Any]:
    return {
        "unit": item.unit,
        "currency": item.currency,
        "premium": item.premium,
        "premium_rate": item.premium_rate,
        "rate_factor": item.rate_factor,
        "contents": {commodity.code: quantity for commodity, quantity in inside},
    }


def _require_catalogue_keeper(actor: Actor) -> None:
    require_role(actor, Role.OPERATIONS, Role.PREPARER, Role.RISK_OFFICER)
    if not actor.sees_everything and actor.organisation_kind != OrganisationKind.LENDER:
        raise NotAllowed(message=_("Only lenders and the platform define goods and sites."))


def _contents(contents: Mapping[str, Measured]) -> list[tuple[Commodity, Decimal]]:
    """Return each commodity with its quantity in the commodity's own unit, by code."""
    goods = Commodity.objects.filter(kind=CommodityKind.COMMODITY, code__in=contents)
    known = {commodity.code: commodity for commodity in goods}
    for code in contents:
        if code not in known:
            raise UnknownCommodity(
                message=_("no commodity is called %(code)s") % {"code": code},
                field="contents",
                numbers={"code": code},
            )
    return [
        (known[code], _converted(code, quantity, unit, known[code].unit))
        for code, (quantity, unit) in sorted(contents.items())
    ]


def _materials(product: Item, lines: Mapping[str, Measured]) -> list[tuple[Item, Decimal]]:
    """Return each material with its quantity in the material's own unit, by code."""
    known = {item.code: item for item in Item.objects.filter(code__in=lines)}
    wrong = sorted(code for code in lines if code not in known or code == product.code)
    if wrong or not lines:
        told = ", ".join(wrong) or _("nothing")
        raise UnknownMaterial(
            message=_("%(product)s cannot be made of %(told)s")
            % {"product": product.code, "told": told},
            field="lines",
        )
    return [
        (known[code], _converted(code, quantity, unit, known[code].unit))
        for code, (quantity, unit) in sorted(lines.items())
    ]


def _scraps(scrap: Mapping[str, Scrap], materials: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
    """Return the columns of scrap by material; it is counted as the material is."""
    items = {
        item.code: item for item in Item.objects.filter(code__in=[s.item for s in scrap.values()])
    }
    columns: dict[str, dict[str, Any]] = {}
    for code, one in scrap.items():
        material, item = materials.get(code), items.get(one.item)
        if material is None or item is None or item.unit != material.unit:
            raise UnknownMaterial(
                message=_("%(item)s cannot be scrap of %(code)s: both are goods of one unit")
                % {"item": one.item, "code": code},
                field="scrap",
            )
        share = require_share(one.share, field="scrap", above=True, below_one=True)
        columns[code] = {
            "scrap_item": item, "scrap_share": share, "scrap_to_maker": one.to_maker,
        }  # fmt: skip
    return columns


def _converted(code: str, quantity: Decimal, from_unit: str, to_unit: str) -> Decimal:
    exact = convert(require_decimal(quantity, what=code), from_unit, to_unit)
    kept = exact.quantize(Decimal(1).scaleb(-CONTENT_PLACES), ROUND_HALF_EVEN, EXACT)
    if not 0 < kept < Decimal(10) ** CONTENT_PLACES:
        raise QuantityNotPossible(
            message=_("%(code)s: a quantity per unit is more than zero, not %(quantity)s %(unit)s")
            % {"code": code, "quantity": quantity, "unit": get_unit(from_unit).symbol},
            field="quantity",
            numbers={"code": code, "quantity": quantity},
        )
    return kept


def _valid_code(code: str) -> str:
    normal = code.strip().lower()
    if not _CODE.fullmatch(normal):
        raise CodeNotPossible(
            message=_("a code is up to 40 letters, digits, dashes and underscores, not %(code)r")
            % {"code": code},
            field="code",
        )
    return normal


def _valid_name(name: str) -> str:
    if not name.strip():
        raise CodeNotPossible(message=_("a name is missing"), field="name")
    return name.strip()


def _valid_country(country: str) -> str:
    normal = country.strip().upper()
    if not (len(normal) == 2 and normal.isascii() and normal.isalpha()):
        raise CodeNotPossible(
            message=_("a country is two letters, as CN or US; not %(country)s")
            % {"country": country},
            field="country",
        )
    return normal


def _valid_amount(amount: Decimal) -> Decimal:
    amount = require_decimal(amount, what="premium")
    if amount < 0 or amount != round(amount, AMOUNT_PLACES):
        raise AmountNotPossible(
            message=_("a premium is zero or more, with at most 4 decimals, not %(amount)s")
            % {"amount": amount},
            field="premium",
            numbers={"premium": amount},
        )
    return amount


def _taken(model: str, **fields: str | None) -> dict[str, Refusal]:
    """Return the refusal for each unique field, by its constraint."""
    return {
        f"{model}_{field}_taken_once": CodeTaken(
            message=_("the %(field)s %(value)s is taken") % {"field": field, "value": value},
            field=field,
        )
        for field, value in fields.items()
    }

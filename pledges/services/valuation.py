"""Terms of goods and of money claims, read from the catalogue at the moment of taking."""

from decimal import Decimal

from django.utils.translation import gettext as _

from common.errors import Refusal
from logistics.models import Lot
from pledges.rules.terms import Content, Term, terms_of_goods, terms_of_money
from risk.models import Commodity


class CurrencyNotValued(Refusal):
    """There is no money basis for the currency, so nothing in it can be counted."""

    code = "currency_not_valued"


class NothingToLendOn(Refusal):
    """The item has neither commodity content nor a premium: it has no price formula."""

    code = "no_price_formula"


def money_basis(currency: str) -> Commodity:
    """Return the money basis of a currency (price 1, rate 1) or raise CurrencyNotValued."""
    basis = Commodity.objects.filter(code=currency, kind="money").first()
    if basis is None:
        raise CurrencyNotValued(
            message=_("no money basis is defined for %(currency)s") % {"currency": currency},
            field="currency",
        )
    return basis


def terms_of_lot(lot: Lot) -> list[Term]:
    """Return the terms of one unit of a lot: the item's formula after the quality deduction."""
    item = lot.item
    terms = terms_of_goods(
        contents=[
            Content(content.commodity_id, content.quantity) for content in item.contents.all()
        ],
        rate_factor=item.rate_factor,
        premium=item.premium,
        premium_rate=item.premium_rate,
        money_basis_id=money_basis(item.currency).pk,
        quality_deduction=lot.quality_deduction,
    )
    if not terms:
        raise NothingToLendOn(
            message=_("%(item)s has no price formula or no quality left") % {"item": item},
            field="item",
        )
    return terms


def terms_of_claim(currency: str, advance_rate: Decimal) -> list[Term]:
    """Return the terms of one unit of a money claim that lends at a fixed advance rate."""
    return terms_of_money(money_basis_id=money_basis(currency).pk, advance_rate=advance_rate)

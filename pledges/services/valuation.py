"""Terms of goods and of money claims, read from the catalogue at the moment of taking."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db.models import prefetch_related_objects
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


def money_bases(currencies: Collection[str]) -> dict[str, int]:
    """Return the keys of the currencies' money bases (price 1, rate 1) in one query.

    Raises CurrencyNotValued.
    """
    rows = Commodity.objects.filter(code__in=currencies, kind="money")
    found = dict(rows.values_list("code", "pk"))
    for currency in sorted(set(currencies) - set(found)):
        raise CurrencyNotValued(
            message=_("no money basis is defined for %(currency)s") % {"currency": currency},
            field="currency",
        )
    return found


def terms_of_lots(lots: Sequence[Lot]) -> list[list[Term]]:
    """Return the terms of one unit of each lot, in two queries whatever the number of lots.

    That is the item's formula after the lot's quality deduction. Raises NothingToLendOn,
    CurrencyNotValued.
    """
    items = [lot.item for lot in lots]
    prefetch_related_objects(items, "contents")
    bases = money_bases({item.currency for item in items})
    return [_terms_of_lot(lot, bases) for lot in lots]


def _terms_of_lot(lot: Lot, money_basis_ids: Mapping[str, int]) -> list[Term]:
    item = lot.item
    terms = terms_of_goods(
        contents=[
            Content(content.commodity_id, content.quantity) for content in item.contents.all()
        ],
        rate_factor=item.rate_factor,
        premium=item.premium,
        premium_rate=item.premium_rate,
        money_basis_id=money_basis_ids[item.currency],
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
    basis_id = money_bases([currency])[currency]
    return terms_of_money(money_basis_id=basis_id, advance_rate=advance_rate)

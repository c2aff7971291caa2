"""A position's value as the formula a reader can check: "41.2 t × 8,920 USD/t × 87.3 %"."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from portal import formats
from portal.queries.positions import PositionValue, TermValue

THOUSAND = Decimal(1000)


def formula(position: PositionValue) -> str:
    """Return the lending value's formula, one product per price basis."""
    return " + ".join(term_formula(term) for term in position.terms)


def term_formula(term: TermValue) -> str:
    """Return content × price × rate; a basis that does not count says why."""
    if term.reason:
        return _("%(name)s: not counted (%(reason)s)") % {"name": term.name, "reason": term.reason}
    share = formats.percent(term.share)
    if term.is_money:
        return f"{formats.money(term.content)} {term.currency} × {share}"
    content, price, unit = readable(term)
    return (
        f"{formats.number(content)} {unit} {term.name} × "
        f"{formats.price(price)} {term.currency}/{unit} × {share}"
    )


def readable(term: TermValue) -> tuple[Decimal, Decimal, str]:
    """Return content, price and unit in the size people use: tonnes from a thousand kilograms."""
    price = term.unit_price or Decimal(0)
    if term.unit == "KGM" and term.content >= THOUSAND:
        return term.content / THOUSAND, price * THOUSAND, formats.unit_label("TNE")
    return term.content, price, formats.unit_label(term.unit)

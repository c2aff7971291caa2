"""Allocations in words: why a lot, what binds, what cannot be met, and where a proposal stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.rules.allocation_problem import Kind
from portal import formats

_REASONS: dict[str, str | Promise] = {
    "never_sold": gettext_lazy("never sold in half a year"),
    "slow_seller": gettext_lazy("slow seller: %(figure)s days to sell out"),
    "fast_seller": gettext_lazy("fast seller: %(figure)s days to sell out"),
    "lends_most_per_storage": gettext_lazy("lends %(figure)s for each unit of storage cost a day"),
    "dear_storage": gettext_lazy("dear to store: %(figure)s a day"),
    "lends_much": gettext_lazy("lends %(percent)s of its value"),
    "newest": gettext_lazy("new: %(figure)s days in store"),
    "oldest": gettext_lazy("old, sells first: %(figure)s days in store"),
    "keeps_cover": gettext_lazy("keeps the pool covered: lends %(figure)s a unit"),
    "needed_free": gettext_lazy("%(figure)s are needed free"),
    "lends_nothing": gettext_lazy("lends nothing now"),
    "not_needed_for_cover": gettext_lazy("not needed for cover"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids of a plan are called in the reader's language."""

    items: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    sites: Mapping[int, str] = field(default_factory=dict)
    commodities: Mapping[int, str] = field(default_factory=dict)

    def of(self, kind: str, pk: int | None) -> str:
        """Return the name of an item, a site or a commodity; its number where it is unknown."""
        if pk is None:
            return ""
        if kind == Kind.SITE:
            return self.sites.get(pk, str(pk))
        if kind == Kind.COMMODITY:
            return self.commodities.get(pk, str(pk))
        return self.items.get(pk, (str(pk), ""))[0]

    def unit(self, item_id: int | None) -> str:
        """Return an item's unit."""
        return self.items.get(item_id or 0, ("", ""))[1]


def reasons_in_words(reasons: Iterable[tuple[str, Decimal]]) -> str:
    """Return why a lot was chosen, the weightiest reason first."""
    told = [
        str(_REASONS.get(code, code))
        % {"figure": formats.number(figure), "percent": formats.percent(figure)}
        for code, figure in reasons
    ]
    return str(_("; ")).join(told)


def rule_in_words(kind: str, pk: int | None, limit: Decimal, names: Names, currency: str) -> str:
    """Return a rule as a sentence."""
    name = names.of(kind, pk)
    if kind == Kind.COVER:
        return _("Lending value of %(amount)s for the exposure") % {
            "amount": f"{formats.money(limit)} {currency}"
        }
    if kind == Kind.CONTROLLED:
        return _("Controlled value of %(amount)s") % {
            "amount": f"{formats.money(limit)} {currency}"
        }
    if kind == Kind.NEED:
        return _("%(quantity)s of %(name)s free") % {
            "quantity": formats.quantity(limit, names.unit(pk)),
            "name": name,
        }
    return _("%(name)s at most %(share)s of lending value") % {
        "name": name,
        "share": formats.percent(limit),
    }


def relief_in_words(kind: str) -> str:
    """Return the step of relief by which a rule's price is told."""
    if kind == Kind.NEED:
        return _("one unit less")
    if kind in (Kind.COVER, Kind.CONTROLLED):
        return _("1,000 less")
    return _("one percentage point more")


def shortage_in_words(one: Mapping[str, Any], names: Names, currency: str) -> str:
    """Return what cannot be met, and by how much."""
    kind, pk, amount = one["kind"], one["id"], Decimal(one["amount"])
    if kind == Kind.NEED:
        unit = names.unit(pk)
        told = _("%(name)s: %(missing)s missing") % {
            "name": names.of(kind, pk),
            "missing": formats.quantity(amount, unit),
        }
        beyond = Decimal(one["beyond_stock"])
        if beyond:
            told += _(", %(beyond)s of it beyond all there is") % {
                "beyond": formats.quantity(beyond, unit)
            }
        return told
    figures = {"amount": f"{formats.money(amount)} {currency}", "name": names.of(kind, pk)}
    if kind == Kind.COVER:
        return _("Lending value: short %(amount)s") % figures
    if kind == Kind.CONTROLLED:
        return _("Controlled value: short %(amount)s") % figures
    return _("%(name)s: %(amount)s beyond its limit") % figures

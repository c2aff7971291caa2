"""The answer at the top of a page: a few numbers with their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portal import formats
from portal.tables import Text


@dataclass(frozen=True, slots=True)
class Fact:
    """One number. `exact` is said on hover and focus; `tone` is "lead", "good", "warn", "bad"."""

    label: Text
    value: Text
    unit: str = ""
    note: Text = ""
    exact: str = ""
    tone: str = ""
    band: str = ""
    href: str = ""


def money_fact(
    label: Text, value: Decimal | None, currency: str, *, note: Text = "", tone: str = ""
) -> Fact:
    """Return an amount: whole units in the headline, cents on focus."""
    text = formats.large_money(value)
    exact = f"{formats.money(value)} {currency}" if value is not None else ""
    return Fact(
        label,
        text,
        unit=currency,
        note=note,
        tone=tone,
        exact=exact if text != formats.money(value) else "",
    )

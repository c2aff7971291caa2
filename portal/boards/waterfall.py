"""The borrowing base: from what the goods are worth to what may still be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from portal import formats
from portal.queries.dates import end_of
from portal.queries.positions import PositionValue, list_positions

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: a level (`is_total`) or what is taken off the level before it."""

    label: str
    amount: Decimal
    is_total: bool
    note: str = ""


def borrowing_base(facility: Facility, positions: Sequence[PositionValue]) -> list[Step]:
    """Return the steps gross → quality → ineligible → rate → lending value → limit → availability.

    Each step takes off what the next one does not see (domain.md, borrowing base). The result is
    below zero where exposure exceeds what may be lent.
    """
    market = sum((p.market for p in positions), ZERO)
    lending = sum((p.lending for p in positions), ZERO)
    left_out = sum((p.left_out for p in positions), ZERO)
    quality = sum((_quality(p) for p in positions), ZERO)
    over_limit = max(ZERO, lending - facility.limit)
    return [
        Step(_("At full quality"), market + left_out + quality, True, _("quantity × price")),
        Step(_("Quality deductions"), -quality, False, _("agreed at the inspection")),
        Step(_("Without a fresh price"), -left_out, False, _("lends nothing until priced again")),
        Step(
            _("Not lent: 1 − pledge rate"), -(market - lending), False, _("moves with the market")
        ),
        Step(_("Lending value"), lending, True, _("Σ quantity × price × pledge rate")),
        Step(_("Above the limit"), -over_limit, False, _("the facility's limit")),
        Step(_("Exposure"), -facility.exposure, False, _("principal, interest and fees owed")),
        Step(
            _("Available") if lending - over_limit >= facility.exposure else _("Missing"),
            lending - over_limit - facility.exposure,
            True,
            _("min(limit, lending value) − exposure"),
        ),
    ]


def _quality(position: PositionValue) -> Decimal:
    """Return what the quality deduction took from the full value."""
    kept = 1 - position.quality_deduction
    if kept in {ZERO, Decimal(1)}:
        return ZERO
    counted = position.market + position.left_out
    return (counted / kept - counted).quantize(Decimal("0.01"))


def waterfall_data(actor: Actor, facility: Facility, as_of: date) -> dict[str, Any]:
    """Return the steps for the chart."""
    positions = list_positions(actor, facility, at=end_of(as_of), on=as_of)
    return {
        "currency": facility.currency,
        "steps": [
            {
                "label": step.label,
                "note": step.note,
                "amount": float(step.amount),
                "text": formats.money(step.amount),
                "total": step.is_total,
            }
            for step in borrowing_base(facility, positions)
        ]
        if positions
        else [],
    }

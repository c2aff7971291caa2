"""One conversion: what it took and made, on what evidence, with the cover around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from pledges.models import ActRequest, Conversion, ConversionLeg
from pledges.states import Direction
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.names import label_of
from portal.queries.conversions import ConversionDetail
from portal.queries.events import conversion_event
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ConversionBoard:
    """What the page shows."""

    conversion: Conversion
    title: str
    text: str
    facts: list[Fact]
    pairs: list[tuple[str, str]]
    related: list[tuple[str, str]]
    tables: dict[str, Table]
    forms: Sequence[Form]


def conversion_board(detail: ConversionDetail, forms: Sequence[Form]) -> ConversionBoard:
    """Return one conversion with what its reader may do about it."""
    one = detail.conversion
    event = conversion_event(one)
    return ConversionBoard(
        conversion=one,
        title=str(one.get_kind_display()),
        text=event.text,
        facts=_facts(one),
        pairs=_pairs(one, event.evidence),
        related=_related(detail),
        tables={"legs": _legs_table(one), "requests": requests_table(detail.requests)},
        forms=forms,
    )


def _facts(one: Conversion) -> list[Fact]:
    currency = one.facility.currency
    return [
        Fact(_("When"), formats.day(one.business_date), note=formats.instant(one.occurred_at)),
        Fact(
            _("Cover after"),
            formats.ratio(one.lending_value_after, one.exposure_after),
            note=_("before: %(ratio)s")
            % {"ratio": formats.ratio(one.lending_value_before, one.exposure_before)},
            band=one.band_after,
            tone="lead",
        ),
        money_fact(
            _("Lending value after"),
            one.lending_value_after,
            currency,
            note=_("before: %(amount)s") % {"amount": formats.money(one.lending_value_before)},
        ),
        money_fact(
            _("Exposure after"),
            one.exposure_after,
            currency,
            note=_("before: %(amount)s") % {"amount": formats.money(one.exposure_before)},
        ),
    ]


def _pairs(one: Conversion, evidence: str) -> list[tuple[str, str]]:
    pairs = [
        (_("Evidence"), evidence),
        (_("By"), one.actor_label),
        (_("Asked by"), str(one.maker or "")),
        (_("Reason"), one.reason),
        (
            _("Given up"),
            f"{formats.money(one.value_given_up)} {one.facility.currency}"
            if one.value_given_up
            else "",
        ),
    ]
    return [(label, value) for label, value in pairs if value]


def _related(detail: ConversionDetail) -> list[tuple[str, str]]:
    """Return the conversions it reverses or was reversed by, each with its page."""
    related = [
        (_("Reverses %(what)s"), detail.conversion.reverses),
        (_("Reversed by %(what)s"), detail.reversal),
    ]
    return [
        (
            label % {"what": f"{one.get_kind_display()}, {formats.day(one.business_date)}"},
            reverse("portal:conversion", args=[one.pk]),
        )
        for label, one in related
        if one is not None
    ]


def _legs_table(one: Conversion) -> Table:
    return Table(
        key="legs",
        title=_("Taken and made"),
        columns=[
            columns.state(_("Side"), lambda leg: str(leg.get_direction_display())),
            columns.right(_("Right"), "position.right"),
            columns.words(_("Position"), lambda leg: label_of(leg.position), href=_position_page),
            columns.quantity(_("Quantity"), "quantity", "position.unit"),
            columns.amount(_("Market value"), "market_value", one.facility.currency),
        ],
        rows=sorted(one.legs.all(), key=lambda leg: leg.direction != Direction.CONSUMED),
        empty=_("Nothing was taken or made."),
    )


def _position_page(leg: ConversionLeg) -> str:
    return reverse("portal:lineage", args=[leg.position_id])


def requests_table(rows: Sequence[ActRequest]) -> Table:
    """Return requests for acts of two persons as a table."""
    return Table(
        key="requests",
        title=_("Asked for and decided"),
        columns=[
            columns.instant(_("Asked"), "asked_at"),
            columns.text(_("What"), lambda one: one.get_kind_display()),
            columns.words(_("About"), _about),
            columns.words(_("Reason"), "reason"),
            columns.text(_("Asked by"), lambda one: str(one.maker)),
            columns.state(_("State"), lambda one: one.get_state_display()),
            columns.text(
                _("Decided by"), lambda one: str(one.checker or ""), sub=lambda one: one.note
            ),
        ],
        rows=rows,
        empty=_("Nobody asked for anything."),
        first_step=_("One person asks with a reason, another carries it out or refuses."),
    )


def _about(one: ActRequest) -> str:
    if one.position is None:
        return ""
    return f"{one.position.label}: {formats.quantity(one.quantity, one.position.unit)}"

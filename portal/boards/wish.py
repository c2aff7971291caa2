"""A wish: goods that the reader would like to have pledged, given back or swapped."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from lending.models import Facility
from logistics.models import Lot
from parties.actors import Actor
from pledges.instruction_states import InstructionKind
from pledges.models import Position
from pledges.services.conversion import Take
from pledges.services.preview import Change
from portal import formats
from portal.boards.facts import Fact, money_fact
from portal.names import joined, name_of
from portal.queries.cover import get_standing
from portal.queries.instructions import Goods, list_goods, preview_wish

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a filled form asks for."""

    kind: InstructionKind
    give: list[Take]
    bring: list[tuple[Lot, Decimal]]


@dataclass(frozen=True, slots=True)
class WishBoard:
    """What the page for a new instruction shows."""

    facility: Facility
    facts: list[Fact]
    form: forms.Form
    goods: Goods
    lot_id: int | None
    tables: dict[str, Any]


def wish_board(
    actor: Actor, facility: Facility, goods: Goods, form: forms.Form, lot_id: int | None
) -> WishBoard:
    """Return the frame of a new instruction."""
    cover = get_standing(actor, facility).cover
    allowed = cover.lending_value * facility.release_factor
    currency = facility.currency
    return WishBoard(
        facility=facility,
        facts=[
            Fact(
                _("Cover now"),
                formats.ratio(cover.lending_value, cover.exposure),
                band=str(cover.band),
                note=_("lending value ÷ exposure"),
                tone="lead",
            ),
            money_fact(
                _("Could be released"),
                max(ZERO, allowed - cover.exposure),
                currency,
                note=_("of lending value × %(factor)s")
                % {"factor": f"{facility.release_factor.normalize():f}"},
            ),
            money_fact(_("Exposure"), cover.exposure, currency, note=_("owed now")),
        ],
        form=form,
        goods=goods,
        lot_id=lot_id,
        tables={},
    )


def goods_choices(goods: Goods) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the choices of both sides with what is left of each."""
    nothing = ("", _("nothing"))
    give = [(str(position.pk), _position_label(position)) for position in goods.positions]
    bring = [(str(lot.pk), _lot_label(lot)) for lot in goods.lots]
    return [nothing, *give], [nothing, *bring]


def _position_label(position: Position) -> str:
    lot = position.lot
    thing = joined(name_of(lot.item), lot.number, name_of(lot.site)) if lot else position.label
    left = formats.quantity(position.remaining, position.unit)
    return f"{thing}: {left} ({position.get_right_display()})"


def _lot_label(lot: Lot) -> str:
    free = formats.quantity(lot.free, lot.item.unit)
    return f"{joined(name_of(lot.item), lot.number, name_of(lot.site))}: {free}"


def read_wish(goods: Goods, said: Mapping[str, Any]) -> Wish:
    """Return what the form asks for; quantities left empty count as nothing."""
    lots = {str(lot.pk): lot for lot in goods.lots}
    give = [Take(uuid.UUID(said["give"]), said["give_quantity"] or ZERO)] if said["give"] else []
    bring = [(lots[said["bring"]], said["bring_quantity"] or ZERO)] if said["bring"] else []
    kind = InstructionKind.PLEDGE if bring else InstructionKind.RELEASE
    return Wish(InstructionKind.SUBSTITUTE if give and bring else kind, give, bring)


def wish_preview(
    actor: Actor, facility: Facility, wish: Wish, *, on: date
) -> list[tuple[str, str]] | None:
    """Return what the wish would do to cover, line by line; None while it asks for nothing."""
    give = {one.position_id: one.quantity for one in wish.give if one.quantity > 0}
    bring = [(lot, quantity) for lot, quantity in wish.bring if quantity > 0]
    if not give and not bring:
        return None
    preview = preview_wish(actor, Change(facility, give, bring), on=on)
    before, after, currency = preview.before, preview.after, facility.currency
    allowed = after.lending_value * facility.release_factor
    rows = [
        (_("Market value"), f"{formats.money(preview.amount)} {currency}"),
        (
            _("Cover"),
            " → ".join(formats.ratio(one.lending_value, one.exposure) for one in (before, after)),
        ),
        (
            _("Headroom"),
            f"{formats.money(before.headroom)} → {formats.money(after.headroom)} {currency}",
        ),
        (_("Band"), str(after.band.label)),
    ]
    if give and not bring and after.exposure > allowed:
        short = formats.money(after.exposure - allowed)
        rows.append(
            (
                _("Release rule"),
                _("short %(short)s %(currency)s") % {"short": short, "currency": currency},
            )
        )
    return rows


def goods_of(actor: Actor, facility: Facility, lot_id: int | None) -> Goods:
    """Return the goods that the form may name; with a lot named, its own first."""
    everything = list_goods(actor, facility)
    if lot_id is None:
        return everything
    return Goods(
        positions=sorted(everything.positions, key=lambda one: one.lot_id != lot_id),
        lots=sorted(everything.lots, key=lambda one: one.pk != lot_id),
    )

"""Lineage of one position: from the order to the cash, with who, when and on what evidence."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parties.actors import Actor
from pledges.models import Conversion, ConversionLeg, Position
from pledges.states import ConversionKind, Direction, Right
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.event import Event
from portal.names import label_of, name_of
from portal.queries.events import conversion_event
from portal.queries.lineage import Lineage, get_lineage
from portal.rules.dag import arrange
from portal.tables import Column, Table
from portal.valuation_words import formula

BOX = (146, 66)
STEP = (206, 84)
MARGIN = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A position drawn as a card."""

    x: int
    y: int
    width: int
    height: int
    title: str
    right: str
    right_label: str
    quantity: str
    value: str
    href: str
    here: bool
    live: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A conversion's line from one card to another, with its word half-way."""

    path: str
    word: str
    x: int
    y: int
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture: cards, lines and its size."""

    width: int
    height: int
    boxes: list[Box]
    links: list[Link]


@dataclass(frozen=True, slots=True)
class LineageBoard:
    """What the lineage page shows."""

    position: Position
    title: str
    label: str
    facts: list[Fact]
    drawing: Drawing
    tables: dict[str, Table]


def lineage_board(actor: Actor, position_id: uuid.UUID) -> LineageBoard:
    """Return the lineage of one position; 404 for strangers."""
    found = get_lineage(actor, position_id)
    events = [(conversion, conversion_event(conversion)) for conversion in found.conversions]
    return LineageBoard(
        position=found.position,
        title=_title(found.position),
        label=label_of(found.position) if found.position.lot else "",
        facts=_facts(found),
        drawing=draw(found),
        tables={"steps": steps_table(found, events)},
    )


def _title(position: Position) -> str:
    return name_of(position.lot.item) if position.lot else label_of(position)


def _facts(found: Lineage) -> list[Fact]:
    position, currency = found.position, found.position.facility.currency
    roots = sum(1 for one in found.positions.values() if one.right == Right.ORDER_CLAIM)
    cash = sum(1 for one in found.positions.values() if one.right in {"proceeds", "repaid"})
    value, steps = found.value, len(found.conversions)
    return [
        Fact(
            _("Right"),
            Right(position.right).label,
            note=_("since %(when)s") % {"when": formats.instant(position.opened_at)},
            tone="lead",
        ),
        Fact(
            _("Remaining"),
            formats.large_quantity(position.remaining, position.unit),
            exact=formats.quantity(position.remaining, position.unit),
            note=_("of %(all)s")
            % {"all": formats.large_quantity(position.quantity, position.unit)},
        ),
        money_fact(
            _("Market value"),
            value.market if value else None,
            currency,
            note=_as_of(found.on) if value else _("nothing remains of it"),
        ),
        money_fact(
            _("Lending value"),
            value.lending if value else None,
            currency,
            note=formula(value) if value else "",
        ),
        Fact(
            _("Comes from"),
            ngettext("%(count)s paid order", "%(count)s paid orders", roots) % {"count": roots},
            note=ngettext("%(count)s step in its history", "%(count)s steps in its history", steps)
            % {"count": steps},
        ),
        Fact(
            _("Became cash in"),
            ngettext("%(count)s part", "%(count)s parts", cash) % {"count": cash}
            if cash
            else _("not yet"),
            note=_("proceeds and repayments it led to"),
        ),
    ]


def _as_of(on: date) -> str:
    return _("at prices of %(day)s") % {"day": formats.day(on)}


def steps_table(found: Lineage, events: Sequence[tuple[Conversion, Event]]) -> Table:
    """Each conversion of the lineage: what, when, who, evidence, values, cover around it."""
    currency = found.position.facility.currency
    return Table(
        key="steps",
        title=_("Every step with its evidence"),
        columns=[
            columns.moment(_("When"), lambda pair: pair[1].at),
            Column(
                _("Step"),
                lambda pair: pair[0].kind,
                show=lambda kind: str(ConversionKind(kind).label),
                href=lambda pair: reverse("portal:conversion", args=[pair[0].pk]),
            ),
            columns.words(
                _("What happened"), lambda pair: pair[1].text, href=lambda pair: pair[1].href
            ),
            columns.words(
                _("Evidence"),
                lambda pair: pair[1].evidence,
                sub=lambda pair: " · ".join(x for x in (pair[1].who, pair[0].reason) if x),
            ),
            columns.text(_("By"), lambda pair: pair[1].who, file_only=True),
            columns.text(_("Reason"), lambda pair: pair[0].reason, file_only=True),
            columns.amount(_("Taken"), lambda pair: _value(pair[0], Direction.CONSUMED), currency),
            columns.amount(_("Made"), lambda pair: _value(pair[0], Direction.PRODUCED), currency),
            columns.text(_("Cover"), lambda pair: _cover_words(pair[0])),
            columns.band(_("Band after"), lambda pair: pair[1].band),
        ],
        rows=events,
        empty=_("This position has no history."),
    )


def _cover_words(conversion: Conversion) -> str:
    before = formats.ratio(conversion.lending_value_before, conversion.exposure_before)
    after = formats.ratio(conversion.lending_value_after, conversion.exposure_after)
    return before if before == after else f"{before} → {after}"


def _value(conversion: Conversion, direction: str) -> object:
    legs = [leg for leg in conversion.legs.all() if leg.direction == direction]
    return sum(leg.market_value for leg in legs) if legs else None


def draw(found: Lineage) -> Drawing:
    """Place the cards by longest path and join them by their conversions."""
    edges = _edges(found)
    ids = sorted(found.positions, key=lambda one: found.order[one])
    places = {place.key: place for place in arrange(ids, [(a, b) for a, b, _c in edges])}
    spots = {
        one: (
            MARGIN + places[one].column * STEP[0],
            MARGIN + round(places[one].row * STEP[1]),
        )
        for one in ids
    }
    return Drawing(
        width=2 * MARGIN + max(x for x, _y in spots.values()) + BOX[0],
        height=2 * MARGIN + max(y for _x, y in spots.values()) + BOX[1],
        boxes=[_box(found, one, *spots[one]) for one in ids],
        links=_links(spots, edges),
    )


def _edges(found: Lineage) -> list[tuple[uuid.UUID, uuid.UUID, Conversion]]:
    edges = []
    for conversion in found.conversions:
        legs = [leg for leg in conversion.legs.all() if leg.position_id in found.positions]
        taken = [leg for leg in legs if leg.direction == Direction.CONSUMED]
        made = [leg for leg in legs if leg.direction == Direction.PRODUCED]
        edges += [(a.position_id, b.position_id, conversion) for a in taken for b in made]
    return edges


def _box(found: Lineage, one: uuid.UUID, x: int, y: int) -> Box:
    position = found.positions[one]
    made = found.made.get(one)
    return Box(
        x=x,
        y=y,
        width=BOX[0],
        height=BOX[1],
        title=_title(position),
        right=position.right,
        right_label=str(Right(position.right).label),
        quantity=formats.quantity(position.quantity, position.unit),
        value=_worth(made, position),
        href=reverse("portal:lineage", args=[one]),
        here=one == found.position.pk,
        live=position.remaining > 0,
    )


def _worth(made: ConversionLeg | None, position: Position) -> str:
    if made is None or made.market_value == 0 or position.lot is None:
        return ""
    return f"{formats.large_money(made.market_value)} {position.facility.currency}"


def _links(
    spots: dict[uuid.UUID, tuple[int, int]],
    edges: Sequence[tuple[uuid.UUID, uuid.UUID, Conversion]],
) -> list[Link]:
    """Return one line per edge; a conversion says its word once."""
    said: set[uuid.UUID] = set()
    links = []
    for source, target, conversion in edges:
        word = "" if conversion.pk in said else str(conversion.get_kind_display())
        said.add(conversion.pk)
        links.append(_link(spots[source], spots[target], conversion, word))
    return links


def _link(
    source: tuple[int, int], target: tuple[int, int], conversion: Conversion, word: str
) -> Link:
    x1, y1 = source[0] + BOX[0], source[1] + BOX[1] // 2
    x2, y2 = target[0], target[1] + BOX[1] // 2
    middle = (x1 + x2) // 2
    return Link(
        path=f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}",
        word=word,
        x=middle,
        y=(y1 + y2) // 2,
        title=f"{conversion.get_kind_display()}, {formats.day(conversion.business_date)}",
    )

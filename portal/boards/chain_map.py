"""The supply-chain map: its scene at an instant as data, and the same as nested tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lending.models import Facility
from parties.actors import Actor
from pledges.states import Band, ConversionKind, Right
from portal import columns, formats
from portal.boards.facts import Fact, money_fact
from portal.queries.chain import Node, Ribbon, list_nodes, list_ribbons
from portal.queries.cover import Reading, list_readings
from portal.queries.dates import end_of
from portal.queries.placed import COLUMNS
from portal.queries.positions import PositionValue, list_positions
from portal.tables import Table
from portal.valuation_words import formula

HEADINGS = {
    "order_claim": gettext_lazy("Order claims"),
    "materials": gettext_lazy("Materials"),
    "production": gettext_lazy("Production"),
    "warehouse": gettext_lazy("Warehouse"),
    "in_transit": gettext_lazy("In transit"),
    "receivable": gettext_lazy("Receivables"),
    "cash": gettext_lazy("Cash"),
    "end": gettext_lazy("Left the pool"),
}
NATURES = {
    "order_claim": gettext_lazy("creditor’s right"),
    "materials": gettext_lazy("property right"),
    "production": gettext_lazy("property right"),
    "warehouse": gettext_lazy("property right"),
    "in_transit": gettext_lazy("property right"),
    "receivable": gettext_lazy("creditor’s right"),
    "cash": gettext_lazy("cash"),
    "end": gettext_lazy("no claim"),
}
WINDOWS = (30, 90, 0)
DEFAULT_WINDOW = 0
# How far a node's own value may fall before the facility leaves its band, and what we call it.
RISKS = ((Decimal("0.30"), "covered"), (Decimal("0.15"), "watch"), (Decimal("0.05"), "called"))


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant looked at, the day whose prices count, and how far back ribbons reach."""

    at: datetime
    on: date
    window: int

    @property
    def at_iso(self) -> str:
        """The instant as scripts read it."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S.%f}Z"

    @property
    def since(self) -> datetime:
        """The beginning of the window; 0 days mean from the beginning."""
        beginning = datetime.min.replace(tzinfo=UTC)
        return self.at - timedelta(days=self.window) if self.window else beginning


def moment_of(at: str | None, window: str | None, *, as_of: date) -> Moment:
    """Read `?at=` (an instant or a day) and `?window=`; the future and nonsense mean now."""
    latest = end_of(as_of)
    instant = _instant(at) or latest
    instant = min(instant, latest)
    days = int(window) if window in {str(one) for one in WINDOWS} else DEFAULT_WINDOW
    return Moment(at=instant, on=instant.date(), window=days)


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        if day := parse_date(text):
            return end_of(day)
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """One column of the map with its blocks and the positions in each, for the nested tables."""

    key: str
    heading: str
    nature: str
    market: Decimal
    lending: Decimal
    nodes: list[tuple[str, list[PositionValue]]]


@dataclass(frozen=True, slots=True)
class MapBoard:
    """What the map's page shows before its script draws."""

    facility: Facility
    moment: Moment
    facts: list[Fact]
    places: list[Place]
    tables: dict[str, Table]


def map_board(actor: Actor, facility: Facility, moment: Moment) -> MapBoard:
    """Return the page of the map."""
    positions = list_positions(actor, facility, at=moment.at, on=moment.on)
    reading = reading_at(list_readings(actor, facility), moment.at)
    return MapBoard(
        facility=facility,
        moment=moment,
        facts=_facts(facility, reading, list_nodes(actor, facility, at=moment.at, on=moment.on)),
        places=_places(positions),
        tables={"positions": node_table(facility, positions)},
    )


def reading_at(readings: Sequence[Reading], at: datetime) -> Reading | None:
    """Return the last reading at or before an instant."""
    past = [reading for reading in readings if reading.at <= at]
    return past[-1] if past else None


def _facts(facility: Facility, reading: Reading | None, nodes: Sequence[Node]) -> list[Fact]:
    currency = facility.currency
    market = sum((node.market for node in nodes), Decimal(0))
    lending = sum((node.lending for node in nodes), Decimal(0))
    exposure = reading.exposure if reading else Decimal(0)
    return [
        money_fact(
            _("Stands in the chain"),
            market,
            currency,
            note=_positions_in_places(nodes),
            tone="lead",
        ),
        money_fact(_("Lending value"), lending, currency, note=_("the filled part of each block")),
        money_fact(_("Exposure"), exposure, currency, note=_("what the lender has out")),
        Fact(
            _("Cover"),
            formats.ratio(lending, exposure),
            note=_("lending value ÷ exposure"),
            band=reading.band if reading else Band.COVERED,
        ),
    ]


def _positions_in_places(nodes: Sequence[Node]) -> str:
    positions = sum(node.positions for node in nodes)
    first = ngettext("%(count)s position", "%(count)s positions", positions)
    second = ngettext("%(count)s place", "%(count)s places", len(nodes))
    return _("%(positions)s in %(places)s") % {
        "positions": first % {"count": positions},
        "places": second % {"count": len(nodes)},
    }


def _places(positions: Sequence[PositionValue]) -> list[Place]:
    places = []
    for key in COLUMNS[:-1]:
        members = [p for p in positions if p.place == key]
        nodes: dict[str, list[PositionValue]] = {}
        for position in members:
            nodes.setdefault(node_name(position.node, position.node_name), []).append(position)
        places.append(
            Place(
                key=key,
                heading=str(HEADINGS[key]),
                nature=str(NATURES[key]),
                market=sum((p.market for p in members), Decimal(0)),
                lending=sum((p.lending for p in members), Decimal(0)),
                nodes=list(nodes.items()),
            )
        )
    return places


def node_name(key: str, name: str) -> str:
    """Return what a block is called; accounts and ends have no organisation behind them."""
    if name:
        return name
    if key == "account":
        return _("Controlled account")
    return str(Right(key).label) if key in Right.values else _("Others")


def node_table(facility: Facility, positions: Sequence[PositionValue]) -> Table:
    """Return the positions behind the blocks."""
    currency = facility.currency
    return Table(
        key="positions",
        title=_("Positions at this instant"),
        columns=[
            columns.text(_("Column"), lambda p: HEADINGS[p.place]),
            columns.text(_("Place"), lambda p: node_name(p.node, p.node_name)),
            columns.words(_("Position"), "label"),
            columns.quantity(_("Remaining"), "remaining", "unit"),
            columns.amount(_("Market value"), "market", currency),
            columns.amount(_("Lending value"), "lending", currency),
            columns.text(_("Formula"), formula),
        ],
        rows=positions,
        empty=_("Nothing stood in the chain at this instant."),
    )


def scene_data(actor: Actor, facility: Facility, moment: Moment) -> dict[str, Any]:
    """Return the map at an instant: columns, blocks, ribbons, the reading, the words."""
    nodes = list_nodes(actor, facility, at=moment.at, on=moment.on)
    ribbons, names = list_ribbons(actor, facility, since=moment.since, at=moment.at, on=moment.on)
    readings = list_readings(actor, facility)
    reading = reading_at(readings, moment.at)
    return {
        "facts": _facts(facility, reading, nodes),
        "at": moment.at.isoformat(),
        "at_text": formats.instant(moment.at),
        "window": moment.window,
        "currency": facility.currency,
        "columns": [
            {"key": key, "heading": str(HEADINGS[key]), "nature": str(NATURES[key])}
            for key in COLUMNS
        ],
        "nodes": _nodes(facility, moment, nodes, names, reading),
        "ribbons": [_ribbon(ribbon) for ribbon in ribbons],
        "reading": _reading(reading),
    }


def _nodes(
    facility: Facility,
    moment: Moment,
    nodes: Sequence[Node],
    names: dict[tuple[str, str], str],
    reading: Reading | None,
) -> list[dict[str, Any]]:
    """Blocks that hold something, then those that value only passed through in the window."""
    held = {(node.place, node.key) for node in nodes}
    passed = [
        Node(place, key, name, 0, Decimal(0), Decimal(0), Decimal(0), "")
        for (place, key), name in names.items()
        if (place, key) not in held
    ]
    return [_node(facility, moment, node, reading) for node in [*nodes, *passed]]


def _node(
    facility: Facility, moment: Moment, node: Node, reading: Reading | None
) -> dict[str, Any]:
    name = node_name(node.key, node.name)
    drop = _drop(node, reading)
    query = f"?place={node.place}&node={node.key}&at={moment.at_iso}"
    return {
        "place": node.place,
        "key": node.key,
        "name": name,
        "market": float(node.market),
        "lending": float(node.lending),
        "left_out": float(node.left_out),
        "market_text": formats.large_money(node.market),
        "lending_text": formats.large_money(node.lending),
        "left_out_text": formats.large_money(node.left_out) if node.left_out else "",
        "reason": node.reason,
        "rate": formats.percent(node.lending / node.market) if node.market else "",
        "positions": ngettext("%(count)s position", "%(count)s positions", node.positions)
        % {"count": node.positions},
        "risk": _risk(drop),
        "risk_text": _risk_words(drop),
        "url": reverse("portal:map_node", args=[facility.pk]) + query,
    }


def _drop(node: Node, reading: Reading | None) -> Decimal | None:
    """Return the fall of this block's value that alone uncovers the facility; None if none does."""
    if reading is None or node.lending <= 0 or reading.exposure == 0:
        return None
    drop = (reading.lending - reading.exposure) / node.lending
    return None if drop >= 1 else max(drop, Decimal(0))


def _risk(drop: Decimal | None) -> str:
    if drop is None:
        return "covered"
    return next((word for least, word in RISKS if drop >= least), "close_out")


def _risk_words(drop: Decimal | None) -> str:
    if drop is None:
        return _("even its total loss leaves the facility covered")
    if drop == 0:
        return _("the facility is not covered")
    return _("a fall of %(drop)s here alone uncovers the facility") % {
        "drop": formats.percent(drop)
    }


def _ribbon(ribbon: Ribbon) -> dict[str, Any]:
    return {
        "source": list(ribbon.source) if ribbon.source else None,
        "target": list(ribbon.target),
        "kind": ribbon.kind,
        "word": str(ConversionKind(ribbon.kind).label),
        "given": float(ribbon.given),
        "made": float(ribbon.made),
        "given_text": formats.large_money(ribbon.given),
        "made_text": formats.large_money(ribbon.made),
        "times": ribbon.times,
        "in_progress": ribbon.in_progress,
    }


def _reading(reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        return {"band": "covered", "band_word": str(Band.COVERED.label)}
    return {
        "exposure": float(reading.exposure),
        "lending": float(reading.lending),
        "exposure_text": formats.large_money(reading.exposure),
        "lending_text": formats.large_money(reading.lending),
        "cover": formats.ratio(reading.lending, reading.exposure),
        "band": reading.band,
        "band_word": str(Band(reading.band).label),
    }


@dataclass(frozen=True, slots=True)
class NodeBoard:
    """The positions behind one block, for the side panel."""

    facility: Facility
    heading: str
    nature: str
    place: str
    name: str
    at: datetime
    on: date
    market: Decimal
    lending: Decimal
    positions: list[tuple[PositionValue, str]]


def node_board(
    actor: Actor, facility: Facility, moment: Moment, *, place: str, node: str
) -> NodeBoard:
    """Return what stands in one block at an instant, each position with its formula."""
    positions = list_positions(actor, facility, at=moment.at, on=moment.on, place=place, node=node)
    return NodeBoard(
        facility=facility,
        heading=str(HEADINGS.get(place, "")),
        nature=str(NATURES.get(place, "")),
        place=place,
        name=node_name(node, positions[0].node_name if positions else ""),
        at=moment.at,
        on=moment.on,
        market=sum((p.market for p in positions), Decimal(0)),
        lending=sum((p.lending for p in positions), Decimal(0)),
        positions=[(position, formula(position)) for position in positions],
    )


def map_texts() -> dict[str, Any]:
    """Return the words the map's script needs."""
    return {
        "exposure": _("Exposure"),
        "lending": _("Lending value"),
        "market": _("Market value"),
        "left_out": _("Not counted"),
        "passed": _("passed through"),
        "from_outside": _("from outside the pool"),
        "in_progress": _("instructed, the bank has not confirmed yet"),
        "play": _("Play"),
        "pause": _("Pause"),
        "failed": _("The map could not be loaded. The tables below have the same data."),
        "again": _("Try again"),
        "empty": _("Nothing stood in the chain at this instant."),
        "times": _("times"),
        "call": _("Margin call"),
        "bands": {str(band): str(band.label) for band in Band},
        "cover": _("Cover"),
        "help": _("Arrow keys walk between blocks, Enter opens one."),
    }

"""Exposure against lending value over time, as the charts draw it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from pledges.states import Band
from portal import formats
from portal.queries.calls import list_calls
from portal.queries.cover import Reading, list_readings
from portal.queries.events import list_events

LONGEST = 3660


def days_asked(text: str | None) -> int | None:
    """Return the number of days asked for; everything else means the whole time."""
    if text and text.isascii() and text.isdigit() and 0 < int(text) <= LONGEST:
        return int(text)
    return None


def coverage_data(
    actor: Actor, facility: Facility, as_of: date, *, days: int | None = None
) -> dict[str, Any]:
    """Return readings, the bands they mean, margin calls and events (numbers only to draw)."""
    since = as_of - timedelta(days=days) if days else None
    readings = list_readings(actor, facility, since=since)
    first = readings[0].at if readings else None
    return {
        "currency": facility.currency,
        "readings": [_point(reading) for reading in readings],
        "limit": float(facility.limit),
        "calls": [
            {
                "from": call.opened_at.isoformat(),
                "until": call.cured_at.isoformat() if call.cured_at else None,
                "text": _("Margin call over %(amount)s")
                % {"amount": formats.money(call.cash_needed)},
            }
            for call in list_calls(actor, facility)
            if first is None or call.opened_at >= first
        ],
        "events": [
            {"at": event.at.isoformat(), "text": event.text, "cover": event.cover}
            for event in list_events(actor, facility, since=first)
            if event.cover
        ],
        "texts": {
            "exposure": _("Exposure"),
            "lending": _("Lending value"),
            "watch": _("Watch ends"),
            "call": _("Close-out begins"),
            "cover": _("Cover"),
            "limit": _("Limit"),
            "conversion": _("Conversion"),
            "calls": _("Margin call"),
            "no_debt": _("no debt"),
            "bands": {str(band): str(band.label) for band in Band},
        },
    }


def _point(reading: Reading) -> dict[str, Any]:
    return {
        "at": reading.at.isoformat(),
        "on": formats.day(reading.on),
        "exposure": float(reading.exposure),
        "lending": float(reading.lending),
        "market": float(reading.market),
        "watch": float(reading.watch),
        "call": float(reading.call),
        "band": reading.band,
    }

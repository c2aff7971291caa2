"""Why cover moved: each reading beside the one before it, with what the prices did between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from pledges.models import Conversion
from portal import formats
from portal.queries.cover import Reading, list_readings
from portal.queries.events import conversion_event, with_legs
from portal.queries.prices import names_of_held
from portal.words import cause_in_words, moves_in_words


@dataclass(frozen=True, slots=True)
class Change:
    """One reading that something caused. `drift` is what prices and interest did since the last."""

    at: datetime
    text: str
    href: str
    exposure: Decimal
    lending: Decimal
    exposure_by: Decimal
    lending_by: Decimal
    band: str
    drift: Decimal
    currency: str

    @property
    def drift_words(self) -> str:
        """Say what the prices did to the lending value before this, if anything."""
        if not self.drift:
            return ""
        sign = "+" if self.drift > 0 else ""
        return _("prices before it: %(drift)s %(currency)s of lending value") % {
            "drift": f"{sign}{formats.money(self.drift)}",
            "currency": self.currency,
        }


def list_changes(actor: Actor, facility: Facility) -> list[Change]:
    """Return what changed cover, newest first; days without an act are left out (four queries)."""
    readings = list_readings(actor, facility)
    conversions = {
        one.pk: one
        for one in with_legs(Conversion.objects.visible_to(actor).filter(facility=facility))
    }
    names = names_of_held(actor, facility)
    changes, before, lending_then = [], None, Decimal(0)
    for reading in readings:
        told = reading.cause != "day" or (before is not None and before.band != reading.band)
        if told:
            conversion = conversions.get(reading.conversion_id) if reading.conversion_id else None
            changes.append(_change(facility, reading, before, lending_then, conversion, names))
            lending_then = reading.lending
        before = reading
    return changes[::-1]


def _change(
    facility: Facility,
    reading: Reading,
    before: Reading | None,
    lending_then: Decimal,
    conversion: Conversion | None,
    names: dict[str, str],
) -> Change:
    """Split the way from the last told reading into drift and the act itself."""
    exposure_before = before.exposure if before else Decimal(0)
    lending_before = before.lending if before else Decimal(0)
    event = conversion_event(conversion) if conversion else None
    if conversion is not None:
        exposure_before, lending_before = (
            conversion.exposure_before,
            conversion.lending_value_before,
        )
    return Change(
        at=reading.at,
        text=event.text if event else _told(reading, names),
        href=event.href if event else "",
        exposure=reading.exposure,
        lending=reading.lending,
        exposure_by=reading.exposure - exposure_before,
        lending_by=reading.lending - lending_before,
        band=reading.band,
        drift=lending_before - lending_then,
        currency=facility.currency,
    )


def _told(reading: Reading, names: dict[str, str]) -> str:
    words = cause_in_words(reading.cause)
    moves = moves_in_words(reading.detail, names)
    return f"{words}: {moves}" if moves else words

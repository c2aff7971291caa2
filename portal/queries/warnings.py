"""Early warnings of the reader's house and the thresholds of a facility."""

from __future__ import annotations

from lending.models import Facility
from parties.actors import Actor
from pledges.models import EarlyWarning, WarningThreshold

MOST_SHOWN = 300


def list_warnings(actor: Actor) -> list[EarlyWarning]:
    """Return the latest warnings of the house, those that stand first (one query)."""
    rows = EarlyWarning.objects.visible_to(actor).select_related("facility")
    return sorted(rows[:MOST_SHOWN], key=lambda one: one.closed_on is not None)


def thresholds_of(facility: Facility) -> dict[str, WarningThreshold]:
    """Return a facility's own thresholds by rule (one query)."""
    return {one.rule: one for one in WarningThreshold.objects.filter(facility=facility)}

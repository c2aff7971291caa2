"""Margin calls: cash or goods needed, until when, why, and what cured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from lending.models import Facility
from parties.actors import Actor
from pledges.models import MarginCall
from pledges.states import MarginCallState
from portal import formats
from portal.boards.facility import calls_table
from portal.boards.facts import Fact, money_fact
from portal.call_words import cure_in_words
from portal.queries.calls import list_calls
from portal.queries.cover import get_standing
from portal.tables import Table

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CallsBoard:
    """What the list of margin calls shows."""

    facility: Facility
    facts: list[Fact]
    tables: dict[str, Table]


def calls_board(actor: Actor, facility: Facility) -> CallsBoard:
    """Return the facility's calls."""
    calls = list_calls(actor, facility)
    open_calls = [call for call in calls if call.state != MarginCallState.CURED]
    standing = get_standing(actor, facility)
    cured = [call for call in calls if call.cured_at]
    return CallsBoard(
        facility=facility,
        facts=[
            money_fact(
                _("Cash needed now"),
                standing.cover.shortfall if open_calls else ZERO,
                facility.currency,
                note=_("exposure − lending value") if open_calls else _("no call is open"),
                tone="bad" if open_calls else "good",
            ),
            Fact(_("Open"), f"{len(open_calls):,}", note=_open_note(open_calls)),
            Fact(_("Opened so far"), f"{len(calls):,}", note=_("since the facility began")),
            Fact(_("Cured"), f"{len(cured):,}", note=_cures(cured)),
        ],
        tables={"calls": calls_table(facility, calls)},
    )


def _open_note(calls: Sequence[MarginCall]) -> str:
    return _("until %(when)s") % {"when": formats.instant(calls[0].due_at)} if calls else ""


def _cures(calls: Sequence[MarginCall]) -> str:
    return str(_(", ")).join(sorted({cure_in_words(call.cure) for call in calls}))

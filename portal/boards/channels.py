"""The ways to sell that lender and borrower agreed on before any default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.forms import Form
from django.utils.translation import gettext as _

from lending.models import Facility
from pledges.models import DisposalChannel
from pledges.states import ChannelState
from portal import columns
from portal.boards.facts import Fact
from portal.names import name_of
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ChannelsBoard:
    """What the page shows."""

    facility: Facility
    facts: list[Fact]
    tables: dict[str, Table]
    forms: Sequence[Form]


def channels_board(
    facility: Facility, channels: Sequence[DisposalChannel], on: date, forms: Sequence[Form]
) -> ChannelsBoard:
    """Return a facility's channels, with those that could be used on a day counted."""
    usable = [one for one in channels if _usable(one, on)]
    proposed = [one for one in channels if one.state == ChannelState.PROPOSED]
    return ChannelsBoard(
        facility=facility,
        facts=[
            Fact(
                _("Could be used today"),
                f"{len(usable):,}",
                note=_("agreed and in their term"),
                tone="lead" if usable else "warn",
            ),
            Fact(
                _("Waiting"),
                f"{len(proposed):,}",
                note=_("for another person") if proposed else _("nothing waits"),
                tone="warn" if proposed else "",
            ),
        ],
        tables={"channels": channels_table(channels)},
        forms=forms,
    )


def _usable(one: DisposalChannel, on: date) -> bool:
    in_term = one.valid_from <= on and (one.valid_until is None or on < one.valid_until)
    return one.state == ChannelState.AGREED and in_term


def channels_table(rows: Sequence[DisposalChannel]) -> Table:
    """Return channels as a table."""
    return Table(
        key="channels",
        title=_("Channels agreed beforehand"),
        columns=[
            columns.text(_("Channel"), lambda one: one.get_kind_display()),
            columns.text(
                _("With"), lambda one: name_of(one.counterparty) if one.counterparty else ""
            ),
            columns.share(_("At least, of market value"), "price_share"),
            columns.words(_("Terms"), "terms"),
            columns.day(_("From"), "valid_from"),
            columns.day(_("Until"), "valid_until"),
            columns.day(_("Agreed"), "agreed_on"),
            columns.state(_("State"), lambda one: one.get_state_display()),
        ],
        rows=rows,
        empty=_("No channel was agreed."),
        first_step=_("Agreed before a default, goods can be sold by it without further consent."),
    )

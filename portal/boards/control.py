"""Control of the goods: where it must be evidenced, until when it is, and what was filed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.forms import Form
from django.utils.translation import gettext as _

from parties.actors import Actor
from portal import columns, formats
from portal.boards.facts import Fact
from portal.boards.legal import days_left, evidence_table
from portal.names import name_of
from portal.queries.law import Duty, list_evidence
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ControlBoard:
    """What the page shows."""

    facts: list[Fact]
    tables: dict[str, Table]
    forms: Sequence[Form]


def control_board(
    actor: Actor, duties: Sequence[Duty], on: date, forms: Sequence[Form]
) -> ControlBoard:
    """Return where the reader's goods are kept and how their control stands on a day."""
    return ControlBoard(
        facts=_facts(duties, on),
        tables={
            "duties": _duties(duties, on),
            "evidence": evidence_table(list_evidence(actor), on),
        },
        forms=forms,
    )


def _facts(duties: Sequence[Duty], on: date) -> list[Fact]:
    demanded = [duty for duty in duties if duty.facility.control_required]
    lapsed = [duty for duty in demanded if not duty.valid_until or duty.valid_until < on]
    ends = [duty.valid_until for duty in demanded if duty.valid_until and duty.valid_until >= on]
    return [
        Fact(
            _("Without evidence"),
            f"{len(lapsed):,}",
            note=_("goods there count for nothing") if lapsed else _("nothing is missing"),
            tone="bad" if lapsed else "good",
        ),
        Fact(
            _("Next to run out"),
            formats.days_between(on, min(ends)) if ends else formats.EMPTY,
            note=formats.day(min(ends)) if ends else "",
        ),
        Fact(_("Places"), f"{len(duties):,}", note=_("where goods are kept for a lender")),
    ]


def _duties(duties: Sequence[Duty], on: date) -> Table:
    return Table(
        key="duties",
        title=_("Places under control"),
        columns=[
            columns.words(_("Place"), lambda duty: name_of(duty.site)),
            columns.text(_("Keeper"), lambda duty: name_of(duty.site.operator)),
            columns.text(_("Lender"), lambda duty: name_of(duty.facility.tenant)),
            columns.text(_("Goods of"), lambda duty: name_of(duty.facility.borrower)),
            columns.state(_("Demanded"), _demanded),
            columns.day(_("Good until"), "valid_until"),
            days_left(_("Days left"), "valid_until", on, through=True),
        ],
        rows=duties,
        empty=_("No goods are kept for a lender here."),
        first_step=_("Places appear here as soon as goods lie there for a lender."),
    )


def _demanded(duty: Duty) -> str:
    return str(_("yes") if duty.facility.control_required else _("no"))

"""One kept proposal: its plan, whether it still fits, and what the reader may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from parties.actors import Actor
from parties.roles import Role
from pledges.allocation_states import OPEN, ProposalState
from pledges.models import AllocationProposal
from pledges.services.allocation import MAKERS
from pledges.services.allocation_acceptance import why_overtaken
from portal import formats
from portal.allocation_words import (
    Names,
    reasons_in_words,
    relief_in_words,
    rule_in_words,
    shortage_in_words,
)
from portal.boards.allocation import (
    BindingLine,
    LotLine,
    bindings_table,
    lots_table,
    pledged_chart,
)
from portal.boards.facts import Fact, money_fact
from portal.names import name_of
from portal.queries.allocation import names_of_proposal
from portal.tables import Table


@dataclass(frozen=True, slots=True)
class ProposalBoard:
    """What one proposal's page shows."""

    proposal: AllocationProposal
    facts: list[Fact]
    misfit: str
    shortages: list[str]
    tables: dict[str, Table]
    charts: dict[str, Any]
    acts: list[str]
    forms: Sequence[forms.Form] = field(default_factory=list)


def proposal_board(actor: Actor, proposal: AllocationProposal, *, on: date) -> ProposalBoard:
    """Return one proposal, read for this actor, with a look at the live figures."""
    currency = proposal.facility.currency
    names, lines = names_of_proposal(proposal), _lines(proposal)
    misfit = why_overtaken(proposal, on=on) if proposal.state in OPEN else ""
    return ProposalBoard(
        proposal=proposal,
        facts=_facts(proposal, misfit),
        misfit=misfit,
        shortages=[
            shortage_in_words(one, names, currency)
            for one in proposal.findings.get("shortages", [])
        ],
        tables={
            "lots": lots_table(lines, currency),
            "bindings": bindings_table(_bindings(proposal, names), currency),
        },
        charts={"pledged": pledged_chart(lines, currency)},
        acts=possible_acts(actor, proposal, fits=not misfit),
    )


def possible_acts(actor: Actor, proposal: AllocationProposal, *, fits: bool) -> list[str]:
    """Return what the reader may do now, by name; the services judge it again."""
    houses = (proposal.tenant_id, proposal.facility.borrower_id)
    if proposal.state == ProposalState.SUGGESTED:
        may = actor.organisation_id in houses and actor.has_role(*MAKERS)
        return ["adopt"] if may and fits else []
    is_checker = actor.organisation_id == proposal.tenant_id and actor.has_role(
        Role.APPROVER, Role.RISK_OFFICER
    )
    if proposal.state != ProposalState.PROPOSED or not is_checker:
        return []
    if actor.person_id == proposal.maker_id or not fits:
        return ["decline"]
    return ["accept", "decline"]


def _lines(proposal: AllocationProposal) -> list[LotLine]:
    found = [
        LotLine(
            lot_id=line.lot_id,
            number=line.lot.number,
            item=name_of(line.lot.item),
            site=name_of(line.lot.site),
            unit=line.lot.item.unit,
            before=line.before,
            after=line.after,
            lending_per_unit=line.lending_per_unit,
            market_per_unit=line.market_per_unit,
            why=reasons_in_words((code, Decimal(figure)) for code, figure in line.reasons),
        )
        for line in proposal.lines.all()
    ]
    return sorted(found, key=lambda one: (not one.change, one.item, one.number))


def _bindings(proposal: AllocationProposal, names: Names) -> list[BindingLine]:
    return [
        BindingLine(
            rule_in_words(
                one["kind"], one["id"], Decimal(one["limit"]), names, proposal.facility.currency
            ),
            relief_in_words(one["kind"]),
            Decimal(one["saves"]),
        )
        for one in proposal.findings.get("bindings", [])
    ]


def _facts(proposal: AllocationProposal, misfit: str) -> list[Fact]:
    currency = proposal.facility.currency
    who = proposal.checker or proposal.maker
    return [
        Fact(
            _("State"),
            proposal.get_state_display(),
            note=_("by %(who)s") % {"who": name_of(who.get_full_name())}
            if who
            else _("by the forecast; nobody stands for it yet"),
            tone="bad" if misfit else "lead",
        ),
        money_fact(
            _("Lending value after"),
            proposal.lending_after,
            currency,
            note=_("before %(before)s") % {"before": formats.large_money(proposal.lending_before)},
        ),
        money_fact(
            _("Exposure"),
            proposal.exposure,
            currency,
            note=_("with %(amount)s still to be drawn")
            % {"amount": formats.large_money(proposal.to_draw)},
        ),
        money_fact(
            _("Cost of staying pledged"),
            proposal.cost_after,
            currency,
            note=_("before %(before)s") % {"before": formats.large_money(proposal.cost_before)},
        ),
        Fact(_("Prices of"), formats.day(proposal.priced_on), note=_("when it was reckoned")),
    ]

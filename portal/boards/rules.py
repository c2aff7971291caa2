"""Rules that approve instructions by themselves, tried on the orders that were done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from lending.models import Facility
from pledges.instruction_states import RuleState
from pledges.models import AutoApprovalRule
from portal import columns, formats
from portal.boards.facts import Fact
from portal.instruction_words import objection_in_words, title_of
from portal.names import name_of
from portal.queries.rules import Trial
from portal.tables import Column, Table

OPEN = (RuleState.PROPOSED, RuleState.IN_FORCE)


@dataclass(frozen=True, slots=True)
class RulesBoard:
    """What the page shows."""

    facility: Facility
    facts: list[Fact]
    tables: dict[str, Table]
    forms: Sequence[Form]


def rules_board(
    facility: Facility,
    rules: Sequence[AutoApprovalRule],
    trials: Sequence[Trial],
    forms: Sequence[Form],
) -> RulesBoard:
    """Return a facility's rules and what those in force or proposed would have approved."""
    return RulesBoard(
        facility=facility,
        facts=_facts(rules, trials),
        tables={
            "rules": _rules_table(facility, rules, trials),
            "trials": _trials_table(facility, rules, trials),
        },
        forms=forms,
    )


def _facts(rules: Sequence[AutoApprovalRule], trials: Sequence[Trial]) -> list[Fact]:
    in_force = [one for one in rules if one.state == RuleState.IN_FORCE]
    proposed = [one for one in rules if one.state == RuleState.PROPOSED]
    by_rule = sum(one.instruction.rule_id is not None for one in trials)
    return [
        Fact(
            _("In force"),
            f"{len(in_force):,}",
            note=_("one for each kind of order at most"),
            tone="lead",
        ),
        Fact(
            _("Waiting"),
            f"{len(proposed):,}",
            note=_("for another person") if proposed else _("nothing waits"),
            tone="warn" if proposed else "",
        ),
        Fact(
            _("Approved by rule"),
            f"{by_rule:,}",
            note=_("of the last %(count)s orders") % {"count": f"{len(trials):,}"},
        ),
    ]


def _rules_table(
    facility: Facility, rules: Sequence[AutoApprovalRule], trials: Sequence[Trial]
) -> Table:
    return Table(
        key="rules",
        title=_("Rules"),
        columns=[
            columns.text(_("For"), lambda one: one.get_kind_display()),
            columns.count(_("Version"), "version"),
            columns.amount(_("At most"), "max_amount", facility.currency),
            columns.text(_("Coverage after, at least"), lambda one: f"{one.min_coverage:.2f}"),
            columns.text(_("Custodian in time, at least"), _rating),
            columns.day(_("From"), "valid_from"),
            columns.day(_("Until"), "valid_until"),
            columns.state(_("State"), lambda one: one.get_state_display()),
            columns.text(_("Would have approved"), lambda one: _passed(one, trials)),
            columns.text(_("Proposed by"), lambda one: str(one.maker)),
            columns.text(_("Decided by"), lambda one: str(one.checker or "")),
        ],
        rows=rules,
        empty=_("No rule approves anything here."),
        first_step=_("Every order waits for a person until a rule is proposed and put in force."),
    )


def _rating(rule: AutoApprovalRule) -> str:
    if rule.min_rating is None:
        return formats.EMPTY
    share = formats.percent(rule.min_rating)
    return _("%(share)s of %(count)s orders") % {"share": share, "count": rule.min_rated}


def _passed(rule: AutoApprovalRule, trials: Sequence[Trial]) -> str:
    mine = [one for one in trials if one.instruction.kind == rule.kind]
    passed = sum(not one.says(rule) for one in mine)
    return _("%(passed)s of %(count)s") % {"passed": passed, "count": len(mine)} if mine else ""


def _trials_table(
    facility: Facility, rules: Sequence[AutoApprovalRule], trials: Sequence[Trial]
) -> Table:
    tried = [one for one in rules if one.state in OPEN]
    return Table(
        key="trials",
        title=_("What they would have decided on the last orders"),
        columns=[
            columns.text(_("Order"), lambda one: title_of(one.instruction), href=_instruction_page),
            columns.text(_("Custodian"), lambda one: name_of(one.instruction.custodian)),
            columns.amount(_("Market value"), "instruction.market_value", facility.currency),
            columns.text(_("Coverage after"), _coverage),
            *(_verdict(rule) for rule in tried),
        ],
        rows=trials,
        empty=_("No order was carried out yet."),
        first_step=_("Rules are tried here on what was done, with the cover each order left."),
    )


def _instruction_page(trial: Trial) -> str:
    return reverse("portal:instruction", args=[trial.instruction.pk])


def _coverage(trial: Trial) -> str:
    return formats.ratio(trial.after.lending_value, trial.after.exposure)


def _verdict(rule: AutoApprovalRule) -> Column:
    def verdict(trial: Trial) -> str:
        if trial.instruction.kind != rule.kind:
            return ""
        found = trial.says(rule)
        return "; ".join(map(objection_in_words, found)) if found else str(_("approved"))

    label = f"{rule.get_kind_display()} v{rule.version}"
    return columns.words(label, verdict)

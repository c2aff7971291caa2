"""Rules that approve instructions of a facility by themselves: proposed, put in force, ended."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from lending.models import Facility
from parties.actors import Actor
from parties.roles import Role
from pledges.instruction_states import InstructionKind, RuleState
from pledges.models import AutoApprovalRule
from pledges.rules.approval import Bounds
from pledges.services.approval_rules import approve_rule, end_rule, propose_rule, refuse_rule
from portal.boards.rules import rules_board
from portal.queries.rules import list_rules, list_trials
from portal.web import fields
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page

MAKERS = (Role.PREPARER, Role.RISK_OFFICER)
CHECKERS = (Role.APPROVER, Role.RISK_OFFICER)
Rules = Sequence[AutoApprovalRule]


class Propose(ActForm[Rules]):
    """The next version of the rule for one kind of order."""

    name = "propose"
    button = gettext_lazy("Propose a rule")
    promise = gettext_lazy(
        "It approves nothing before another person puts it in force; that ends the version before."
    )
    kind = forms.ChoiceField(label=gettext_lazy("For"), choices=InstructionKind.choices)
    max_amount = fields.amount(gettext_lazy("Market value at most"))
    min_coverage = forms.DecimalField(
        label=gettext_lazy("Coverage afterwards, at least"),
        min_value=0,
        decimal_places=4,
        initial=Decimal("1.2"),
        help_text=gettext_lazy("lending value ÷ exposure, such as 1.2"),
    )
    min_rating = forms.DecimalField(
        label=gettext_lazy("Custodian’s share of orders in time, at least"),
        min_value=0,
        max_value=1,
        decimal_places=4,
        required=False,
        help_text=gettext_lazy("0 to 1; left empty it is not asked for"),
    )
    min_rated = forms.IntegerField(
        label=gettext_lazy("Orders the share rests on, at least"), min_value=0, initial=0
    )
    valid_from = fields.day(gettext_lazy("Valid from"))
    valid_until = fields.day(gettext_lazy("First day on which it approves nothing"))

    def choose(self) -> None:
        """Begin today."""
        self.fields["valid_from"].initial = self.ask.today
        self.fields["max_amount"].help_text = self.ask.facility.currency

    def carry_out(self, said: Said) -> object:
        """Propose it."""
        bounds = {name: said[name] for name in Bounds.__dataclass_fields__}
        return propose_rule(
            facility=self.ask.facility,
            kind=InstructionKind(said["kind"]),
            bounds=Bounds(**bounds),
            actor=self.ask.actor,
            now=self.ask.now,
        )


class OnRule(ActForm[Rules]):
    """An act on one rule in a state."""

    state: RuleState
    rule = fields.OneRow(gettext_lazy("Rule"))

    def choose(self) -> None:
        """Offer the rules in that state."""
        found = [one for one in self.subject if one.state == self.state]
        fields.offer_rows(self, "rule", found, _rule_label)


def _rule_label(rule: AutoApprovalRule) -> str:
    return f"{rule.get_kind_display()} v{rule.version}"


class PutInForce(OnRule):
    """The second person's yes."""

    name, state = "approve", RuleState.PROPOSED
    button = gettext_lazy("Put a rule in force")
    promise = gettext_lazy("You answer for what it approves: your authority must reach its amount.")

    def carry_out(self, said: Said) -> object:
        """Put it in force."""
        return approve_rule(rule=said["rule"], actor=self.ask.actor, now=self.ask.now)


class Refuse(OnRule):
    """The second person's no."""

    name, state, danger = "refuse", RuleState.PROPOSED, True
    button = gettext_lazy("Refuse a proposed rule")

    def carry_out(self, said: Said) -> object:
        """Turn it down."""
        return refuse_rule(rule=said["rule"], actor=self.ask.actor, now=self.ask.now)


class End(OnRule):
    """Every order waits for a person again."""

    name, state, danger = "end", RuleState.IN_FORCE, True
    button = gettext_lazy("End a rule")
    promise = gettext_lazy("Orders of its kind wait for a person from now on.")

    def carry_out(self, said: Said) -> object:
        """End it."""
        return end_rule(rule=said["rule"], actor=self.ask.actor, now=self.ask.now)


RULE_FORMS = (PutInForce, Refuse, Propose, End)


@working_page
def rules(request: HttpRequest, ask: Ask, facility_id: int) -> HttpResponse:
    """Show a facility's rules to its lender, tried on past orders; carry out one act on them."""
    if ask.actor.organisation_id != ask.facility.tenant_id:
        raise Http404
    found = list_rules(ask.actor, ask.facility)
    tried = attempt(request, ask, found, RULE_FORMS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:rules", facility_id=facility_id)
    forms_shown = tried.forms(found, _open_acts(ask.actor, ask.facility, found))
    trials = list_trials(ask.actor, ask.facility, now=ask.now)
    board = rules_board(ask.facility, found, trials, forms_shown)
    return show(request, ask, "portal/rules.html", board, status=tried.status)


def _open_acts(actor: Actor, facility: Facility, found: Rules) -> list[str]:
    """Return what the reader may do: nobody decides on the own proposal alone."""
    proposals = [one for one in found if one.state == RuleState.PROPOSED]
    others = any(one.maker_id != actor.person_id for one in proposals)
    in_force = any(one.state == RuleState.IN_FORCE for one in found)
    decides = actor.has_role(*CHECKERS)
    open_to = {
        PutInForce.name: decides and others,
        Refuse.name: decides and others,
        Propose.name: actor.has_role(*MAKERS),
        End.name: decides and in_force,
    }
    return [name for name, is_open in open_to.items() if is_open]

"""Early warnings, and the thresholds that a risk officer sets for a facility."""

from __future__ import annotations

from dataclasses import replace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from lending.models import Facility
from parties.roles import OrganisationKind, Role
from pledges.models import WarningThreshold
from pledges.rules.warnings import OF_FACILITIES
from pledges.services.early_warnings import set_threshold
from portal.boards.warnings import warnings_board
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page


class ThresholdForm(ActForm[Facility]):
    """From which value on a rule warns of the facility in view."""

    name, button = "threshold", gettext_lazy("Set a threshold")
    rule = forms.ChoiceField(
        label=gettext_lazy("Rule"), choices=[(rule.value, rule.label) for rule in OF_FACILITIES]
    )
    value = forms.DecimalField(
        label=gettext_lazy("Value"),
        decimal_places=4,
        help_text=gettext_lazy("shares as fractions, such as 0.75; days as they are"),
    )
    active = forms.BooleanField(label=gettext_lazy("On"), required=False, initial=True)

    def carry_out(self, said: Said) -> WarningThreshold:
        """Set it."""
        return set_threshold(
            facility=self.subject,
            rule=said["rule"],
            value=said["value"],
            active=said["active"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


@working_page
def warnings(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what the rules warn of; a risk officer sets thresholds of the facility in view."""
    board = warnings_board(ask.actor, ask.shell.facility)
    if ask.shell.facility is None or not _manages(ask):
        return show(request, ask, "portal/warnings.html", board)
    tried = attempt(request, ask, ask.facility, (ThresholdForm,))
    if tried.succeeded:
        return done(request, tried.words(), "portal:warnings")
    board = replace(board, forms=tried.forms(ask.facility))
    return show(request, ask, "portal/warnings.html", board, status=tried.status)


def _manages(ask: Ask) -> bool:
    is_lender = ask.actor.organisation_kind == OrganisationKind.LENDER
    return is_lender and ask.actor.has_role(Role.RISK_OFFICER)

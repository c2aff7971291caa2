"""Default and disposal: the list of cases, and one case with what the reader may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from lending.models import DefaultNotice
from lending.states import DefaultCause, NoticeState
from parties.roles import OrganisationKind, Role
from pledges.models import DisposalCase
from pledges.services.disposal.declare_default import declare_default, propose_default
from pledges.services.disposal.open_case import open_case
from pledges.states import DisposalTarget
from portal.boards.disposals import disposal_board, disposals_board
from portal.queries.disposals import get_case, get_notice, priced_on, read_case
from portal.web import case_endings, case_giving_up, case_offers, case_sales
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.case_form import CHECKER, MAKER, CaseForm, possible_acts
from portal.web.page import Ask, show, working_page

# What a sale is taken to bring, after its costs, where the restoring size is explained.
EXPECTED_SHARE = Decimal("0.95")


class NoticeForm(ActForm[Sequence[DefaultNotice]]):
    """One act on notices of default, out of those that stand; `told` says what follows."""

    roles: ClassVar[tuple[Role, ...]]
    told: ClassVar[str | Promise]

    def offer_notices(self, state: NoticeState) -> None:
        """Offer the notices in a state."""
        rows = [one for one in self.subject if one.state == state]
        choices = [(str(one.pk), f"{one.facility.code}: {one.reason}") for one in rows]
        self.offer_choices("notice", choices)

    def words(self, result: object) -> str:
        """Say what follows."""
        return str(self.told)


class Propose(NoticeForm):
    """A notice of default, for the facility in view."""

    name, roles = "propose", MAKER
    button = gettext_lazy("Propose a default")
    told = gettext_lazy("The default is proposed; another person declares it.")
    cause = forms.ChoiceField(label=gettext_lazy("Cause"), choices=DefaultCause.choices)
    reference = forms.CharField(label=gettext_lazy("Evidence"), max_length=80)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

    def carry_out(self, said: Said) -> DefaultNotice:
        """Propose it."""
        return propose_default(
            facility=self.ask.facility,
            cause=said["cause"],
            reference=said["reference"],
            reason=said["reason"],
            **self.ask.stamp,
        )


class Declare(NoticeForm):
    """A proposed notice to be given."""

    name, roles, danger = "declare", CHECKER, True
    button = gettext_lazy("Declare the default")
    told = gettext_lazy("The default is declared.")
    notice = forms.ChoiceField(label=gettext_lazy("Proposal"))

    def choose(self) -> None:
        """Offer what is proposed."""
        self.offer_notices(NoticeState.PROPOSED)

    def carry_out(self, said: Said) -> DefaultNotice:
        """Declare it."""
        notice = get_notice(self.ask.actor, said["notice"])
        return declare_default(notice=notice, **self.ask.stamp)


class Open(NoticeForm):
    """A case to be opened after a notice."""

    name, roles = "open", MAKER
    button = gettext_lazy("Open a case")
    told = gettext_lazy("The case is opened; another person lets selling begin.")
    notice = forms.ChoiceField(label=gettext_lazy("Default of"))
    target = forms.ChoiceField(label=gettext_lazy("To be sold"), choices=DisposalTarget.choices)

    def choose(self) -> None:
        """Offer what is declared."""
        self.offer_notices(NoticeState.DECLARED)

    def carry_out(self, said: Said) -> DisposalCase:
        """Open it."""
        notice = get_notice(self.ask.actor, said["notice"])
        return open_case(notice=notice, target=said["target"], **self.ask.stamp)


CASE_ACTS: tuple[type[CaseForm], ...] = (
    *(case_offers.Begin, case_offers.PutUp, case_offers.PlaceOffer),
    *(case_offers.PlaceBid, case_offers.Reveal),
    *(case_sales.Propose, case_sales.Accept, case_sales.Refuse),
    *(case_offers.Withdraw, case_giving_up.GiveUp, case_giving_up.KeepIt),
    *(case_giving_up.AskGivingUp, case_endings.Settle),
    *(case_endings.AskSurplus, case_endings.PaySurplus),
    *(case_endings.AskWriteOff, case_endings.ApproveWriteOff),
    *(case_endings.AskToHeal, case_endings.Heal, case_endings.Cancel),
)


@working_page
def disposals(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show the reader's cases; the lender's people propose and declare defaults and open cases."""
    board = disposals_board(ask.actor)
    tried = attempt(request, ask, board.notices, _open_acts(ask, board.notices))
    if tried.succeeded:
        return done(request, tried.words(), "portal:disposals")
    board = replace(board, forms=tried.forms(board.notices))
    return show(request, ask, "portal/disposals.html", board, status=tried.status)


def _open_acts(ask: Ask, notices: Sequence[DefaultNotice]) -> list[type[NoticeForm]]:
    """Return what the lender's people may do with notices as they stand."""
    if ask.actor.organisation_kind != OrganisationKind.LENDER:
        return []
    states = {one.state for one in notices}
    rules: list[tuple[type[NoticeForm], bool]] = [
        (Propose, ask.shell.facility is not None),
        (Declare, NoticeState.PROPOSED in states),
        (Open, NoticeState.DECLARED in states),
    ]
    return [kind for kind, makes_sense in rules if makes_sense and ask.actor.has_role(*kind.roles)]


@working_page
def disposal(request: HttpRequest, ask: Ask, case_id: int) -> HttpResponse:
    """Show one case with the forms of what its reader may do now; the borrower only reads."""
    case = get_case(ask.actor, case_id)
    as_of = priced_on(ask.actor, case.facility, ask.as_of)
    file = read_case(ask.actor, case_id, net_share=EXPECTED_SHARE, as_of=as_of)
    tried = attempt(request, ask, file, possible_acts(CASE_ACTS, ask.actor, file))
    if tried.succeeded:
        return done(request, tried.words(), "portal:disposal", case_id=case_id)
    board = disposal_board(file, tried.forms(file))
    return show(request, ask, "portal/disposal.html", board, status=tried.status)

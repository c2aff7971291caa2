"""One conversion, and its reversal by two persons."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from parties.actors import Actor
from pledges.models import ActRequest
from pledges.services.act_requests import (
    ASKERS,
    ask_reversal,
    carry_out_request,
    refuse_request,
    withdraw_request,
)
from pledges.services.disposal.acts import CHECKERS
from portal.boards.conversion import conversion_board
from portal.queries.conversions import ConversionDetail, get_conversion
from portal.web import fields
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, show, working_page


class AskReversal(ActForm[ConversionDetail]):
    """The first of two persons."""

    name = "ask"
    button = gettext_lazy("Ask for its reversal")
    promise = gettext_lazy(
        "For what was entered by mistake. Nothing is erased and nothing moves until another person "
        "reverses it: then what it made becomes again what it had taken."
    )
    reason = fields.reason()

    def carry_out(self, said: Said) -> ActRequest:
        """Ask for it."""
        return ask_reversal(
            conversion=self.subject.conversion,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class OnRequest(ActForm[ConversionDetail]):
    """A decision on the request that the page showed."""

    request = forms.IntegerField(widget=forms.HiddenInput)

    def choose(self) -> None:
        """Name the request that waits."""
        waiting = self.subject.waiting
        self.fields["request"].initial = waiting.pk if waiting else None

    def asked(self, said: Said) -> ActRequest:
        """Return the request that was shown, whatever became of it meanwhile."""
        return next(one for one in self.subject.requests if one.pk == said["request"])

    def clean_request(self) -> int:
        """Refuse a request of another conversion."""
        found: int = self.cleaned_data["request"]
        if found not in {one.pk for one in self.subject.requests}:
            raise forms.ValidationError(gettext_lazy("There is no such request here."))
        return found


class Reverse(OnRequest):
    """The second of two persons."""

    name, danger = "reverse", True
    button = gettext_lazy("Reverse it")
    promise = gettext_lazy(
        "The goods move back with it. Cover is judged now; your authority must reach the value."
    )

    def carry_out(self, said: Said) -> ActRequest:
        """Reverse it."""
        return carry_out_request(request=self.asked(said), **self.ask.stamp)


class RefuseReversal(OnRequest):
    """The second person's no."""

    name = "refuse"
    button = gettext_lazy("Refuse the reversal")
    note = fields.reason()

    def carry_out(self, said: Said) -> ActRequest:
        """Refuse it."""
        return refuse_request(
            request=self.asked(said), note=said["note"], actor=self.ask.actor, now=self.ask.now
        )


class WithdrawReversal(OnRequest):
    """The first person's change of mind."""

    name = "withdraw"
    button = gettext_lazy("Withdraw the request")

    def carry_out(self, said: Said) -> ActRequest:
        """Withdraw it."""
        return withdraw_request(request=self.asked(said), actor=self.ask.actor, now=self.ask.now)


REVERSAL_FORMS = (Reverse, RefuseReversal, WithdrawReversal, AskReversal)


@working_page
def conversion(request: HttpRequest, ask: Ask, conversion_id: uuid.UUID) -> HttpResponse:
    """Show one conversion; the lender's people reverse it, one asking and another doing it."""
    detail = get_conversion(ask.actor, conversion_id)
    tried = attempt(request, ask, detail, REVERSAL_FORMS)
    if tried.succeeded:
        return done(request, tried.words(), "portal:conversion", conversion_id=conversion_id)
    board = conversion_board(detail, tried.forms(detail, _open_acts(ask.actor, detail)))
    return show(request, ask, "portal/conversion.html", board, status=tried.status)


def _open_acts(actor: Actor, detail: ConversionDetail) -> list[str]:
    """Return what the reader may do: who asked does not decide."""
    if actor.organisation_id != detail.conversion.facility.tenant_id:
        return []
    waiting = detail.waiting
    decides = waiting is not None and waiting.maker_id != actor.person_id
    open_to = {
        AskReversal.name: waiting is None and detail.is_reversible and actor.has_role(*ASKERS),
        Reverse.name: decides and actor.has_role(*CHECKERS),
        RefuseReversal.name: decides and actor.has_role(*CHECKERS),
        WithdrawReversal.name: waiting is not None and actor.has_role(*ASKERS),
    }
    return [name for name, is_open in open_to.items() if is_open]

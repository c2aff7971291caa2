"""Goods and claims of a case that cannot be had: one person asks, another writes them off."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from pledges.models import ActRequest
from pledges.services.act_requests import ask_giving_up, carry_out_request, refuse_request
from pledges.states import RequestState
from portal import formats
from portal.queries.disposals import CaseFile
from portal.web import fields
from portal.web.acting import Choices, Said
from portal.web.case_form import CHECKER, MAKER, CaseForm, chosen, is_selling


class AskGivingUp(CaseForm):
    """The first of two persons."""

    name, roles = "ask_giving_up", MAKER
    button = gettext_lazy("Ask to give goods up")
    promise = gettext_lazy(
        "For what is gone, refused or worth nothing. It is written off when another person agrees."
    )
    position = forms.ChoiceField(label=gettext_lazy("What"))
    quantity = fields.quantity(gettext_lazy("Quantity"))
    reason = fields.reason()

    def choices(self) -> dict[str, Choices]:
        """Offer what is left."""
        return {
            "position": [
                (str(one.pk), f"{one.label}: {formats.quantity(one.remaining, one.unit)}")
                for one in self.subject.positions
            ]
        }

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """While the case sells and something is left."""
        return is_selling(file) and bool(file.positions)

    def carry_out(self, said: Said) -> ActRequest:
        """Ask for it."""
        return ask_giving_up(
            case=self.subject.case,
            position=chosen(self.subject.positions, said["position"]),
            quantity=said["quantity"],
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


def _waiting(file: CaseFile) -> list[ActRequest]:
    return [one for one in file.requests if one.state == RequestState.ASKED]


class OnRequest(CaseForm):
    """A decision on what was asked to be given up."""

    roles = CHECKER
    request = forms.ChoiceField(label=gettext_lazy("What"))

    def choices(self) -> dict[str, Choices]:
        """Offer what waits."""
        return {"request": [(str(one.pk), _label(one)) for one in _waiting(self.subject)]}

    @classmethod
    def possible(cls, file: CaseFile) -> bool:
        """Once somebody asked."""
        return is_selling(file) and bool(_waiting(file))


def _label(one: ActRequest) -> str:
    assert one.position is not None  # the database: a giving up names its position
    return f"{one.position.label}: {formats.quantity(one.quantity, one.position.unit)}"


class GiveUp(OnRequest):
    """The second of two persons."""

    name, danger = "give_up", True
    button = gettext_lazy("Give it up")
    promise = gettext_lazy("It is written off at once; your authority must reach its market value.")

    def carry_out(self, said: Said) -> ActRequest:
        """Write it off."""
        asked = chosen(_waiting(self.subject), said["request"])
        return carry_out_request(request=asked, **self.ask.stamp)


class KeepIt(OnRequest):
    """The second person's no."""

    name = "keep"
    button = gettext_lazy("Refuse to give it up")
    note = fields.reason()

    def carry_out(self, said: Said) -> ActRequest:
        """Refuse it."""
        asked = chosen(_waiting(self.subject), said["request"])
        return refuse_request(
            request=asked, note=said["note"], actor=self.ask.actor, now=self.ask.now
        )

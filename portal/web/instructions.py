"""Instructions: the queue, one of them with its acts, a new one, and the figures."""

from __future__ import annotations

from dataclasses import replace

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from pledges.services.approvals import (
    approve_instruction,
    refuse_instruction,
    withdraw_instruction,
)
from pledges.services.custody import (
    acknowledge_instruction,
    decline_instruction,
    execute_instruction,
    give_evidence,
)
from portal.boards.instruction import instruction_board
from portal.boards.instructions import queue_board, statistics_board
from portal.queries.instructions import get_instruction
from portal.web.acting import ActForm, Said, attempt, done
from portal.web.page import Ask, page, show, working_page


class InstructionForm(ActForm[Instruction]):
    """One act on an instruction; `promise` says what it does."""

    def words(self, result: Instruction) -> str:
        """Say where the instruction stands."""
        state = InstructionState(result.state).label
        return _("%(number)s: %(state)s") % {"number": result.number, "state": state}


class ReasonForm(InstructionForm):
    """An act that needs its reason."""

    danger = True
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class Approve(InstructionForm):
    """The lender's yes."""

    name = "approve"
    button = gettext_lazy("Approve and send")
    promise = gettext_lazy(
        "The order goes to the custodian. Nothing is released before it is executed there, and "
        "cover is judged again then."
    )
    reason = forms.CharField(label=gettext_lazy("Remark"), max_length=300, required=False)

    def carry_out(self, said: Said) -> Instruction:
        """Approve it."""
        return approve_instruction(
            instruction=self.subject,
            reason=said["reason"],
            idempotency_key=said["key"],
            **self.ask.stamp,
        )


class Refuse(ReasonForm):
    """The lender's no."""

    name, button = "refuse", gettext_lazy("Refuse")

    def carry_out(self, said: Said) -> Instruction:
        """Refuse it."""
        return refuse_instruction(
            instruction=self.subject,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Withdraw(ReasonForm):
    """The asker's change of mind."""

    name, button = "withdraw", gettext_lazy("Withdraw")

    def carry_out(self, said: Said) -> Instruction:
        """Withdraw it."""
        return withdraw_instruction(
            instruction=self.subject,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class Acknowledge(InstructionForm):
    """The custodian has the order."""

    name, button = "acknowledge", gettext_lazy("Acknowledge")
    promise = gettext_lazy("You confirm that you have this order and can carry it out.")

    def carry_out(self, said: Said) -> Instruction:
        """Acknowledge it."""
        return acknowledge_instruction(
            instruction=self.subject, actor=self.ask.actor, now=self.ask.now
        )


class Execute(InstructionForm):
    """The custodian carries it out."""

    name, button = "execute", gettext_lazy("Execute")
    promise = gettext_lazy(
        "The hold falls or stands at once. If cover does not allow it any more, it is refused "
        "and nothing may leave."
    )

    def carry_out(self, said: Said) -> Instruction:
        """Execute it."""
        return execute_instruction(
            instruction=self.subject, idempotency_key=said["key"], **self.ask.stamp
        )


class Decline(ReasonForm):
    """The custodian cannot."""

    name, button = "decline", gettext_lazy("Decline")

    def carry_out(self, said: Said) -> Instruction:
        """Decline it."""
        return decline_instruction(
            instruction=self.subject,
            reason=said["reason"],
            actor=self.ask.actor,
            now=self.ask.now,
        )


class GiveEvidence(InstructionForm):
    """The custodian's papers."""

    name, button = "evidence", gettext_lazy("Give evidence")
    reference = forms.CharField(label=gettext_lazy("Document"), max_length=120)
    sha256 = forms.CharField(
        label=gettext_lazy("SHA-256 of the document"), max_length=80, strip=True
    )
    photos = forms.CharField(
        label=gettext_lazy("SHA-256 of photos, one a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def carry_out(self, said: Said) -> Instruction:
        """Give it."""
        return give_evidence(
            instruction=self.subject,
            reference=said["reference"],
            sha256=said["sha256"],
            photos=said["photos"].split(),
            actor=self.ask.actor,
            now=self.ask.now,
        )


ACTS = (Approve, Refuse, Acknowledge, Execute, GiveEvidence, Decline, Withdraw)


@page
def instructions(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show what waits for the reader, and every instruction the reader may see."""
    board = queue_board(
        ask.actor, on=ask.today, now=ask.now, may_ask=ask.shell.facility is not None
    )
    return show(request, ask, "portal/instructions.html", board)


@working_page
def instruction(request: HttpRequest, ask: Ask, instruction_id: int) -> HttpResponse:
    """Show one instruction, and carry out what the reader does about it."""
    one = get_instruction(ask.actor, instruction_id)
    tried = attempt(request, ask, one, ACTS)
    if tried.succeeded:
        _warn_of_refusal(request, tried.result)
        return done(request, tried.words(), "portal:instruction", instruction_id=one.pk)
    if tried.form:  # what spoke against it may have changed it meanwhile
        one = get_instruction(ask.actor, instruction_id)
    board = instruction_board(ask.actor, one, on=ask.today, now=ask.now)
    board = replace(board, forms=tried.forms(one, board.acts))
    return show(request, ask, "portal/instruction.html", board, status=tried.status)


def _warn_of_refusal(request: HttpRequest, one: object) -> None:
    """Say why an instruction that was tried failed all the same."""
    if isinstance(one, Instruction) and one.state == InstructionState.FAILED:
        why = one.refusal.get("message", "")
        messages.error(request, _("Refused, nothing was moved: %(why)s") % {"why": why})


@page
def statistics(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show how long each step takes, and who keeps the four hours."""
    board = statistics_board(ask.actor, now=ask.now)
    return show(request, ask, "portal/instruction_statistics.html", board)

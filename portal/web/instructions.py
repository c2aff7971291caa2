"""Instructions: the queue, one of them with its acts, a new one, and the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
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
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, page, show, working_page


class PlainForm(ActionForm):
    """An act that needs no more than the click; `promise` says what it does."""

    promise: ClassVar[str | Promise] = ""


class ReasonForm(PlainForm):
    """An act that needs its reason."""

    danger = True
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class ApproveForm(PlainForm):
    """The lender's yes."""

    button = gettext_lazy("Approve and send")
    promise = gettext_lazy(
        "The order goes to the custodian. Nothing is released before it is executed there, and "
        "cover is judged again then."
    )
    reason = forms.CharField(label=gettext_lazy("Remark"), max_length=300, required=False)


class RefuseForm(ReasonForm):
    """The lender's no."""

    button = gettext_lazy("Refuse")


class WithdrawForm(ReasonForm):
    """The asker's change of mind."""

    button = gettext_lazy("Withdraw")


class AcknowledgeForm(PlainForm):
    """The custodian has the order."""

    button = gettext_lazy("Acknowledge")
    promise = gettext_lazy("You confirm that you have this order and can carry it out.")


class ExecuteForm(PlainForm):
    """The custodian carries it out."""

    button = gettext_lazy("Execute")
    promise = gettext_lazy(
        "The hold falls or stands at once. If cover does not allow it any more, it is refused "
        "and nothing may leave."
    )


class DeclineForm(ReasonForm):
    """The custodian cannot."""

    button = gettext_lazy("Decline")


class EvidenceForm(PlainForm):
    """The custodian's papers."""

    button = gettext_lazy("Give evidence")
    reference = forms.CharField(label=gettext_lazy("Document"), max_length=120)
    sha256 = forms.CharField(
        label=gettext_lazy("SHA-256 of the document"), max_length=80, strip=True
    )
    photos = forms.CharField(
        label=gettext_lazy("SHA-256 of photos, one a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


Service = Callable[[Ask, Instruction, dict[str, Any]], Instruction]


def _approve(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return approve_instruction(
        instruction=one,
        actor=ask.actor,
        on=ask.today,
        now=ask.now,
        reason=said["reason"],
        idempotency_key=said["key"],
    )


def _refuse(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return refuse_instruction(instruction=one, reason=said["reason"], actor=ask.actor, now=ask.now)


def _withdraw(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return withdraw_instruction(
        instruction=one, reason=said["reason"], actor=ask.actor, now=ask.now
    )


def _acknowledge(ask: Ask, one: Instruction, _said: dict[str, Any]) -> Instruction:
    return acknowledge_instruction(instruction=one, actor=ask.actor, now=ask.now)


def _decline(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return decline_instruction(instruction=one, reason=said["reason"], actor=ask.actor, now=ask.now)


def _execute(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return execute_instruction(
        instruction=one,
        actor=ask.actor,
        on=ask.today,
        now=ask.now,
        idempotency_key=said["key"],
    )


def _evidence(ask: Ask, one: Instruction, said: dict[str, Any]) -> Instruction:
    return give_evidence(
        instruction=one,
        reference=said["reference"],
        sha256=said["sha256"],
        photos=said["photos"].split(),
        actor=ask.actor,
        now=ask.now,
    )


ACTS: dict[str, tuple[type[PlainForm], Service]] = {
    "approve": (ApproveForm, _approve),
    "refuse": (RefuseForm, _refuse),
    "acknowledge": (AcknowledgeForm, _acknowledge),
    "execute": (ExecuteForm, _execute),
    "evidence": (EvidenceForm, _evidence),
    "decline": (DeclineForm, _decline),
    "withdraw": (WithdrawForm, _withdraw),
}


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
    sent = {name: form for name, (form, _service) in ACTS.items() if f"{name}-key" in request.POST}
    bound: dict[str, forms.Form] = {}
    for name, kind in sent.items():
        form, service = kind(request.POST, prefix=name), ACTS[name][1]
        result = submit(form, partial(service, ask, one))
        if result is not None:
            return _said(request, result)
        bound[name] = form
    if bound:  # what spoke against it may have changed it meanwhile
        one = get_instruction(ask.actor, instruction_id)
    board = instruction_board(ask.actor, one, on=ask.today, now=ask.now)
    drawn = [(name, bound.get(name) or ACTS[name][0](prefix=name)) for name in board.acts]
    # What was refused is shown with its reason, even where the act is no longer open.
    drawn += [(name, form) for name, form in bound.items() if name not in board.acts]
    board = replace(board, forms=drawn)
    status = status_of(*bound.values())
    return show(request, ask, "portal/instruction.html", board, status=status)


def _said(request: HttpRequest, one: Instruction) -> HttpResponse:
    state = InstructionState(one.state)
    if state == InstructionState.FAILED:
        messages.error(
            request,
            _("Refused, nothing was moved: %(why)s") % {"why": one.refusal.get("message", "")},
        )
    words = _("%(number)s: %(state)s") % {"number": one.number, "state": state.label}
    return done(request, words, "portal:instruction", instruction_id=one.pk)


@page
def statistics(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Show how long each step takes, and who keeps the four hours."""
    board = statistics_board(ask.actor, now=ask.now)
    return show(request, ask, "portal/instruction_statistics.html", board)

"""How a page acts: form → one service → a message and another page, or the refusal at its field.

A view that acts reads like this::

    @working_page
    def instruction(request, ask, instruction_id):
        form = RefusalForm(request.POST or None, prefix="refuse")
        if request.method == "POST" and submit(
            form, lambda said: refuse(..., reason=said["reason"], actor=ask.actor, now=ask.now)
        ):
            return done(request, _("The instruction is refused."), "portal:instructions")
        board = instruction_board(ask.actor, instruction_id, form)
        return show(request, ask, "portal/instruction.html", board, status=status_of(form))

Forms derive from `ActionForm`, are drawn by `portal/parts/form.html` and carry their own
idempotency key (`said["key"]`): a second click with the same page has the effect of one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.functional import Promise

from common.errors import Refusal

_Result = TypeVar("_Result")
UNPROCESSABLE = 422


class ActionForm(forms.Form):
    """A form that asks one service for one act. `button` names the act; `danger` paints it red."""

    key = forms.CharField(max_length=80, widget=forms.HiddenInput)
    button: ClassVar[str | Promise] = ""
    danger: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Draw every field in the portal's look; a fresh page gets a fresh key."""
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid.uuid4().hex
        for field in self.visible_fields():
            widget = field.field.widget
            is_tick = isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple)
            is_choice = isinstance(widget, forms.Select)
            look = "form-check-input" if is_tick else "form-select" if is_choice else "form-control"
            widget.attrs.setdefault("class", look)


def submit(form: forms.Form, service: Callable[[dict[str, Any]], _Result]) -> _Result | None:
    """Ask the service with what the form says; None if the form or the service refuses.

    A refusal becomes the form's error, at the field it names if the form has that field. A
    service without a result of its own must return something true.
    """
    if not form.is_valid():
        return None
    try:
        return service(form.cleaned_data)
    except Refusal as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, refusal.message)
        return None


def status_of(*form_or_forms: forms.Form) -> int:
    """Return 422 where one of the forms was sent and could not be carried out, else 200."""
    sent_in_vain = any(form.is_bound and form.errors for form in form_or_forms)
    return UNPROCESSABLE if sent_in_vain else 200


def done(request: HttpRequest, message: str, to: str, **kwargs: Any) -> HttpResponseRedirect:
    """Say what was done and go on to a page (303 by nature: reloading it sends nothing again)."""
    messages.success(request, message)
    response = HttpResponseRedirect(resolve_url(to, **kwargs))
    response.status_code = 303
    return response

"""How a page acts: form → one service → a message and another page, or the refusal at its field.

An act is an `ActForm` of the page's subject: `name` tells the acts of a page apart, `carry_out`
asks its one service. A view lists its acts and reads like this::

    class Refuse(ActForm[Instruction]):
        name, button, danger = "refuse", gettext_lazy("Refuse"), True
        reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)

        def carry_out(self, said: Said) -> Instruction:
            return refuse_instruction(instruction=self.subject, reason=said["reason"], ...)

    @working_page
    def instruction(request, ask, instruction_id):
        one = get_instruction(ask.actor, instruction_id)
        tried = attempt(request, ask, one, (Approve, Refuse))
        if tried.succeeded:
            return done(request, tried.words(), "portal:instruction", instruction_id=one.pk)
        board = instruction_board(ask.actor, one)
        forms = tried.forms(one, board.acts)  # those open to the reader, by name
        return show(request, ask, "portal/instruction.html", board, status=tried.status)

The page draws each with `portal/parts/form.html`. Forms carry their own idempotency key
(`said["key"]`): a second click with the same page has the effect of one. A page with a single form
and no acts to tell apart asks its service by `submit`.
"""

from __future__ import annotations

import uuid
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.forms.forms import DeclarativeFieldsMetaclass
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from common.errors import Refusal
from portal.web.page import Ask

Said = Mapping[str, Any]
Choices = Sequence[tuple[str, str]]
_Result = TypeVar("_Result")
_Subject = TypeVar("_Subject")
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


class AbstractForm(ABCMeta, DeclarativeFieldsMetaclass):
    """Lets a form have abstract methods beside its fields."""


class ActForm(ActionForm, Generic[_Subject], metaclass=AbstractForm):
    """One of a page's acts on `subject`, as `ask` may do it."""

    name: ClassVar[str]
    promise: ClassVar[str | Promise] = ""

    def __init__(self, ask: Ask, subject: _Subject, data: Said | None = None) -> None:
        """Take what was sent only if this act was sent."""
        super().__init__(data if data and sent(data, self.name) else None, prefix=self.name)
        self.ask, self.subject = ask, subject
        self.choose()

    def choose(self) -> None:
        """Set the fields' choices and first values by the subject."""

    def offer_choices(self, field: str, choices: Choices) -> None:
        """Offer choices at a field."""
        found = self.fields[field]
        assert isinstance(found, forms.ChoiceField)
        found.choices = list(choices)

    @abstractmethod
    def carry_out(self, said: Said) -> object:
        """Ask the service; its refusal is the caller's matter, its result is true."""

    def words(self, result: Any) -> str:
        """Say what was done."""
        return _("Done: %s.") % self.button


def sent(data: Said, name: str) -> bool:
    """Tell whether the act of that name was sent."""
    return f"{name}-key" in data


@dataclass(frozen=True, slots=True)
class Attempt(Generic[_Subject]):
    """What came of a request: nothing was sent, or one form with its result or its errors."""

    ask: Ask
    kinds: Sequence[type[ActForm[_Subject]]]
    form: ActForm[_Subject] | None = None
    result: object = None

    @property
    def succeeded(self) -> bool:
        """Whether an act was carried out."""
        return self.result is not None

    @property
    def status(self) -> int:
        """200, or 422 where something was sent and could not be carried out."""
        return status_of(self.form) if self.form else 200

    def words(self) -> str:
        """Say what was done."""
        return self.form.words(self.result) if self.form else ""

    def forms(
        self, subject: _Subject, names: Collection[str] | None = None
    ) -> list[ActForm[_Subject]]:
        """Return the forms to draw, in the page's order: those named, or all.

        The one that was refused keeps what was said, and is shown with its reason even where the
        act is not open to the reader (any more).
        """
        return [
            self.form if isinstance(self.form, kind) else kind(self.ask, subject)
            for kind in self.kinds
            if isinstance(self.form, kind) or names is None or kind.name in names
        ]


def attempt(
    request: HttpRequest,
    ask: Ask,
    subject: _Subject,
    kinds: Sequence[type[ActForm[_Subject]]],
) -> Attempt[_Subject]:
    """Carry out the act that was sent, if any; 404 if it is none of the page's."""
    if request.method != "POST":
        return Attempt(ask, kinds)
    kind = next((one for one in kinds if sent(request.POST, one.name)), None)
    if kind is None:
        raise Http404
    form = kind(ask, subject, request.POST)
    return Attempt(ask, kinds, form, submit(form, form.carry_out))


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

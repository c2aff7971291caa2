"""Asking for goods to be pledged, given back or swapped."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.instruction_states import InstructionState
from pledges.models import Instruction
from pledges.services.double_pledge import claim_or_alarm
from pledges.services.instructions import request_instruction
from portal.boards.wish import goods_choices, goods_of, read_wish, wish_board, wish_preview
from portal.queries.instructions import Goods
from portal.web.acting import ActionForm, done, status_of, submit
from portal.web.page import Ask, page, show, working_page


def _quantity(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, max_digits=24, decimal_places=6, min_value=0
    )


class WishForm(ActionForm):
    """Goods out, goods in, or both: a release, a pledge or a swap."""

    button = gettext_lazy("Ask for it")
    give = forms.ChoiceField(label=gettext_lazy("Give back"), required=False)
    give_quantity = _quantity(gettext_lazy("Quantity given back"))
    bring = forms.ChoiceField(label=gettext_lazy("Pledge"), required=False)
    bring_quantity = _quantity(gettext_lazy("Quantity pledged"))
    reason = forms.CharField(label=gettext_lazy("What for"), max_length=300)

    def __init__(self, *args: Any, goods: Goods, **kwargs: Any) -> None:
        """Offer the goods of the facility."""
        super().__init__(*args, **kwargs)
        give, bring = goods_choices(goods)
        for name, choices in (("give", give), ("bring", bring)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices


@working_page
def instruction_new(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Ask for goods of the facility in view; `?lot=` puts one lot's goods first."""
    asked_lot = request.GET.get("lot", "")
    lot_id = int(asked_lot) if asked_lot.isdigit() else None
    goods = goods_of(ask.actor, ask.facility, lot_id)
    initial = {
        "give": str(goods.positions[0].pk)
        if lot_id and goods.positions and goods.positions[0].lot_id == lot_id
        else "",
    }
    form = WishForm(request.POST or None, goods=goods, initial=initial)
    if request.method == "POST":
        made = submit(form, lambda said: _request(ask, goods, said))
        if made is not None:
            sent = made.state == InstructionState.INSTRUCTED
            words = (
                _("%(number)s is approved by rule and sent.")
                if sent
                else _("%(number)s waits for the lender.")
            )
            message = words % {"number": made.number}
            return done(request, message, "portal:instruction", instruction_id=made.pk)
    board = wish_board(ask.actor, ask.facility, goods, form, lot_id)
    return show(request, ask, "portal/instruction_new.html", board, status=status_of(form))


def _request(ask: Ask, goods: Goods, said: dict[str, Any]) -> Instruction:
    wish = read_wish(goods, said)

    def service() -> Instruction:
        return request_instruction(
            facility=ask.facility,
            kind=wish.kind,
            give=wish.give,
            bring=wish.bring,
            reason=said["reason"],
            idempotency_key=said["key"],
            **ask.stamp,
        )

    return claim_or_alarm(service, facility=ask.facility, actor=ask.actor, now=ask.now)


@page
def instruction_preview(request: HttpRequest, ask: Ask) -> HttpResponse:
    """Say what the half-filled form would do to cover; it writes nothing."""
    goods = goods_of(ask.actor, ask.facility, None)
    form = WishForm({"key": "preview", "reason": "preview", **request.GET.dict()}, goods=goods)
    rows = None
    if form.is_valid():
        wish = read_wish(goods, form.cleaned_data)
        rows = wish_preview(ask.actor, ask.facility, wish, on=ask.today)
    return render(request, "portal/parts/wish_preview.html", {"rows": rows})

"""Forms that act: one service, one key, and a refusal at the field it names."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.http import Http404
from django.test import RequestFactory

from common.errors import Refusal
from parties.actors import system_actor
from portal.queries.shell import Shell
from portal.web.acting import ActForm, ActionForm, Attempt, Said, attempt, status_of, submit
from portal.web.page import Ask

EMPTY = Shell("", "", "", (), None, None, 0, 0, 0)


class Say(ActionForm):
    """A form with one field of its own."""

    reason = forms.CharField()
    button = "Say"


class TooShort(Refusal):
    """A refusal for the test."""

    code = "too_short"


def refuse(field: str) -> Any:
    def service(_said: dict[str, Any]) -> bool:
        raise TooShort(message="short 12.5 t", field=field)

    return service


def test_each_page_carries_a_key_of_its_own() -> None:
    first, second = Say(), Say()

    assert first["key"].value() != second["key"].value()
    assert first.fields["reason"].widget.attrs["class"] == "form-control"


def test_a_service_is_asked_with_what_the_form_says() -> None:
    form = Say({"key": "k1", "reason": "sold"})

    assert submit(form, lambda said: said) == {"key": "k1", "reason": "sold"}
    assert status_of(form) == 200


def test_an_incomplete_form_asks_nobody() -> None:
    form = Say({"key": "k1"})

    assert submit(form, refuse("reason")) is None
    assert list(form.errors) == ["reason"]
    assert status_of(Say(), form) == 422


def test_a_refusal_stands_at_its_field_or_above_the_form() -> None:
    at_field, above = Say({"key": "k", "reason": "x"}), Say({"key": "k", "reason": "x"})

    submit(at_field, refuse("reason"))
    submit(above, refuse("lot"))

    assert at_field.errors["reason"] == ["short 12.5 t"]
    assert above.non_field_errors() == ["short 12.5 t"]
    assert status_of(above) == 422


class Sell(ActForm[str]):
    """An act on a name."""

    name, button = "sell", "Sell"
    price = forms.IntegerField()

    def carry_out(self, said: Said) -> str:
        if said["price"] < 1:
            raise TooShort(message="below 1", field="price")
        return f"{self.subject} at {said['price']}"


class Keep(ActForm[str]):
    """An act without a field of its own."""

    name, button = "keep", "Keep"

    def carry_out(self, said: Said) -> bool:
        return True


def tried(**data: str) -> Attempt[str]:
    request = RequestFactory().post("/", data) if data else RequestFactory().get("/")
    asked = Ask(actor=system_actor("test"), shell=EMPTY, now=datetime(2016, 3, 2, 3, tzinfo=UTC))
    return attempt(request, asked, "copper", (Sell, Keep))


def test_the_act_that_was_sent_is_carried_out() -> None:
    acted = tried(**{"sell-key": "k", "sell-price": "7"})

    assert acted.succeeded
    assert (acted.result, acted.words(), acted.status) == ("copper at 7", "Done: Sell.", 200)


def test_a_refused_act_keeps_what_was_said_even_where_it_is_not_open() -> None:
    acted = tried(**{"sell-key": "k", "sell-price": "0"})

    assert not acted.succeeded
    assert acted.status == 422
    drawn = acted.forms("copper", ["keep"])
    assert [form.name for form in drawn] == ["sell", "keep"]
    assert drawn[0].errors["price"] == ["below 1"]
    assert not drawn[1].is_bound


def test_a_page_that_is_read_draws_the_named_acts() -> None:
    assert [form.name for form in tried().forms("copper")] == ["sell", "keep"]
    assert [form.name for form in tried().forms("copper", ["keep"])] == ["keep"]
    assert tried().status == 200


def test_what_is_no_act_of_the_page_is_not_found() -> None:
    with pytest.raises(Http404):
        tried(other="1")


def test_an_act_without_its_service_cannot_be_made() -> None:
    class Idle(ActForm[str]):
        name = "idle"

    with pytest.raises(TypeError, match="abstract"):
        Idle(tried().ask, "copper")

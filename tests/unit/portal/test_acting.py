"""Forms that act: one service, one key, and a refusal at the field it names."""

from typing import Any

from django import forms

from common.errors import Refusal
from portal.web.acting import ActionForm, status_of, submit


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

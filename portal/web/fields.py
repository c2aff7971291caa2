"""The fields that forms share: a day, an instant, a reason, a choice of rows by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.names import name_of

Label = Any
# What a browser's own date fields read, in every language of the page.
DAY, MINUTE = "%Y-%m-%d", "%Y-%m-%dT%H:%M"
LEAST = Decimal("0.000001")


def day(label: Label, **more: Any) -> forms.DateField:
    """Return a field for a date."""
    widget = forms.DateInput(attrs={"type": "date"}, format=DAY)
    return forms.DateField(label=label, widget=widget, input_formats=[DAY], **more)


def moment(label: Label, **more: Any) -> forms.DateTimeField:
    """Return a field for an instant in UTC."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTE)
    return forms.DateTimeField(label=label, widget=widget, **more)


def reason(**more: Any) -> forms.CharField:
    """Return the field in which the actor says why."""
    return forms.CharField(label=gettext_lazy("Reason"), max_length=300, **more)


def quantity(label: Label, **more: Any) -> forms.DecimalField:
    """Return a field for a quantity above nothing, in the unit of the goods."""
    limits: dict[str, Any] = {"max_digits": 24, "decimal_places": 6, "min_value": LEAST}
    return forms.DecimalField(label=label, **(limits | more))


def amount(label: Label, **more: Any) -> forms.DecimalField:
    """Return a field for an amount of money, not below nothing."""
    limits: dict[str, Any] = {"max_digits": 20, "decimal_places": 4, "min_value": 0}
    return forms.DecimalField(label=label, **(limits | more))


def tick(label: Label, **more: Any) -> forms.BooleanField:
    """Return a box that may stay empty."""
    return forms.BooleanField(label=label, required=False, **more)


class OneRow(forms.ChoiceField):
    """One of the rows that a query found; what is chosen is the row itself."""

    rows: Mapping[str, Any] = {}

    def __init__(self, label: Label, **more: Any) -> None:
        """Offer nothing until `offer` is called."""
        super().__init__(label=label, **more)

    def offer(self, rows: Iterable[Any], label: Callable[[Any], str]) -> None:
        """Offer these rows, each by its label, and none of them where none is needed."""
        self.rows = {str(row.pk): row for row in rows}
        choices = [(key, label(row)) for key, row in self.rows.items()]
        self.choices = choices if self.required else [("", "–"), *choices]

    def clean(self, value: Any) -> Any:
        """Return the row."""
        return self.rows.get(super().clean(value))


class SomeRows(forms.MultipleChoiceField):
    """Some of the rows that a query found; what is chosen is a list of them."""

    rows: Mapping[str, Any] = {}

    def __init__(self, label: Label, **more: Any) -> None:
        """Offer nothing until `offer` is called."""
        super().__init__(label=label, widget=forms.SelectMultiple(attrs={"size": 4}), **more)

    def offer(self, rows: Iterable[Any], label: Callable[[Any], str]) -> None:
        """Offer these rows, each by its label."""
        self.rows = {str(row.pk): row for row in rows}
        self.choices = [(key, label(row)) for key, row in self.rows.items()]

    def clean(self, value: Any) -> list[Any]:
        """Return the rows."""
        return [self.rows[key] for key in super().clean(value)]


def offer_rows(
    form: forms.Form, name: str, rows: Iterable[Any], label: Callable[[Any], str] = name_of
) -> None:
    """Fill one field of a form with rows to choose from."""
    field = form.fields[name]
    assert isinstance(field, OneRow | SomeRows)
    field.offer(rows, label)

"""Columns that many tables share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from portal import formats
from portal.names import person_name
from portal.tables import Column, Text

NO_BREAK = "\N{NO-BREAK SPACE}"
Get = str | Callable[[Any], Any]


def _getter(get: Get) -> Callable[[Any], Any]:
    return attrgetter(get) if isinstance(get, str) else get


def text(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of words."""
    return Column(label, _getter(get), show=lambda value: str(value or ""), wrap=True, **more)


def person(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of people by their full names."""
    return Column(label, _getter(get), show=person_name, wrap=True, **more)


def words(label: Text, get: Get, **more: Any) -> Column:
    """Return a wide column of sentences."""
    return text(label, get, wide=True, **more)


def amount(label: Text, get: Get, currency: str, **more: Any) -> Column:
    """Return a column of money; the currency stands once, in the heading."""
    return Column(label, _getter(get), show=formats.money, unit=currency, numeric=True, **more)


def change(label: Text, get: Get, currency: str, **more: Any) -> Column:
    """Return a column of changes of money with their sign; nothing where nothing changed."""
    return Column(label, _getter(get), show=_signed, unit=currency, numeric=True, **more)


def _signed(value: Decimal | None) -> str:
    if not value:
        return formats.EMPTY
    return ("+" if value > 0 else "") + formats.money(value)


def share(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of percentages."""
    return Column(label, _getter(get), show=formats.percent, numeric=True, **more)


def quantity(label: Text, get: Get, unit: Get, **more: Any) -> Column:
    """Return a column of quantities of different units: the unit stands in each cell."""
    value, code = _getter(get), _getter(unit)
    return Column(
        label,
        value,
        show_row=lambda row: formats.quantity(value(row), code(row)),
        numeric=True,
        **more,
    )


def count(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of whole numbers."""
    return Column(label, _getter(get), show=_whole, numeric=True, **more)


def _whole(value: int | None) -> str:
    return formats.EMPTY if value is None else f"{value:,}"


def day(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of dates."""
    return Column(label, _getter(get), show=formats.day, **more)


def instant(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of instants with their zone; day and hour stay whole."""
    return when(label, get, **more)


def when(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of days and instants; a day stays whole, and so does an hour."""
    return Column(label, _getter(get), show=_when, wrap=True, **more)


def _when(value: datetime | date | None) -> str:
    if not isinstance(value, datetime):
        return formats.day(value).replace(" ", NO_BREAK)
    day, hour, zone = formats.instant(value).rsplit(" ", 2)
    return f"{day.replace(' ', NO_BREAK)} {hour}{NO_BREAK}{zone}"


def moment(label: Text, get: Get, **more: Any) -> Column:
    """Return a narrow column of instants: the day, the hour beneath."""
    value = _getter(get)
    return Column(
        label,
        value,
        show=lambda at: formats.day(at.date()),
        sub=lambda row: formats.hour(value(row)),
        **more,
    )


def band(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of bands: icon, colour and word."""
    return Column(label, _getter(get), chip="band", **more)


def right(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of rights: colour and word."""
    return Column(label, _getter(get), chip="right", **more)


def state(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of states in words."""
    return Column(label, _getter(get), chip="state", **more)


def meter(label: Text, get: Get, **more: Any) -> Column:
    """Return a column of shares drawn as a bar with its percentage."""
    return Column(label, _getter(get), show=formats.percent, chip="meter", **more)

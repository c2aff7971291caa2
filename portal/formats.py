"""Numbers, dates and units as people read them; exact values stay in CSV and on focus."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

EMPTY = "–"
# UN/CEFACT Recommendation 20 codes of the goods that are financed here.
UNITS = {
    "TNE": gettext_lazy("t"),
    "KGM": gettext_lazy("kg"),
    "GRM": gettext_lazy("g"),
    "LBR": gettext_lazy("lb"),
    "APZ": gettext_lazy("oz t"),
    "C62": gettext_lazy("pcs"),
    "H87": gettext_lazy("pcs"),
    "BLL": gettext_lazy("bbl"),
    "MTR": gettext_lazy("m"),
}


def unit_label(code: str) -> str:
    """Return the symbol of a UN/CEFACT unit; a currency or unknown code stands for itself."""
    return str(UNITS.get(code, code))


def money(amount: Decimal | None, places: int = 2) -> str:
    """Return an amount with separators, half a cent rounded away from zero; a dash for none."""
    if amount is None:
        return EMPTY
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{rounded:,}".replace("-", "−")


def large_money(amount: Decimal | None) -> str:
    """Return an amount for a headline: whole units from 100,000 on, cents below."""
    if amount is None:
        return EMPTY
    return money(amount, 0 if abs(amount) >= 100_000 else 2)


def statement(amount: Decimal | None) -> str:
    """Return an amount of an account statement: negative in parentheses."""
    if amount is None:
        return EMPTY
    return f"({money(-amount)})" if amount < 0 else money(amount)


def number(value: Decimal | None, places: int = 3) -> str:
    """Return a quantity without trailing zeros, at most `places` decimals."""
    if value is None:
        return EMPTY
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{rounded:,}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def quantity(value: Decimal | None, unit: str) -> str:
    """Return a quantity with its unit, money claims with their currency's cents."""
    if value is None:
        return EMPTY
    if unit.isalpha() and unit not in UNITS:
        return f"{money(value)} {unit}"
    return f"{number(value)} {unit_label(unit)}"


def large_quantity(value: Decimal, unit: str) -> str:
    """Return a quantity for a headline: money claims in whole units from 100,000 on."""
    if unit.isalpha() and unit not in UNITS:
        return f"{large_money(value)} {unit}"
    return quantity(value, unit)


def price(value: Decimal | None) -> str:
    """Return a unit price: cents from ten on, four decimals below."""
    if value is None:
        return EMPTY
    return money(value, 2 if abs(value) >= 10 else 4)


def percent(share: Decimal | None, places: int = 1) -> str:
    """Return a share as a percentage."""
    return EMPTY if share is None else f"{money(share * 100, places)} %"


def basis_points(change: Decimal | None) -> str:
    """Return a change of a rate in basis points with its sign."""
    if change is None:
        return EMPTY
    if not change:
        return "0 bp"
    points = (change * 10_000).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return f"{points:+,} bp".replace("-", "−")


def signed_percent(share: Decimal | None, places: int = 1) -> str:
    """Return a relative change with its sign."""
    if share is None:
        return EMPTY
    return ("+" if share > 0 else "") + percent(share, places)


def ratio(lending_value: Decimal, exposure: Decimal) -> str:
    """Return coverage ΣLV ÷ E with two decimals; words where nothing is owed."""
    if exposure == 0:
        return str(_("no debt"))
    return money(lending_value / exposure)


def day(value: date | None) -> str:
    """Return a date in the reader's language."""
    if value is None:
        return EMPTY
    chinese = (get_language() or "").startswith("zh")
    return date_format(value, "Y年n月j日" if chinese else "j M Y")


def month(value: date) -> str:
    """Return a month in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    return date_format(value, "Y年n月" if chinese else "F Y")


def instant(value: datetime | None) -> str:
    """Return an instant with its zone."""
    if value is None:
        return EMPTY
    utc = value.astimezone(UTC)
    return f"{day(utc.date())} {utc:%H:%M} UTC"


def hour(value: datetime) -> str:
    """Return the time of day with its zone."""
    return f"{value.astimezone(UTC):%H:%M} UTC"


def days_between(start: date, end: date) -> str:
    """Say how far a day lies from another: "in 12 days", "3 days late", "today"."""
    days = (end - start).days
    if days == 0:
        return str(_("today"))
    if days > 0:
        return str(_("in %(days)s days") % {"days": f"{days:,}"})
    return str(_("%(days)s days ago") % {"days": f"{-days:,}"})

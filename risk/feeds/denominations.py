"""What sources call a currency and a unit: "$/BBL", "Dollars per Million BTU", "USD/MT"."""

import re

from risk.units import Quotation, UnknownUnit, parse_quotation

_TOLD = re.compile(
    r"(?:U\.?S\.? )?(?P<money>\$|dollars?|cents|[A-Z]{3})\s*(?:/|per )\s*(?P<unit>.+)",
    re.IGNORECASE,
)
_UNITS = {"million btu": "MMBtu", "mt": "tonne", "metric tons": "tonne"}


def parse_denomination(text: str) -> tuple[str, Quotation] | None:
    """Return the currency and quotation of a source's words; None where they are not understood.

    "cents" makes prices hundredths of a dollar, as in "cents per pound".
    """
    told = _TOLD.fullmatch(text.strip())
    if told is None:
        return None
    money, unit = told["money"].lower(), told["unit"].strip()
    unit = _UNITS.get(unit.lower(), unit)
    currency = "USD" if money in ("$", "dollar", "dollars", "cents") else told["money"].upper()
    try:
        return currency, parse_quotation(f"{unit} (cents)" if money == "cents" else unit)
    except UnknownUnit:
        return None


def says_otherwise(text: str, *, currency: str, unit: str) -> bool:
    """Tell whether a source's words name another currency or unit than the one expected."""
    return parse_denomination(text) != (currency, parse_quotation(unit))

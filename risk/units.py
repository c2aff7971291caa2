"""Units of measure: UN/CEFACT Recommendation 20 codes, exact factors, and how prices name them.

A price file says "100 lb" or "troy ounce (cents)"; the system says LBR x 100 or APZ at a factor of
0.01. Factors are exact by definition (international pound, US gallon, international-table BTU).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import Refusal
from common.exact import EXACT, require_decimal


class UnknownUnit(Refusal):
    """A code that is not in the table, or a text that names no unit."""

    code = "unknown_unit"


class IncompatibleUnits(Refusal):
    """Two units that measure different things, such as kilograms and litres."""

    code = "incompatible_units"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its Rec 20 code, what it measures, its size in the measure's base unit, its name."""

    code: str
    measure: str
    factor: Decimal
    label: Promise
    symbol: str


def _table(*units: tuple[str, str, str, Promise, str]) -> dict[str, Unit]:
    """Return the units by code."""
    return {
        code: Unit(code, measure, Decimal(factor), label, symbol)
        for code, measure, factor, label, symbol in units
    }


# Base units: kilogram, litre, joule, piece, metre, square metre.
UNITS = _table(
    ("MGM", "mass", "0.000001", gettext_lazy("milligram"), "mg"),
    ("GRM", "mass", "0.001", gettext_lazy("gram"), "g"),
    ("KGM", "mass", "1", gettext_lazy("kilogram"), "kg"),
    ("DTN", "mass", "100", gettext_lazy("quintal"), "q"),
    ("TNE", "mass", "1000", gettext_lazy("tonne"), "t"),
    ("ONZ", "mass", "0.028349523125", gettext_lazy("ounce"), "oz"),
    ("APZ", "mass", "0.0311034768", gettext_lazy("troy ounce"), "oz t"),
    ("LBR", "mass", "0.45359237", gettext_lazy("pound"), "lb"),
    ("STN", "mass", "907.18474", gettext_lazy("short ton"), "short ton"),
    ("LTN", "mass", "1016.0469088", gettext_lazy("long ton"), "long ton"),
    ("MLT", "volume", "0.001", gettext_lazy("millilitre"), "ml"),
    ("LTR", "volume", "1", gettext_lazy("litre"), "l"),
    ("MTQ", "volume", "1000", gettext_lazy("cubic metre"), "m³"),
    ("GLL", "volume", "3.785411784", gettext_lazy("gallon"), "gal"),
    ("BUA", "volume", "35.23907016688", gettext_lazy("bushel"), "bu"),
    ("BLL", "volume", "158.987294928", gettext_lazy("barrel"), "bbl"),
    ("JOU", "energy", "1", gettext_lazy("joule"), "J"),
    ("BTU", "energy", "1055.05585262", gettext_lazy("British thermal unit"), "Btu"),
    ("KWH", "energy", "3600000", gettext_lazy("kilowatt hour"), "kWh"),
    ("MWH", "energy", "3600000000", gettext_lazy("megawatt hour"), "MWh"),
    ("GV", "energy", "1000000000", gettext_lazy("gigajoule"), "GJ"),
    ("C62", "count", "1", gettext_lazy("unit"), "1"),
    ("H87", "count", "1", gettext_lazy("piece"), "pc"),
    ("EA", "count", "1", gettext_lazy("each"), "ea"),
    ("DZN", "count", "12", gettext_lazy("dozen"), "dz"),
    ("MIL", "count", "1000", gettext_lazy("thousand"), "1000"),
    ("MMT", "length", "0.001", gettext_lazy("millimetre"), "mm"),
    ("CMT", "length", "0.01", gettext_lazy("centimetre"), "cm"),
    ("MTR", "length", "1", gettext_lazy("metre"), "m"),
    ("KMT", "length", "1000", gettext_lazy("kilometre"), "km"),
    ("CMK", "area", "0.0001", gettext_lazy("square centimetre"), "cm²"),
    ("MTK", "area", "1", gettext_lazy("square metre"), "m²"),
)

# Exchanges quote some prices in hundredths of the currency.
_CENT = Decimal("0.01")
_MILLION_BTU = Decimal(1_000_000)

_CONTRACT = re.compile(r"contract \((?P<size>.+)\)", re.IGNORECASE)
_IN_CENTS = re.compile(r"(?P<size>.+) \(cents\)", re.IGNORECASE)
_SIZE = re.compile(r"(?:(?P<count>\d+(?:\.\d+)?) )?(?P<name>\D.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a quoted price buys: `quantity` of `unit`, the number times `factor` in currency."""

    quantity: Decimal
    unit: str
    factor: Decimal

    def unit_price(self, price: Decimal) -> Decimal:
        """Return the price of one unit in currency units, exact to a hundred digits."""
        return EXACT.divide(EXACT.multiply(price, self.factor), self.quantity)

    def __str__(self) -> str:
        """Return the quotation as price files write it: "100 lb", "troy ounce (cents)"."""
        if (self.unit, self.quantity) == ("BTU", _MILLION_BTU):
            name = "MMBtu"
        elif self.quantity == 1:
            name = next(
                (name for name, found in _NAMES.items() if found[0] == self.unit), self.unit
            )
        else:
            name = f"{self.quantity.normalize():f} {get_unit(self.unit).symbol}"
        return name if self.factor == 1 else f"{name} (cents)"


def get_unit(code: str) -> Unit:
    """Return the unit of a code.

    Raises:
        UnknownUnit: no unit has this code.

    """
    unit = UNITS.get(code)
    if unit is None:
        raise UnknownUnit(
            message=_("%(code)r is not a unit code; known are %(known)s")
            % {"code": code, "known": ", ".join(UNITS)},
            field="unit",
            numbers={"code": code},
        )
    return unit


def conversion_factor(from_unit: str, to_unit: str) -> Decimal:
    """Return how many `to_unit` one `from_unit` is, exact to a hundred digits.

    Raises:
        UnknownUnit: a code is not in the table.
        IncompatibleUnits: the two do not measure the same thing.

    """
    source, target = get_unit(from_unit), get_unit(to_unit)
    if source.measure != target.measure:
        raise IncompatibleUnits(
            message=_("%(source)s measures %(one)s, %(target)s measures %(other)s")
            % {
                "source": source.label,
                "one": source.measure,
                "target": target.label,
                "other": target.measure,
            },
            field="unit",
            numbers={"from_unit": from_unit, "to_unit": to_unit},
        )
    return EXACT.divide(source.factor, target.factor)


def convert(quantity: Decimal, from_unit: str, to_unit: str) -> Decimal:
    """Return a quantity in another unit, unrounded (a hundred digits where it does not end).

    Raises:
        UnknownUnit: a code is not in the table.
        IncompatibleUnits: the two do not measure the same thing.

    """
    conversion_factor(from_unit, to_unit)  # refuses what cannot be converted
    source, target = UNITS[from_unit], UNITS[to_unit]
    # Multiplied before it is divided: 1 dozen of 12 comes out as 1, not as 0.999...
    in_base = EXACT.multiply(require_decimal(quantity, what="quantity"), source.factor)
    return EXACT.divide(in_base, target.factor)


def parse_quotation(text: str) -> Quotation:
    """Return what a price file's unit text means, such as "contract (5000 bushels)".

    Raises:
        UnknownUnit: the text names no unit of the table.

    """
    size, factor = text.strip(), Decimal(1)
    if cents := _IN_CENTS.fullmatch(size):
        size, factor = cents["size"], _CENT
    if contract := _CONTRACT.fullmatch(size):
        size = contract["size"]
    parts = _SIZE.fullmatch(size)
    named = _named_unit(parts["name"]) if parts else None
    if parts is None or named is None:
        raise UnknownUnit(
            message=_("%(text)r names no known unit; write it like '100 lb' or 'troy ounce'")
            % {"text": text},
            field="unit",
            numbers={"unit": text},
        )
    code, multiple = named
    quantity = EXACT.multiply(Decimal(parts["count"] or 1), multiple)
    return Quotation(quantity, code, factor)


def _named_unit(name: str) -> tuple[str, Decimal] | None:
    """Return code and multiple of a unit's name, singular or plural; None for an unknown one."""
    if name in UNITS:
        return name, Decimal(1)
    wanted = name.lower()
    return _NAMES.get(wanted) or _NAMES.get(wanted.removesuffix("s"))


def _names() -> dict[str, tuple[str, Decimal]]:
    """Return what price files call the units, English names first.

    Written out and not read from the labels, which are translated to the reader's language.
    """
    english = {
        "MGM": ["milligram"],
        "GRM": ["gram"],
        "KGM": ["kilogram"],
        "DTN": ["quintal"],
        "TNE": ["tonne", "metric ton"],
        "ONZ": ["ounce"],
        "APZ": ["troy ounce"],
        "LBR": ["pound"],
        "STN": ["short ton"],
        "LTN": ["long ton"],
        "LTR": ["litre", "liter"],
        "MTQ": ["cubic metre", "cubic meter"],
        "GLL": ["gallon"],
        "BUA": ["bushel"],
        "BLL": ["barrel"],
        "GV": ["gigajoule"],
        "C62": ["unit"],
        "H87": ["piece"],
        "DZN": ["dozen"],
        "MTR": ["metre", "meter"],
        "MTK": ["square metre", "square meter"],
    }
    names = {name: (code, Decimal(1)) for code, found in english.items() for name in found}
    names |= {unit.symbol.lower(): (unit.code, Decimal(1)) for unit in UNITS.values()}
    return names | {"mmbtu": ("BTU", _MILLION_BTU)}


_NAMES = _names()
